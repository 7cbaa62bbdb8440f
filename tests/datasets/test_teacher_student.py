"""Teachers: WI and SI ones are equivariant for every group, and the law is the one announced."""

import numpy as np
import pytest

from sharefind.datasets import (
    TeacherStudent,
    load_task,
    strongly_invariant,
    teacher_student,
    weakly_invariant,
)
from sharefind.errors import DataError
from sharefind.fresh_samples import are_compiled, compiled_samples
from sharefind.groups import Representation, hom, named_group, parse_representation

SETTINGS = [
    ("C2", "natural", "natural", "logistic"),
    ("C4", "natural", "natural", "tanh"),
    ("S3", "natural*natural", "natural+trivial", "logistic"),
    ("S4", "natural", "natural", "tanh"),
    ("D4", "patch:5", "trivial", "tanh"),
    ("V4", "regular", "natural", "logistic"),
    ("B2", "natural", "natural", "tanh"),
    ("S3", "natural+sign", "natural+sign", "tanh"),
    ("R5", "natural", "trivial:2", "tanh"),
    ("C2xC3", "natural", "natural", "logistic"),
    ("C1", "trivial:3", "natural", "tanh"),
]


def _reps(group: str, in_rep: str, out_rep: str) -> tuple[Representation, Representation]:
    g = named_group(group)
    return parse_representation(in_rep, g), parse_representation(out_rep, g)


def _defect(teacher: TeacherStudent, in_rep: Representation, out_rep: Representation) -> float:
    """The largest entry of Phi(rho_g x) - rhohat_g Phi(x) over the group and random x."""
    x = 3 * np.random.default_rng(1).standard_normal((20, in_rep.dim))
    pairs = zip(in_rep.float_matrices(), out_rep.float_matrices(), strict=True)
    return max(float(np.abs(teacher.target(x @ a.T) - teacher.target(x) @ b.T).max()) for a, b in pairs)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["wi", "si"])
@pytest.mark.parametrize(("group", "in_rep", "out_rep", "activation"), SETTINGS)
def test_invariant_teachers_are_equivariant(
    group: str, in_rep: str, out_rep: str, activation: str, kind: str, bias: bool
) -> None:
    reps = _reps(group, in_rep, out_rep)
    teacher = teacher_student(*reps, kind, np.random.default_rng(0), bias=bias, activation=activation)
    assert _defect(teacher, *reps) < 1e-12
    assert (teacher.biases is not None) == bias


@pytest.mark.parametrize("group", ["C2", "C4", "S4", "D5"])
def test_arbitrary_teachers_are_not(group: str) -> None:
    reps = _reps(group, "natural", "natural")
    assert _defect(teacher_student(*reps, "arbitrary", np.random.default_rng(0)), *reps) > 1e-3


@pytest.mark.parametrize(("group", "in_rep", "out_rep", "activation"), SETTINGS)
def test_particles_of_invariant_measures(group: str, in_rep: str, out_rep: str, activation: str) -> None:
    reps = _reps(group, in_rep, out_rep)
    particles = np.random.default_rng(2).standard_normal((3, reps[1].dim, reps[0].dim))
    order = reps[0].group.order
    assert order is not None
    matrices = hom(reps[1], reps[0]).float_matrices()
    wi, _ = weakly_invariant(particles, None, *reps)
    si, _ = strongly_invariant(particles, None, *reps)
    assert wi.shape == (3 * order, *particles.shape[1:]) and si.shape == particles.shape
    np.testing.assert_array_equal(wi[:3], particles)
    np.testing.assert_allclose(wi.reshape(order, *particles.shape).mean(axis=0), si, atol=1e-12)
    projected = particles.reshape(3, -1) @ matrices.mean(axis=0).T
    np.testing.assert_allclose(si.reshape(3, -1), projected, atol=1e-12)
    for matrix in matrices:
        np.testing.assert_allclose(si.reshape(3, -1) @ matrix.T, si.reshape(3, -1), atol=1e-12)
        assert _same_cloud(wi.reshape(len(wi), -1) @ matrix.T, wi.reshape(len(wi), -1))


