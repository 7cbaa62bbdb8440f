"""The overlap: its closed form against drawn elements, what it is on known laws, and what it does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup, named_group, natural, trivial
from sharefind.groups.cycles import cycles
from sharefind.inference import subgroup_family
from sharefind.inference.relation.overlap import OverlapSettings, overlap
from sharefind.inference.statistics.origin import OrbitScaling, orbit_scale
from sharefind.inference.tied_kernels import ListedGroup
from sharefind.meanfield import JointAction

S3 = named_group("S3")


def moves(name: str, *, labels_move: bool = False) -> JointAction:
    group = named_group(name)
    return JointAction(natural(group), natural(group) if labels_move else trivial(group))


def inputs(law: str, n: int, d: int, seed: int = 0) -> Tensor:
    """Normal inputs, symmetric under permutations, or sorted: all of them, or so many per cent."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    share = {"symmetric": 0.0, "sorted": 1.0, "half sorted": 0.5}[law]
    is_sorted = rng.permutation(n) < share * n
    x[is_sorted] = np.sort(x[is_sorted], axis=1)
    return torch.from_numpy(x)


def labels(n: int, action: JointAction) -> Tensor:
    return torch.from_numpy(np.random.default_rng(9).normal(size=(n, action.out_rep.dim)))


def measured(x: Tensor, action: JointAction, settings: OverlapSettings | None = None) -> float:
    return overlap(x, labels(len(x), action), action, np.random.default_rng(0), settings)


def drawn(x: Tensor, action: JointAction, parts: list[list[int]], draws: int) -> float:
    """The least of tr(R A R) over its mean of rows that were moved by drawn elements, A = K_K - K_G."""
    rng, settings, group = np.random.default_rng(1), OverlapSettings(), ListedGroup.of(action)
    y = labels(len(x), action)
    rows, _ = orbit_scale(action, x, y, rng, settings=OrbitScaling(floor=settings.floor))(x, y)
    between = group.orbit_distances(rows)[~torch.eye(len(x), dtype=torch.bool)]
    length = settings.width * float(between.median())

    def left(points: Tensor) -> list[float]:
        (tied,) = group.tied(points, [length])
        unit = torch.eye(len(tied), dtype=torch.float64)
        root = settings.noise * torch.linalg.inv(tied + settings.noise * unit)
        kernels = [ListedGroup(group.on_x[part], group.on_y[part]).tied(points, [length])[0] for part in parts]
        return [float(torch.trace(root @ (kernel - tied) @ root)) for kernel in kernels]

    elements = torch.from_numpy(rng.integers(len(group.on_x), size=(draws, len(x))))
    others = [left(torch.einsum("nab,nb->na", group.on_x[row], rows)) for row in elements]
    return float((np.array(left(rows)) / np.mean(others, axis=0)).min())


@pytest.mark.parametrize("labels_move", [False, True])
def test_the_closed_form_is_the_mean_over_drawn_elements(labels_move: bool) -> None:
    action, x = moves("S3", labels_move=labels_move), inputs("half sorted", 12, 3)
    assert isinstance(action.group, FiniteGroup)
    orders = [len(cycles(element)) for element in action.group.elements()]
    turns, swaps = ([i for i, count in enumerate(orders) if count == wanted] for wanted in (1, 2))
    parts = [[0, *turns], *([0, swap] for swap in swaps)]
    assert measured(x, action) == pytest.approx(drawn(x, action, parts, 100), rel=0.12)


def test_a_group_of_which_one_part_is_shown_has_no_overlap() -> None:
    """Sorted inputs of which half have the first two swapped: they show that swap and no other element."""
    x = inputs("sorted", 120, 3)
    x[::2] = x[::2][:, [1, 0, 2]]
    (swap,) = (c for c in subgroup_family(natural(S3), trivial(S3)).candidates if c.name == "C2:<(0 1)>")
    assert overlap(x, labels(120, moves("S3")), swap.moves, np.random.default_rng(0)) > 0.7
    assert measured(x, moves("S3")) < 0.1


@pytest.mark.parametrize(("name", "d"), [("C3", 3), ("S3", 3), ("D4", 4), ("C2", 2)])
def test_it_tells_laws_apart(name: str, d: int) -> None:
    action = moves(name)
    found = {law: measured(inputs(law, 120, d), action) for law in ("symmetric", "half sorted", "sorted")}
    assert found["symmetric"] > 0.6
    assert found["half sorted"] > 0.25
    assert found["sorted"] < 0.1 or (name == "C2" and found["sorted"] < 0.2)
    assert found["sorted"] < found["half sorted"] < found["symmetric"]


def test_it_depends_on_no_label_and_on_no_unit() -> None:
    action, x = moves("S3", labels_move=True), inputs("half sorted", 60, 3)
    first = measured(x, action)
    other = overlap(x, x**3 + 5, action, np.random.default_rng(5))
    assert other == first
    assert measured(10 * x + 300, action) == pytest.approx(first, rel=1e-6)


def test_a_group_that_moves_no_row_shows_nothing() -> None:
    x = torch.randn(30, 1, generator=torch.Generator().manual_seed(0)).double().repeat(1, 3)
    assert measured(x, moves("S3")) == 0.0


def test_of_many_rows_some_are_read() -> None:
    action, settings = moves("S3", labels_move=True), OverlapSettings(most_values=90)
    few = {law: measured(inputs(law, 400, 3), action, settings) for law in ("symmetric", "sorted")}
    assert few["symmetric"] > 0.7 > few["sorted"] > measured(inputs("sorted", 400, 3)[:120], action)
