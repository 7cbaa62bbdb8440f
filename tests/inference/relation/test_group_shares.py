"""Shares of groups: their evidence against dense matrices, what must not change them, and what they recover."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import multivariate_normal
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, trivial
from sharefind.inference import (
    NO_SYMMETRY,
    CandidateFamily,
    GroupShares,
    ShareSettings,
    axis_rotations,
    group_shares,
    named_family,
    subgroup_family,
)
from sharefind.inference.relation import share_kernels
from sharefind.inference.relation.group_shares import _rows, _spanned, as_likely
from sharefind.inference.relation.listed_lattice import ListedLattice
from sharefind.inference.relation.share_evidence import TiedProcesses

SQUARE = FiniteGroup("D4", 4, ((1, 2, 3, 0), (2, 1, 0, 3)))
GRID = ShareSettings(widths=(0.7, 2.0), noises=(0.05, 0.4), constants=(1.0, 50.0))
FloatArray = NDArray[np.float64]


def lattice(in_rep: Representation, out_rep: Representation) -> ListedLattice:
    found = ListedLattice.of(subgroup_family(in_rep, out_rep), NO_SYMMETRY, 200)
    assert found is not None
    return found


def ring(n: int, seed: int, noise: float = 0.2) -> tuple[Tensor, Tensor]:
    """A relation on four points that turns along and has no mirror: (n, 4) and (n, 4)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    y = np.tanh(x + 2 * np.roll(x, 1, axis=1)) - x * np.roll(x, -1, axis=1) / 2
    return torch.from_numpy(x), torch.from_numpy(y + noise * rng.normal(size=y.shape))


def shares(data: tuple[Tensor, Tensor], family: CandidateFamily | None = None) -> GroupShares:
    found = group_shares(*data, family or square_family(), np.random.default_rng(0))
    assert found is not None
    return found


def square_family() -> CandidateFamily:
    return subgroup_family(natural(SQUARE), natural(SQUARE))


def matern(a: FloatArray, b: FloatArray) -> float:
    r = np.sqrt(5) * np.linalg.norm(a - b)
    return float((1 + r + r**2 / 3) * np.exp(-r))


def network(a: FloatArray, b: FloatArray, variance: float = 20.0) -> float:
    def product(u: FloatArray, v: FloatArray) -> float:
        return 2 * variance * float(u @ v)

    return 2 / np.pi * np.arcsin(product(a, b) / np.sqrt((1 + product(a, a)) * (1 + product(b, b))))


def dense(x: FloatArray, y: FloatArray, on_x: FloatArray, on_y: FloatArray, median: float) -> float:
    """The evidence of one group, entry by entry of its covariance, by the densities of scipy."""
    (n, q), logs = y.shape, []
    bias = np.full((n, 1), GRID.bias * median)
    for kernel, width, noise, constant in product((matern, network), GRID.widths, GRID.noises, GRID.constants):
        covariance, fixed, unit = np.zeros((n, q, n, q)), np.mean(on_y, axis=0), width * median
        for i, j in product(range(n), range(n)):
            row = np.append(x[i], bias[i]) / unit
            values = [kernel(row, np.append(h @ x[j], bias[j]) / unit) for h in on_x]
            covariance[i, :, j] = np.mean([k * rho for k, rho in zip(values, on_y, strict=True)], axis=0)
        whole = covariance.reshape(n * q, n * q)
        whole = whole / (np.trace(whole) / (n * q)) + noise * np.eye(n * q) + constant * np.kron(np.ones((n, n)), fixed)
        labels, size = y.ravel(), n * q
        amplitude = float(labels @ np.linalg.solve(whole, labels)) / size
        density = multivariate_normal.logpdf(labels, cov=amplitude * whole)
        logs.append(density + size / 2 * (np.log(2 * np.pi) + 1 - np.log(size)))
    return float(np.log(np.mean(np.exp(np.array(logs) - max(logs)))) + max(logs))