def _same_cloud(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two clouds (n, d) in general position are equal up to order."""
    direction = np.random.default_rng(3).standard_normal(a.shape[1])
    return bool(np.allclose(np.sort(a @ direction), np.sort(b @ direction), atol=1e-10))


def test_the_law_of_x_and_of_the_noise() -> None:
    n = 200_000
    teacher = TeacherStudent(np.ones((1, 2, 3)), None, "tanh", x_scale=2.5, noise=0.3)
    x, y = teacher.sample(np.random.default_rng(4), n)
    residual = y - teacher.target(x)
    # Six standard errors of a mean and of a variance of n Gaussian values.
    for values, deviation in ((x, 2.5), (residual, 0.3)):
        assert np.abs(values.mean(axis=0)).max() < 6 * deviation / np.sqrt(n)
        assert np.abs(np.cov(values.T) / deviation**2 - np.eye(values.shape[1])).max() < 6 * np.sqrt(2 / n)
    assert abs(np.corrcoef(x[:, 0], residual[:, 0])[0, 1]) < 6 / np.sqrt(n)


def test_same_generator_same_data_and_no_noise_unless_asked() -> None:
    teacher = TeacherStudent(np.ones((1, 2, 2)))
    first, second = (teacher.sample(np.random.default_rng(5), 10) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], teacher.target(first[0]))


def test_target_is_the_mean_of_the_units_however_long_the_input() -> None:
    rng = np.random.default_rng(6)
    z, b = rng.standard_normal((400, 3, 2)), rng.standard_normal((400, 3))
    x = 5 * rng.standard_normal((9_000, 2))
    inner = np.einsum("ioj,nj->nio", z, x) + b
    np.testing.assert_allclose(TeacherStudent(z, b, "tanh").target(x), np.tanh(inner).mean(axis=1), atol=1e-12)
    logistic = (1 / (1 + np.exp(-inner))).mean(axis=1)
    np.testing.assert_allclose(TeacherStudent(z, b, "logistic").target(x), logistic, atol=1e-12)
    assert TeacherStudent(z, b).target(x[:0]).shape == (0, 3)


def test_the_logistic_function_does_not_overflow() -> None:
    teacher = TeacherStudent(np.array([[[1.0]]]))
    found = teacher.target(np.array([[-1e6], [0.0], [1e6]]))
    np.testing.assert_allclose(found, [[0.0], [0.5], [1.0]], rtol=1e-15, atol=1e-200)


def test_c2_teachers_are_those_of_the_paper() -> None:
    rows = 0.5 * np.array([[-1, 0, 0, 0.5], [0.5, 1, 0, 1], [-0.5, 0.3, 1, 0], [0, -1, -0.5, 1], [0.7, -0.7, 0.5, 0.7]])
    x = np.random.default_rng(7).standard_normal((50, 2))
    logistic = 1 / (1 + np.exp(-np.einsum("iab,nb->nia", rows.reshape(5, 2, 2), x)))
    plain = logistic.mean(axis=1)
    swapped = 1 / (1 + np.exp(-np.einsum("iab,nb->nia", rows.reshape(5, 2, 2), x[:, ::-1])))
    mirrored = swapped.mean(axis=1)[:, ::-1]
    np.testing.assert_allclose(_teacher("c2-arbitrary").target(x), plain, atol=1e-14)
    np.testing.assert_allclose(_teacher("c2-wi").target(x), (plain + mirrored) / 2, atol=1e-14)
    assert len(_teacher("c2-wi").particles) == 10
    a, b = 0.5 * np.array([[1, 0], [0.5, 1], [-0.5, 0.3], [0, -1], [0.7, 0.7]]).T / np.sqrt(2)
    shared = np.array([[a, b], [b, a]]).transpose(2, 0, 1)
    np.testing.assert_allclose(_teacher("c2-si").particles, shared, atol=1e-15)


@pytest.mark.parametrize("name", ["c2-wi", "c2-si", "c2-arbitrary"])
def test_c2_data_is_noise_free_with_variance_sixteen(name: str) -> None:
    task, teacher = load_task(name), _teacher(name)
    x, y = task.sample(np.random.default_rng(8), 100_000)
    np.testing.assert_array_equal(y, teacher.target(x))
    assert np.abs(np.cov(x.T) / 16 - np.eye(2)).max() < 6 * np.sqrt(2 / len(x))
    assert (task.d_in, task.d_out, task.in_rep, task.out_rep) == (2, 2, "natural", "natural")
    assert _defect(teacher, *_reps("C2", "natural", "natural")) < 1e-15 or name == "c2-arbitrary"


def _teacher(name: str) -> TeacherStudent:
    sampler = load_task(name).sampler
    assert isinstance(sampler, TeacherStudent)
    return sampler


@pytest.mark.parametrize(
    ("group", "in_rep", "out_rep", "kind", "activation", "words"),
    [
        ("C3", "natural", "natural", "both", "tanh", "no kind 'both'"),
        ("C3", "natural", "natural", "wi", "relu", "relu"),
        ("R3", "natural", "natural", "wi", "tanh", "does not commute with tanh"),
        ("B2", "natural", "sign", "si", "logistic", "does not commute with logistic"),
        ("SO3", "natural", "trivial", "wi", "tanh", "SO3 is not finite"),
        ("SO3", "natural", "trivial", "si", "tanh", "SO3 is not finite"),
    ],
)
def test_teachers_that_cannot_be_made(
    group: str, in_rep: str, out_rep: str, kind: str, activation: str, words: str
) -> None:
    with pytest.raises(DataError) as caught:
        teacher_student(*_reps(group, in_rep, out_rep), kind, np.random.default_rng(0), activation=activation)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"particles": np.ones((2, 2))}, "(N, d_out, d_in)"),
        ({"particles": np.ones((0, 2, 2))}, "(N, d_out, d_in)"),
        ({"biases": np.ones((3, 3))}, "(3, 3)"),
        ({"activation": "relu"}, "'relu'"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"x_scale": np.nan}, "x_scale is nan"),
    ],
)
def test_laws_that_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(DataError) as caught:
        TeacherStudent(**{"particles": np.ones((3, 2, 2)), **settings})  # type: ignore[arg-type]
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_no_particles_are_refused() -> None:
    with pytest.raises(DataError, match="0 particles"):
        teacher_student(*_reps("C2", "natural", "natural"), "si", np.random.default_rng(0), n_particles=0)


@pytest.mark.parametrize(("activation", "bias", "shape"), [("logistic", False, (3, 2)), ("tanh", True, (1, 5))])
@pytest.mark.parametrize("n", [0, 1, 700])
def test_compiled_samples_are_the_same_up_to_rounding(
    activation: str, bias: bool, shape: tuple[int, int], n: int
) -> None:
    """The stream is drawn alike, and labels are those of the definition, which long double is closer to."""
    pytest.importorskip("numba")
    d_out, d_in = shape
    rng = np.random.default_rng(2)
    particles = 3 * rng.standard_normal((4, d_out, d_in))
    biases = rng.standard_normal((4, d_out)) if bias else None
    teacher = TeacherStudent(particles, biases, activation, x_scale=2.0, noise=0.1)  # type: ignore[arg-type]
    plain = teacher.sample(np.random.default_rng(5), n)
    with compiled_samples(True):
        assert are_compiled()
        x, y = teacher.sample(np.random.default_rng(5), n)
        means = teacher.target(x)
    assert not are_compiled()
    np.testing.assert_array_equal(x, plain[0])
    np.testing.assert_allclose(y, plain[1], rtol=0, atol=1e-14)
    inner = np.einsum("poi,ni->npo", particles, x).astype(np.longdouble) + (0 if biases is None else biases)
    exact = np.tanh(inner) if activation == "tanh" else 1 / (1 + np.exp(-inner))
    np.testing.assert_allclose(means, exact.mean(axis=1).astype(float), rtol=0, atol=1e-14)


def test_activations_far_from_zero_stay_finite_in_compiled_samples() -> None:
    pytest.importorskip("numba")
    with compiled_samples(True):
        means = TeacherStudent(np.full((1, 1, 1), 1e6)).target(np.array([[-1.0], [1.0]]))
    np.testing.assert_allclose(means.ravel(), [0.0, 1.0], rtol=0, atol=1e-200)
