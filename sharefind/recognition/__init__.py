"""The symmetry of a space of parameters: its stabiliser among permutations, signed permutations and rotations, named.

`sharefind.spaces` supplies exact spaces, `sharefind.groups` the groups. `sharefind.search` finds the space.
"""

from sharefind.recognition.layout import Axis, Layout, matrix_layout, vector_layout
from sharefind.recognition.lie_algebra import LieStabiliser, lie_stabiliser
from sharefind.recognition.recognise import Recognition, recognise, recognise_layout

__all__ = [
    "Axis",
    "Layout",
    "LieStabiliser",
    "Recognition",
    "lie_stabiliser",
    "matrix_layout",
    "recognise",
    "recognise_layout",
    "vector_layout",
]
