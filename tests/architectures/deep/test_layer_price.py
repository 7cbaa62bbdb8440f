"""The price of tying layer by layer: spaces of groups that differ by layer, joint training, and intervals."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.joint_training import JointBatch, JointlyTrained, train_jointly
from sharefind.architectures.deep.layer_groups import (
    FREE,
    TIED,
    LayerGroups,
    chain,
    chains,
    early_layers,
    freed_layers,
    identity_of,
    smaller_groups,
)
from sharefind.architectures.deep.layer_price import COST, EARLY, PAY, compare_ways, price_of_tying, why_no_price
from sharefind.architectures.deep.mean_errors import mean_error, mean_interval
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Plan
from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural, parse_representation, trivial, unmoved
from sharefind.meanfield import build_unit
from sharefind.meanfield.units import DeepUnit
from sharefind.typing import FloatArray
from tests.architectures.deep.test_choosing import QUICK, teacher_rows


def unit_of(rows: DeepRows, text: str = "2*regular", depth: int = 2) -> DeepUnit:
    hidden = parse_representation(text, rows.group)
    unit = build_unit("deep:tanh", rows.in_rep, rows.out_rep, [hidden] * depth)
    assert isinstance(unit, DeepUnit)
    return unit


def values(unit: DeepUnit, networks: tuple[Matrices, ...], x: FloatArray) -> FloatArray:
    """Outputs of networks at the same inputs, shape (R, B, d_out)."""
    layers = [
        tuple(torch.from_numpy(np.stack([one[layer][part] for one in networks])) for part in (0, 1))
        for layer in range(len(networks[0]))
    ]
    rows = torch.from_numpy(x).expand(len(networks), *x.shape)
    return deep_values(unit, layers, rows)[-1].numpy()  # type: ignore[arg-type]


def test_ways_to_tie_layers() -> None:
    unit = unit_of(teacher_rows("S3"))
    whole, nothing = unit.in_rep.finite_group, identity_of(unit.in_rep.finite_group)
    ways = freed_layers(unit)
    assert [way.name for way in ways] == [
        TIED, "layer 1 freed", "layer 2 freed", "outputs freed", "layer 2 to the outputs freed", FREE,
    ]  # fmt: skip
    assert [way.is_chain for way in ways] == [True, False, False, True, True, True]
    assert ways[0].groups == (whole,) * 3 and ways[-1].groups == (nothing,) * 3
    assert [group.name for group in smaller_groups(whole)] == ["C3", "C2", "C1"]
    found = chains(unit)
    assert len(found) == 1 + 3 * 3 and all(way.is_chain for way in found)
    assert found[1].name == "S3 | S3 | C3"
    early = early_layers(unit, nothing)
    assert [way.name for way in early] == ["C1 | C1 | C1", "S3 | C1 | C1", "S3 | S3 | C1", "S3 | S3 | S3"]
    with pytest.raises(ConfigError, match="2 groups for 3 linear maps"):
        chain(unit, (whole, nothing))
    with pytest.raises(ConfigError, match="C4 is no subgroup of S3"):
        chain(unit, (whole, whole, named_group("C4")))


@pytest.mark.parametrize("group", ["S3", "D4"])
def test_a_chain_is_equivariant_under_its_last_group_alone(group: str) -> None:
    """A network of a chain commutes with the last group; weights of all layers lie in the spaces of their groups."""
    rows = teacher_rows(group)
    unit = unit_of(rows)
    smaller = smaller_groups(rows.group)[0]
    way = chain(unit, (rows.group, rows.group, smaller))
    batch = JointBatch(unit, [way], 1, 3)
    with torch.no_grad():
        matrices = tuple((w[0].double().numpy(), b[0].double().numpy()) for w, b in batch.matrices())
    for (weight, bias), (weights, biases) in zip(matrices, way.spaces(unit), strict=True):
        np.testing.assert_allclose(weights.project(weight.ravel()), weight.ravel(), atol=1e-6)
        np.testing.assert_allclose(biases.project(bias), bias, atol=1e-6)
    x = rows.scaled_x
    at_x = values(unit, (matrices,), x)[0]
    errors = []
    for g, element in enumerate(rows.group.elements()):
        everywhere = np.full(len(x), g)
        moved = values(unit, (matrices,), rows.in_rep.act_float(everywhere, x))[0]
        wrong = float(np.abs(moved - rows.out_rep.act_float(everywhere, at_x)).max())
        errors.append((smaller.contains(element), wrong))
    assert max(wrong for is_inside, wrong in errors if is_inside) < 1e-5
    assert min(wrong for is_inside, wrong in errors if not is_inside) > 1e-2


def test_spaces_grow_down_a_chain_of_groups() -> None:
    unit = unit_of(teacher_rows("D4"))
    for way in chains(unit):
        for number, (earlier, later) in enumerate(pairwise(way.groups)):
            dims = [way.spaces(unit)[layer] for layer in (number, number + 1)]
            tied = [unit.layer_spaces[layer] for layer in (number, number + 1)]
            assert later.is_subgroup_of(earlier)
            for (weight, bias), space, group in zip(dims, tied, (earlier, later), strict=True):
                free = weight.dim + bias.dim
                assert space.dim <= free <= space.ambient
                assert (free == space.ambient) == (group.order == 1)
                assert (free == space.dim) == (group.order == 8)


def test_networks_side_by_side_are_those_trained_alone() -> None:
    """One way alone ends where it does beside others from the same first weights: nothing leaks between networks."""
    rows = teacher_rows("S3")
    unit = unit_of(rows)
    ways = freed_layers(unit)
    both = JointBatch(unit, ways[:2], 2, 0)
    x = torch.from_numpy(rows.scaled_x).float().expand(4, 60, 3)
    both(x).square().mean((1, 2)).sum().backward()
    alone = JointBatch(unit, ways[:1], 2, 0)
    with torch.no_grad():
        for mine, theirs in zip(alone.layers, both.layers, strict=True):
            tied = next(part for part in theirs if part.weight_space.space == mine[0].weight_space.space)
            mine[0].weight.copy_(tied.weight[:2])
            mine[0].bias.copy_(tied.bias[:2])
    alone(x[:2]).square().mean((1, 2)).sum().backward()
    for mine, theirs in zip(alone.layers, both.layers, strict=True):
        tied = next(part for part in theirs if part.weight_space.space == mine[0].weight_space.space)
        torch.testing.assert_close(mine[0].weight.grad, tied.weight.grad[:2])
    assert both.free == [sum(space.dim for space in unit.layer_spaces), both.free[0] + _freed(unit, 0)]


def _freed(unit: DeepUnit, layer: int) -> int:
    return unit.layer_spaces[layer].ambient - unit.layer_spaces[layer].dim


def test_rows_kept_apart_are_not_seen() -> None:
    """The losses are those of the networks at the rows that their fold keeps apart."""
    rows = teacher_rows("C3")
    unit, folds = unit_of(rows), rows.folds(0)
    ways = freed_layers(unit)
    trained = train_jointly(unit, ways, rows, folds, QUICK, 0)
    for one in trained:
        at_rows = values(unit, one.networks, rows.scaled_x)
        for fold, held in enumerate(folds):
            np.testing.assert_allclose(one.predictions[held], at_rows[fold][held], atol=1e-5)
        np.testing.assert_allclose(one.losses, ((one.predictions - rows.scaled_y) ** 2).mean(axis=1), rtol=1e-4)
    changed = rows.y.copy()
    changed[folds[0]] += 1.0
    other = replace(rows, y=changed)
    other.__dict__["scaling"] = rows.scaling
    plan = replace(QUICK, steps=10, every=10)
    first, second = (train_jointly(unit, ways, each, folds, plan, 0)[1].networks[0] for each in (rows, other))
    for mine, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0])


def test_intervals_of_means() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(30)
    mean, low, high = mean_interval(values, None)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((values.mean(), expected.low, expected.high))
    units = np.repeat(np.arange(10), 3)
    whole = np.repeat(values[:10], 3)
    assert mean_error(whole, units)[1] == pytest.approx(values[:10].std(ddof=1) / np.sqrt(10))
    assert mean_interval(whole, units) == pytest.approx(mean_interval(values[:10], None))


def test_prices_are_compared_row_by_row() -> None:
    rows = teacher_rows("S3")
    unit = unit_of(rows)
    price = price_of_tying(rows, unit, plan=QUICK)
    first, *others = price.ways
    assert first.difference == first.low == first.high == 0 and first.verdict == ""
    assert (price.units, price.folds, price.hidden) == (60, 5, ("2*regular",) * 2)
    assert first.parameters == min(way.parameters for way in price.ways)
    assert price.ways[-1].parameters == unit.space.dim
    for way in others:
        assert way.difference == pytest.approx(way.risk - first.risk, abs=1e-9)
        assert way.low < way.difference < way.high
    again = price_of_tying(rows, unit, plan=QUICK)
    assert again.ways == price.ways
    pairs = replace(rows, units=np.repeat(np.arange(30), 2))
    assert price_of_tying(pairs, unit, plan=QUICK).units == 30


def test_early_layers_share_a_larger_group() -> None:
    """Outputs that tell which input is largest: translations of inputs hold in early layers, not of the function."""
    c4 = named_group("C4")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 4))
    larger = natural(c4), trivial(c4, 2)
    rows = DeepRows("r", unmoved(4), unmoved(2), x, x[:, :2] ** 2, larger=larger)
    unit = build_unit("deep:tanh", rows.in_rep, rows.out_rep, [unmoved(8)])
    assert isinstance(unit, DeepUnit)
    assert "the group has one element" in why_no_price(rows, "layers", 2)
    price = price_of_tying(rows, unit, EARLY, QUICK)
    assert [way.groups for way in price.ways] == [("C1", "C1"), ("C4", "C1"), ("C4", "C4")]
    assert price.hidden == ("2*regular",)
    assert [way.parameters for way in price.ways] == [58, 8 + 2 + 18, 8 + 2 + 2 * 2 + 2]
    with pytest.raises(ConfigError, match="larger than the group it found"):
        price_of_tying(replace(rows, larger=None), unit, EARLY)
    with pytest.raises(ConfigError, match="use layers, chains or early"):
        price_of_tying(rows, unit, "all")
    d6 = named_group("D6")
    assert "chains of two groups, above 64" in why_no_price(DeepRows("r", natural(d6), natural(d6), x, x), "chains", 9)


def _trained(rows: DeepRows, unit: DeepUnit, ways: list[LayerGroups], seed: int) -> list[JointlyTrained]:
    plan = Plan(steps=300, fewest=150, every=25, patience=4)
    return train_jointly(unit, ways, rows, rows.folds(seed), plan, seed)


@pytest.mark.slow
def test_intervals_cover_the_difference_of_the_trained_networks() -> None:
    """95 % intervals contain the difference of risk on fresh rows, in .95 of data sets."""
    c3 = named_group("C3")
    on_both, hidden = natural(c3), parse_representation("2*regular", c3)
    unit = build_unit("deep:tanh", on_both, on_both, [hidden, hidden])
    assert isinstance(unit, DeepUnit)
    ways = [freed_layers(unit)[number] for number in (0, 1, -1)]
    teacher = DeepBatch(unit, 1, 5, torch.float64).arrays(0)
    fresh_x = np.random.default_rng(99).standard_normal((5_000, 3))
    fresh_y = values(unit, (teacher,), fresh_x)[0]
    size, inside, sets = fresh_y.std(), np.zeros(2), 60
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((150, 3))
        y = values(unit, (teacher,), x)[0] / size + 0.3 * rng.standard_normal((150, 3))
        rows = DeepRows("r", on_both, on_both, x, y)
        scaled = (fresh_x - rows.scaling.centre) / rows.scaling.spread
        wanted = (fresh_y / size - rows.scaling.shift) / rows.scaling.size
        trained = _trained(rows, unit, ways, seed)
        risks = [float(((values(unit, one.networks, scaled) - wanted) ** 2).mean()) for one in trained]
        for number, one in enumerate(trained[1:]):
            _, low, high = mean_interval(one.losses - trained[0].losses, None)
            inside[number] += low <= risks[number + 1] - risks[0] <= high
    # Two errors of a share of .95 in 60 are .056.
    assert (inside / sets >= 0.95 - 0.057).all(), inside / sets


@pytest.mark.slow
@pytest.mark.ci
def test_ties_pay_where_the_group_holds_and_cost_where_it_does_not() -> None:
    rows = teacher_rows("S3", n=200)
    broken = replace(rows, y=rows.y + 15.0 * np.tanh(rows.x[:, :1] - 5.0) * np.array([1.0, 0.0, -1.0]))
    plan = Plan(steps=600, fewest=150, every=25, patience=4)
    unit = unit_of(rows, "6*regular")
    ways = freed_layers(unit)
    holding, failing = (compare_ways(each, unit, [ways[0], ways[-1]], "ends", plan) for each in (rows, broken))
    assert holding.ways[1].verdict == PAY
    assert failing.ways[1].verdict == COST
