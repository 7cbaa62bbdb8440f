"""What symmetry a space of parameters has: its stabiliser in the [signed] permutations and rotations, named.

Exact spaces come from `sharefind.spaces`, groups from `sharefind.groups`; how a space was found is left to
`sharefind.search`.
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