def test_the_network_kernel_is_the_mean_over_units() -> None:
    """Units erf(w^T (x, bias)) with normal weights, by a sum over many of them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3))
    rows = torch.from_numpy(np.column_stack([x, np.full(5, 0.4)]))
    found = share_kernels.network(rows @ rows.t(), (rows**2).sum(1).unsqueeze(1), (rows**2).sum(1), variance=0.8)
    units = torch.erf(rows @ torch.from_numpy(np.sqrt(0.8) * rng.normal(size=(4, 400_000))))
    assert torch.allclose(found, units @ units.t() / 400_000, atol=5e-3)


@pytest.mark.parametrize("labels", ["natural", "trivial:2", "sign+trivial"])
def test_evidence_is_that_of_dense_matrices(labels: str) -> None:
    group = named_group("S3")
    listed, rng = lattice(natural(group), parse_representation(labels, group)), np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, listed.on_y.shape[1])) + 0.5
    found = TiedProcesses(listed, GRID).log_evidence(torch.from_numpy(x), torch.from_numpy(y), [np.arange(7)])
    median = float(torch.pdist(torch.from_numpy(x)).median())
    for name, members in listed.members.items():
        expected = dense(x, y, listed.on_x[members].numpy(), listed.on_y[members].numpy(), median)
        assert found[name] == pytest.approx(expected, abs=1e-8)


def test_noise_alone_is_a_process_without_a_kernel() -> None:
    listed, rng = lattice(natural(SQUARE), natural(SQUARE)), np.random.default_rng(0)
    y = rng.normal(size=(6, 4)) + 1
    found = TiedProcesses(listed, GRID).noise_evidence(torch.from_numpy(y), [np.arange(6)])
    logs = []
    for constant in GRID.constants:
        whole = np.eye(24) + constant * np.kron(np.ones((6, 6)), np.full((4, 4), 0.25))
        labels = y.ravel()
        logs.append(-12 * np.log(labels @ np.linalg.solve(whole, labels)) - np.linalg.slogdet(whole)[1] / 2)
    assert found == pytest.approx(np.log(np.mean(np.exp(logs))))


def test_blocks_of_rows_add_up_at_common_hyperparameters() -> None:
    listed, (x, y) = lattice(natural(SQUARE), natural(SQUARE)), ring(12, 0)
    one = ShareSettings(kernels=("matern",), widths=(1.0,), noises=(0.1,), constants=(1.0,))
    processes, parts = TiedProcesses(listed, one), [np.arange(5), np.arange(5, 12)]
    name, members = next((n, m) for n, m in listed.members.items() if len(m) == 8)
    on_x, on_y = listed.on_x[members], listed.on_y[members]
    median = float(torch.pdist(x).median())
    images = torch.einsum("gab,nb->gna", on_x, x)
    r = 5**0.5 * (x.unsqueeze(1) - images.unsqueeze(1)).norm(dim=3) / median
    whole = torch.einsum("gnm,gab->namb", (1 + r + r**2 / 3) * torch.exp(-r), on_y) / 8
    whole = whole / torch.einsum("nana->", whole) * 48
    misfit, log_det = 0.0, 0.0
    for part in parts:
        k = whole[part][:, :, part].reshape(4 * len(part), -1) + 0.1 * torch.eye(4 * len(part)) + 0.25
        labels = y[part].reshape(-1)
        misfit, log_det = misfit + float(labels @ torch.linalg.solve(k, labels)), log_det + float(torch.logdet(k))
    assert processes.log_evidence(x, y, parts)[name] == pytest.approx(-24 * np.log(misfit) - log_det / 2)


def test_the_prior_counts_each_class_once() -> None:
    """S_4 has 30 subgroups in 11 classes; its six transpositions share the weight that S_4 has alone."""
    four = natural(named_group("S4"))
    listed = lattice(four, four)
    prior = listed.prior()
    assert (len(prior), len(listed.classes)) == (30, 11)
    assert sum(prior.values()) == pytest.approx(1)
    assert sorted(len(c) for c in listed.classes) == [1, 1, 1, 1, 3, 3, 3, 3, 4, 4, 6]
    assert prior["S4"] == prior[NO_SYMMETRY] == pytest.approx(6 * prior["C2:<(0 1)>"])


def test_groups_that_act_in_the_same_way_share_one_weight() -> None:
    """Under the sign of S_3, C_3 acts as no group at all does, and S_3 as any swap does."""
    sign = parse_representation("sign", named_group("S3"))
    listed = lattice(sign, sign)
    assert sorted(map(len, listed.classes)) == [2, 4]
    rng = np.random.default_rng(0)
    found = group_shares(*(torch.from_numpy(rng.normal(size=(20, 1))) for _ in "xy"), subgroup_family(sign, sign), rng)
    assert found is not None
    assert found.shares["C3"] == pytest.approx(found.shares[NO_SYMMETRY])


def test_order_origin_and_units_do_not_matter() -> None:
    x, y = ring(25, 1)
    expected, order = shares((x, y)), torch.randperm(25, generator=torch.Generator().manual_seed(0))
    for changed in ((x[order], y[order]), (x + 300, y), (x, y + 300), (1e3 * x, y), (x, 1e-4 * y - 7)):
        found = shares(changed)
        assert found.shares == pytest.approx(expected.shares, abs=1e-6)
        assert found.log_evidence["D4"] - found.log_evidence["C4"] == pytest.approx(
            expected.log_evidence["D4"] - expected.log_evidence["C4"], abs=1e-5
        )


def test_an_origin_of_the_inputs_on_one_side_says_nothing() -> None:
    """Rows far from their images: every group explains them alike, so that each class keeps its prior."""
    x, y = ring(40, 1)
    far = shares(
        (x + 1e4 * torch.tensor([1.0, 2.0, 4.0, 8.0]), y[:, :1]), subgroup_family(natural(SQUARE), trivial(SQUARE))
    )
    listed = lattice(natural(SQUARE), trivial(SQUARE))
    assert far.shares == pytest.approx(listed.prior(), abs=1e-3)


def test_means_that_differ_speak_against_exchange_alone() -> None:
    """Outputs 0 and 2 are higher than 1 and 3: groups that keep these pairs lose nothing beside no symmetry."""
    x, y = ring(60, 2)
    raised = shares((x, y + torch.tensor([30.0, 0, 30, 0])))
    half_turn = next(n for n in raised.shares if n.startswith("C2") and "(0 2)(1 3)" in n)
    assert raised.likeliest == half_turn
    assert raised.shares["C4"] < 0.01


def test_the_group_of_a_ring_is_recovered() -> None:
    assert all(shares(ring(40, seed)).likeliest == "C4" for seed in range(2))


def test_no_symmetry_is_recovered() -> None:
    x, y = ring(60, 3)
    found = shares((x, y * torch.tensor([1.0, 0.3, -1, 2]) + torch.sin(2 * x[:, :1])))
    assert found.likeliest == NO_SYMMETRY
    assert found.has_signal


def test_noise_is_told_from_signal() -> None:
    rng = np.random.default_rng(99)
    noise = [shares((ring(30, s)[0], torch.from_numpy(rng.normal(size=(30, 4))))) for s in range(4)]
    assert sum(found.has_signal for found in noise) <= 1
    assert max(max(found.shares.values()) for found in noise) < 0.9
    assert shares(ring(30, 0)).has_signal


def test_one_hot_labels_have_one_output_less_than_classes() -> None:
    """Two classes say as much as the number that is 1 in the second class; directions without labels say nothing."""
    x, y = ring(30, 4)
    one = (y[:, :1] > y[:, :1].median()).double()
    family = subgroup_family(natural(SQUARE), trivial(SQUARE))
    two = subgroup_family(natural(SQUARE), parse_representation("trivial:2", SQUARE))
    assert shares((x, torch.cat([1 - one, one], dim=1)), two).shares == pytest.approx(shares((x, one), family).shares)
    three = subgroup_family(natural(SQUARE), parse_representation("trivial:3", SQUARE))
    found = shares((x, torch.cat([y[:, :2], torch.full((30, 1), 7.0)], dim=1)), three)
    assert found.shares == pytest.approx(shares((x, y[:, :2]), two).shares)


def test_classes_that_move_are_compared_on_their_differences() -> None:
    """One-hot labels under D_4, on contrasts with the same action: the same shares, whatever the basis."""
    x, y = ring(40, 0)
    one_hot = torch.nn.functional.one_hot(y.argmax(1), 4).double()
    found, plain = shares((x, one_hot)), shares((x, one_hot - 0.25))
    assert found.shares == pytest.approx(plain.shares)
    assert found.likeliest == "C4"
    listed = lattice(natural(SQUARE), natural(SQUARE))
    assert _spanned(listed.on_y, one_hot - one_hot.mean(0).mean()).shape == (4, 3)
    assert _spanned(listed.on_y, y).shape == (4, 4)


def test_rows_of_one_unit_count_as_one_row() -> None:
    x, y = ring(30, 0)
    once = shares((x, y))
    units = torch.arange(30)
    repeated = group_shares(x, y, square_family(), np.random.default_rng(0), units // 3)
    assert repeated is not None
    for name, value in once.log_evidence.items():
        assert repeated.log_evidence[name] == pytest.approx(value / 3)


def test_rows_beyond_those_that_are_read() -> None:
    x, y = ring(120, 0)
    few = group_shares(x, y, square_family(), np.random.default_rng(0), settings=ShareSettings(most_rows=60))
    assert few is not None
    assert (few.rows, few.likeliest) == (60, "C4")
    cheap = ShareSettings(most_work=1e7)
    found = group_shares(x, y, square_family(), np.random.default_rng(0), settings=cheap)
    assert found is not None
    assert 10 <= found.rows < 120
    steps: list[tuple[int, int]] = []
    group_shares(x[:50], y[:50], square_family(), np.random.default_rng(0), progress=lambda *s: steps.append(s))
    assert steps == [(k, 6) for k in range(6)]


def test_rows_are_spread_over_units() -> None:
    """Of a unit with many rows no more are read than others have, as long as there are others."""
    units = torch.tensor([0] * 40 + [1] * 8 + [2] * 8)
    rows = _rows(56, 24, units, np.random.default_rng(0))
    assert rows.tolist()[-16:] == list(range(40, 56))
    assert len(rows) == 24
    assert _rows(56, 60, units, np.random.default_rng(0)).tolist() == list(range(56))


def test_where_there_are_no_shares() -> None:
    x, y = ring(30, 0)
    rng = np.random.default_rng(0)
    assert group_shares(x, torch.ones(30, 4), square_family(), rng) is None
    assert group_shares(torch.ones(30, 4), y, square_family(), rng) is None
    assert group_shares(x, y, square_family(), rng, settings=ShareSettings(most_order=7)) is None
    assert group_shares(x, y, square_family(), rng, settings=ShareSettings(most_work=1e3)) is None
    sampled = named_family({"SO2": axis_rotations((0, 0, 1))}, [])
    assert group_shares(x[:, :3], y[:, :1], sampled, rng) is None
    with pytest.raises(InputError, match="do not match"):
        group_shares(x, y[:5], square_family(), rng)
    with pytest.raises(ConfigError, match="positive widths"):
        ShareSettings(widths=())
    with pytest.raises(ConfigError, match="give some of matern, network"):
        ShareSettings(kernels=("waves",))


def test_of_groups_that_tie_a_linear_function_alike_the_largest_is_named() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(20, 5))
    y = x[:, :3].sum(1) - x[:, 3:].sum(1) + 0.1 * rng.normal(size=20)
    five = named_group("S5")
    family = subgroup_family(natural(five), trivial(five))
    found = group_shares(torch.from_numpy(x), torch.from_numpy(y[:, None]), family, np.random.default_rng(0))
    assert found is not None
    truth = next(c.name for c in family.candidates if c.group == FiniteGroup("", 5, ((1, 2, 0, 4, 3), (1, 0, 2, 3, 4))))
    alike = sorted(found.shares, key=lambda name: -found.shares[name])[:3]
    assert found.likeliest == truth and truth in alike
    assert found.shares[alike[0]] < 1.1 * found.shares[alike[2]]


def test_a_larger_group_is_named_only_where_it_is_as_likely() -> None:
    members = {"": np.arange(1), "C2": np.arange(2), "C4": np.arange(4), "other": np.array([0, 4, 5])}
    assert as_likely({"": 0.0, "C2": 0.36, "C4": 0.34, "other": 0.3}, members, 0.9) == "C4"
    assert as_likely({"": 0.0, "C2": 0.5, "C4": 0.44, "other": 0.06}, members, 0.9) is None
    assert as_likely({"": 0.0, "C2": 0.36, "C4": 0.29, "other": 0.35}, members, 0.9) is None
    assert as_likely({"": 0.4, "C2": 0.39, "C4": 0.2, "other": 0.01}, members, 0.9) is None
