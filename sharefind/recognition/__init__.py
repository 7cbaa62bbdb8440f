"""The symmetry of a space of parameters: its stabiliser among permutations, signed permutations and rotations, named.

`sharefind.spaces` supplies exact spaces, `sharefind.groups` the groups. `sharefind.search` finds the space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.recognition.layout import Axis as Axis
    from sharefind.recognition.layout import Layout as Layout
    from sharefind.recognition.layout import matrix_layout as matrix_layout
    from sharefind.recognition.layout import vector_layout as vector_layout
    from sharefind.recognition.lie_algebra import LieStabiliser as LieStabiliser
    from sharefind.recognition.lie_algebra import lie_stabiliser as lie_stabiliser
    from sharefind.recognition.recognise import Recognition as Recognition
    from sharefind.recognition.recognise import recognise as recognise
    from sharefind.recognition.recognise import recognise_layout as recognise_layout

OFFERED = {
    "Axis": ".layout",
    "Layout": ".layout",
    "LieStabiliser": ".lie_algebra",
    "Recognition": ".recognise",
    "lie_stabiliser": ".lie_algebra",
    "matrix_layout": ".layout",
    "recognise": ".recognise",
    "recognise_layout": ".recognise",
    "vector_layout": ".layout",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
