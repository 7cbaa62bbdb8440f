"""Students of the figures: exact starts, common random numbers, and distances held to direct computations."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield.dynamics.sgd import SGDConfig, Trajectory
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.objectives.sources import Source
from sharefind.paper import students
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.setting import KINDS, Kind, setting
from sharefind.paper.students import (
    PAIRS,
    SCHEMES,
    Start,
    Student,
    Training,
    compare_students,
    distances_to_invariance,
    fitting_sizes,
    pair_name,
    pair_piece,
    particles_for,
    student_piece,
    student_start,
    train_student,
)

GROUPS = ("C2", "C3", "D4")
MAX_TRANSPORT = 60_000_000
"""Entries of the largest cost matrix of a transport."""

ROUNDING = 1e-12


def _matrices(group: str) -> NDArray[np.float64]:
    """M_g on the entries of a particle, read off from the action on the standard basis: (|G|, D, D)."""
    place = setting(Request(group=group))
    basis = torch.eye(place.unit.space.dim, dtype=torch.float64).unsqueeze(0)
    return place.action.images(basis)[0].permute(1, 0, 2).numpy()


def _cloud(dim: int, particles: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, dim, particles)))


def _sorted(cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Particles (D, M) in an order of their own, one a row."""
    rounded = np.round(cloud.T, 9) + 0.0
    return rounded[np.lexsort(rounded.T)]


@pytest.mark.parametrize("group", GROUPS)
def test_an_si_start_lies_on_the_fixed_space(group: str) -> None:
    request = Request(group=group, seed=2)
    start = student_start(Context(request), setting(request), Student("si", "wi", Scheme.VANILLA, 40, 0)).numpy()
    assert start.shape[::2] == (10, 40)
    for matrix in _matrices(group):
        assert np.abs(matrix @ start - start).max() < ROUNDING
    # E^G of Hom(natural, natural) has a dimension for each orbit on pairs: the start fills it with spread 1/4.
    orbits = {"C2": 2, "C3": 3, "D4": 3}[group]
    assert np.linalg.matrix_rank(start.transpose(0, 2, 1).reshape(-1, start.shape[1])) == orbits
    assert (start**2).sum(1).mean() == pytest.approx(orbits / 16, rel=0.2)


@pytest.mark.parametrize("group", GROUPS)
def test_a_wi_start_is_made_of_whole_orbits(group: str) -> None:
    request = Request(group=group, seed=2)
    place = setting(request)
    order = {"C2": 2, "C3": 3, "D4": 8}[group]
    for size in (1, 5, order, order + 1):
        start = student_start(Context(request), place, Student("wi", "wi", Scheme.VANILLA, size, 0)).numpy()
        assert start.shape[2] == particles_for("wi", size, order)
        assert start.shape[2] % order == 0
        assert 0 <= start.shape[2] - size < order
        for matrix in _matrices(group):
            for cloud in start[:2]:
                assert np.array_equal(_sorted(matrix @ cloud), _sorted(cloud))
        assert np.abs(_matrices(group).mean(0) @ start - start).max() > 0.1


@pytest.mark.parametrize("group", GROUPS)
def test_the_distance_of_si_students_is_that_to_the_group_average(group: str) -> None:
    place = setting(Request(group=group))
    theta = _cloud(place.unit.space.dim, 7)
    projected = _matrices(group).mean(0) @ theta.numpy()
    gap = ((theta.numpy() - projected) ** 2).sum(1).mean(1)
    moments = (theta.numpy() ** 2).sum(1).mean(1) + (projected**2).sum(1).mean(1)
    assert distances_to_invariance(place, "si", theta) == pytest.approx((gap / (2 * moments)).tolist(), rel=1e-12)


@pytest.mark.parametrize("group", GROUPS)
def test_the_distance_of_wi_students_is_an_optimal_assignment(group: str) -> None:
    """N particles of weight 1/N against |G| N of weight 1/(|G| N): each of the N stands for |G| of them."""
    place, matrices = setting(Request(group=group)), _matrices(group)
    theta = _cloud(place.unit.space.dim, 5)
    found = distances_to_invariance(place, "wi", theta)
    for value, cloud in zip(found, theta.numpy(), strict=True):
        repeated = np.repeat(cloud, len(matrices), axis=1)
        whole = np.concatenate([matrix @ cloud for matrix in matrices], axis=1)
        cost = ((repeated[:, :, None] - whole[:, None, :]) ** 2).sum(0)
        rows, columns = linear_sum_assignment(cost)
        moments = 2 * (cloud**2).sum(0).mean() + 2 * (whole**2).sum(0).mean()
        assert value == pytest.approx(cost[rows, columns].mean() / moments, rel=1e-9)
        assert value > 1e-3


