"""The C_2 teacher-student tasks of Maass & Fontbona 2024, Appendix F: the only data the paper itself uses.

C_2 swaps the two coordinates of X = Y = R^2; Z = R^{2x2}, and E^{C2} is spanned by the identity and the swap.
"""

import numpy as np

from sharefind.datasets.task import Task, fresh_task
from sharefind.datasets.teacher_student import Kind, TeacherStudent, weakly_invariant
from sharefind.errors import DataError
from sharefind.groups import named_group, natural
from sharefind.typing import FloatArray

# Rows (z11, z12, z21, z22); every entry is halved.
ARBITRARY = (
    (-1.0, 0.0, 0.0, 0.5),
    (0.5, 1.0, 0.0, 1.0),
    (-0.5, 0.3, 1.0, 0.0),
    (0.0, -1.0, -0.5, 1.0),
    (0.7, -0.7, 0.5, 0.7),
)
# Coefficients in the orthonormal basis (I / sqrt 2, swap / sqrt 2) of E^{C2}; halved, too.
STRONGLY_INVARIANT = ((1.0, 0.0), (0.5, 1.0), (-0.5, 0.3), (0.0, -1.0), (0.7, 0.7))
X_SCALE = 4.0
"""Standard deviation of every input."""

DESCRIPTIONS: dict[Kind, str] = {
    "wi": "the paper's C_2 task, weakly invariant teacher of 10 particles: E_* = E^C2",
    "si": "the paper's C_2 task, strongly invariant teacher of 5 particles: E_* = E^C2",
    "arbitrary": "the paper's C_2 task, a teacher of 5 particles without symmetry: E_* = Z",
}


def c2_task(kind: Kind) -> Task:
    """Return the task `c2-<kind>`: X ~ N(0, 16 I_2), Y = Phi_mu(X) with the logistic function, no noise.

    Source: Maass & Fontbona 2024, Appendix F.

    Args:
        kind: "wi" (weakly invariant), "si" (strongly invariant) or "arbitrary".

    Raises:
        DataError: A kind other than these.
    """
    teacher = TeacherStudent(c2_teacher(kind), activation="logistic", x_scale=X_SCALE)
    return fresh_task(
        f"c2-{kind}",
        teacher,
        teacher.d_in,
        teacher.d_out,
        description=DESCRIPTIONS[kind],
        in_rep="natural",
        out_rep="natural",
        unit="matrix:logistic",
    )


def c2_teacher(kind: Kind) -> FloatArray:
    """Return the teacher's particles, which have equal weights.

    Args:
        kind: As in `c2_task`.

    Returns:
        Shape (N, 2, 2), float64.

    Raises:
        DataError: A kind other than these.
    """
    arbitrary = np.array(ARBITRARY).reshape(-1, 2, 2) / 2
    match kind:
        case "arbitrary":
            return arbitrary
        case "wi":
            swap = natural(named_group("C2"))
            return weakly_invariant(arbitrary, None, swap, swap)[0]
        case "si":
            basis = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]) / np.sqrt(2.0)
            return np.tensordot(np.array(STRONGLY_INVARIANT), basis, axes=1) / 2
    raise DataError(f"no teacher c2-{kind}; use one of c2-wi, c2-si, c2-arbitrary")