@pytest.mark.parametrize("start", ["si", "wi"])
def test_a_cloud_at_zero_has_no_distance(start: Start) -> None:
    place = setting(Request())
    assert distances_to_invariance(place, start, torch.zeros(2, 4, 3, dtype=torch.float64)) == [0.0, 0.0]


def test_distances_between_schemes_are_those_of_sorted_points() -> None:
    """On a line the best coupling of equal weights sorts both clouds."""
    rng = np.random.default_rng(3)
    clouds = {scheme: rng.normal(size=(3, 1, 6)) for scheme in SCHEMES}
    numbers = compare_students(Request(), clouds).numbers
    assert list(numbers) == [pair_name(*pair) for pair in PAIRS]
    assert len(numbers) == 6
    for one, other in PAIRS:
        a, b = np.sort(clouds[one][:, 0]), np.sort(clouds[other][:, 0])
        expected = ((a - b) ** 2).mean(1) / (2 * (a**2).mean(1) + 2 * (b**2).mean(1))
        assert numbers[pair_name(one, other)] == pytest.approx(expected.tolist(), rel=1e-12)


class _Seen:
    """What trainings are given, instead of training."""

    def __init__(self) -> None:
        self.start = self.x = self.y = torch.empty(0)
        self.noise = 0.0

    def train(
        self,
        gradient: object,
        start: Tensor,
        source: Source,
        config: SGDConfig,
        rng: np.random.Generator,
        *_: object,
        must_learn: bool,
    ) -> Trajectory:
        batches = [source.batch(step) for step in range(70)]
        self.start, self.noise = start, rng.random()
        self.x, self.y = (torch.stack([getattr(batch, name) for batch in batches]) for name in "xy")
        return Trajectory((start,), (1.0,), torch.zeros(len(start)))


def _seen(monkeypatch: pytest.MonkeyPatch, student: Student, request: Request) -> _Seen:
    seen = _Seen()
    monkeypatch.setattr(students.mf, "train", seen.train)
    train_student(request, student)
    return seen


@pytest.mark.parametrize("start", ["si", "wi"])
def test_schemes_share_starts_samples_and_noise(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    request = Request(group="C3", seed=4)
    seen = {s: _seen(monkeypatch, Student(start, "arbitrary", s, 6, 0), request) for s in SCHEMES}
    plain = seen[Scheme.VANILLA]
    for scheme, other in seen.items():
        assert torch.equal(other.start, plain.start)
        assert other.noise == plain.noise
        assert torch.equal(other.x, plain.x) == torch.equal(other.y, plain.y) == (scheme is not Scheme.DA)
    # DA sees the same samples, each moved by one element: a cyclic shift of its entries, the same in X and Y.
    moved = seen[Scheme.DA]
    fits = torch.stack(
        [
            (torch.roll(plain.x, k, -1) == moved.x).all(-1) & (torch.roll(plain.y, k, -1) - moved.y).abs().le(0).all(-1)
            for k in range(3)
        ]
    )
    assert bool((fits.sum(0) == 1).all())
    shares = fits.double().mean((1, 2, 3))
    assert shares.tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_teachers_share_inputs_and_repetitions_share_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {t: _seen(monkeypatch, Student("si", t, Scheme.VANILLA, 6, 0), Request()) for t in KINDS}
    for one, other in pairwise(KINDS):
        assert torch.equal(seen[one].x, seen[other].x)
        assert not torch.equal(seen[one].y, seen[other].y)
    plain = seen["arbitrary"]
    changed = (
        (Student("si", "arbitrary", Scheme.VANILLA, 6, 1), Request()),
        (Student("si", "arbitrary", Scheme.VANILLA, 6, 0), Request(seed=1)),
    )
    for student, request in changed:
        new = _seen(monkeypatch, student, request)
        assert not torch.equal(new.x, plain.x)
        assert float((new.x == plain.x).double().mean()) < 1e-3
        assert new.noise != plain.noise
        assert len(torch.unique(torch.cat([new.start, plain.start]), dim=0)) == 20


def _one_step(request: Request, student: Student) -> Cell:
    """A training of a single step."""
    place = setting(request)
    particles = particles_for(student.start, student.size, place.group.order)
    return train_student(replace(request, horizon=1 / particles), student)


def _final(scheme: Scheme, start: Start, teacher: Kind, group: str = "C3", noisy: bool = True) -> NDArray[np.float64]:
    cell = _one_step(Request(group=group), Student(start, teacher, scheme, 8, 0, noisy))
    final: NDArray[np.float64] = cell.arrays["final"]
    return final


@pytest.mark.parametrize("group", GROUPS)
def test_a_step_of_fa_and_ea_from_si_is_the_vanilla_step_projected(group: str) -> None:
    """P M_g = P and Phi_nu = Q_G Phi_nu on E^G, so both gradients are P of the vanilla one; penalty and noise stay."""
    vanilla, fa, ea = (_final(s, "si", "arbitrary", group) for s in (Scheme.VANILLA, Scheme.FA, Scheme.EA))
    projected = _matrices(group).mean(0) @ vanilla
    assert np.abs(ea - projected).max() < ROUNDING
    assert np.abs(fa - projected).max() < ROUNDING
    assert np.abs(vanilla - projected).max() > 1e-3


def test_a_step_of_fa_keeps_whole_orbits_without_noise_only() -> None:
    fa, noisy, vanilla = (
        _final(scheme, "wi", "arbitrary", noisy=noisy)
        for scheme, noisy in ((Scheme.FA, False), (Scheme.FA, True), (Scheme.VANILLA, False))
    )
    for matrix in _matrices("C3"):
        assert np.array_equal(_sorted(matrix @ fa[0]), _sorted(fa[0]))
    shift = _matrices("C3")[1]
    for broken in (noisy, vanilla):
        assert not np.array_equal(_sorted(shift @ broken[0]), _sorted(broken[0]))


def test_a_cell_says_what_its_cloud_says() -> None:
    cell = _one_step(Request(), Student("wi", "arbitrary", Scheme.VANILLA, 5, 0))
    clouds = torch.from_numpy(cell.arrays["final"])
    assert clouds.shape == (10, 4, 6)
    assert (cell.numbers["particles"], cell.numbers["replicates"]) == (6, 10)
    assert cell.numbers["rmd2"] == distances_to_invariance(setting(Request()), "wi", clouds)
    assert len(cell.numbers["risk"]) == 10
    assert min(cell.numbers["risk"]) > 0


def test_the_settings_are_those_of_the_paper() -> None:
    training = Training()
    paper = training.horizon(Request(), setting(Request()))
    config = students.student_config(Student("si", "wi", Scheme.VANILLA, 500, 0), 500, paper)
    assert (config.alpha, config.horizon, config.batch, config.tau, config.beta) == (50, 20, 20, 1e-4, 1e-6)
    assert (config.steps, config.step_size) == (10000, 0.1)
    elsewhere = Request(group="C3")
    assert training.horizon(elsewhere, setting(elsewhere)) == training.other_horizon
    assert training.horizon(replace(elsewhere, horizon=7.0), setting(elsewhere)) == 7
    starts: tuple[Start, ...] = ("si", "wi")
    noises = {
        (start, noisy): Student(start, "wi", Scheme.VANILLA, 5, 0, noisy).noise
        for start in starts
        for noisy in (True, False)
    }
    assert noises == {
        ("si", True): "projected",
        ("wi", True): "gaussian",
        ("si", False): "none",
        ("wi", False): "none",
    }


@pytest.mark.parametrize("repetitions", [1, 4, 10])
def test_blocks_hold_the_repetitions(repetitions: int) -> None:
    training = Training()
    for size in (1, 5, 100, 101, 500, 999, 1000, 1001, 5000):
        block = training.block_size(size)
        held = training.blocks_for(size, repetitions) * block
        assert held - block < repetitions <= held
        assert block in range(1, 11)


def test_every_choice_changes_the_identity_of_a_cell() -> None:
    base = Student("si", "wi", Scheme.VANILLA, 5, 0)
    others = [
        Student("wi", "wi", Scheme.VANILLA, 5, 0),
        Student("si", "si", Scheme.VANILLA, 5, 0),
        Student("si", "wi", Scheme.FA, 5, 0),
        Student("si", "wi", Scheme.VANILLA, 10, 0),
        Student("si", "wi", Scheme.VANILLA, 5, 1),
        Student("si", "wi", Scheme.VANILLA, 5, 0, noisy=False),
    ]
    requests = [
        Request(seed=1),
        Request(group="C3"),
        Request(unit="matrix:tanh"),
        Request(in_rep="regular"),
        Request(out_rep="regular"),
    ]
    asked = [(Request(), student) for student in (base, *others)] + [(request, base) for request in requests]
    pieces = [student_piece(Context(r), setting(r), s) for r, s in asked]
    pieces += [pair_piece(Context(Request()), setting(Request()), base, {})]
    assert len({repr(sorted(piece.identity.items())) for piece in pieces}) == len(pieces)
    same = student_piece(Context(Request(jobs=2, quick=True)), setting(Request()), base)
    assert same.identity == pieces[0].identity


def test_transports_that_do_not_fit_are_left_out() -> None:
    sizes = (5, 50, 500, 5000)
    assert fitting_sizes("si", sizes, 10**6) == sizes
    for order in (1, 2, 6, 24, 120, 391):
        kept = fitting_sizes("wi", sizes, order)
        assert kept == sizes[: len(kept)]
        entries = [particles_for("wi", n, order) * particles_for("wi", n, order) * order for n in sizes]
        assert [e <= MAX_TRANSPORT for e in entries] == [n in kept for n in sizes]
    with pytest.raises(ConfigError, match="720 elements is too large"):
        fitting_sizes("wi", sizes, 720)
