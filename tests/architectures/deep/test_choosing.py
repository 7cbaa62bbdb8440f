"""How the hidden types of a deep network are chosen: scaling, folds, census and the walk through lists of types."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.census import CensusRule, census
from sharefind.architectures.deep.choice_settings import ChoiceSettings
from sharefind.architectures.deep.choosing import choose_network
from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.architectures.deep.mixtures import counted_mixture, multiplicities, usual_mixtures
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.proof import prove
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Augmentation, Plan, train
from sharefind.architectures.deep.tried_units import dense_unit
from sharefind.architectures.deep.type_escape import EscapeRule
from sharefind.architectures.unit_types import type_pairs, unit_correlations, unit_types
from sharefind.errors import DataError, GroupError
from sharefind.groups import HiddenTypes, named_group, natural, parse_representation, sum_of_types, trivial
from sharefind.meanfield import build_unit
from sharefind.spaces import Subspace, fixed_space

QUICK = Plan(steps=60, fewest=40, every=20, batch=64)


def teacher_rows(group: str, n: int = 60, noise: float = 0.1, seed: int = 0, out: str = "natural") -> DeepRows:
    """Rows of a random two-layer teacher with regular hidden types, about centres and at scales of their own."""
    g = named_group(group)
    x_rep, y_rep, hidden = natural(g), parse_representation(out, g), parse_representation("2*regular", g)
    teacher = DeepBatch(build_unit("deep:tanh", x_rep, y_rep, [hidden, hidden]), 1, seed, torch.float64)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, x_rep.dim))
    with torch.no_grad():
        y = teacher(torch.from_numpy(x)[None])[0].numpy()
    y = y / y.std() + noise * rng.standard_normal(y.shape)
    return DeepRows("rows", x_rep, y_rep, 5.0 + 3.0 * x, 7.0 * y - 2.0)


@pytest.mark.parametrize("text", ["natural", "2*natural+trivial", "sign*natural", "regular"])
def test_coordinates_of_a_space(text: str) -> None:
    rep = parse_representation(text, named_group("S3"))
    for space in (fixed_space(rep * rep), Subspace.from_basis([[1, 2, 0], [0, 0, 1]]), Subspace.zero(4)):
        coordinates = SpaceCoordinates(space)
        drawn = torch.randn(3, space.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        entries = coordinates.entries(drawn)
        torch.testing.assert_close(entries @ entries.T, drawn @ drawn.T)
        np.testing.assert_allclose(space.project(entries.numpy()), entries.numpy(), atol=1e-12)
        again = coordinates.from_reduced(coordinates.reduced(entries[1].numpy()))
        np.testing.assert_allclose(again, entries[1].numpy(), atol=1e-12)


@pytest.mark.parametrize("group", ["S3", "R5"])
def test_scaling_commutes_with_the_group_and_is_undone(group: str) -> None:
    rows = teacher_rows(group)
    for rep, centre, spread in (
        (rows.in_rep, rows.scaling.centre, rows.scaling.spread),
        (rows.out_rep, rows.scaling.shift, np.full(rows.out_rep.dim, rows.scaling.size)),
    ):
        for matrix in rep.float_matrices():
            np.testing.assert_allclose(matrix @ centre, centre, atol=1e-9)
            np.testing.assert_allclose(matrix @ np.diag(spread), np.diag(spread) @ matrix, atol=1e-9)
    assert np.sqrt(np.mean(rows.scaled_x**2)) == pytest.approx(1.0)
    unit = build_unit("deep:tanh", rows.in_rep, rows.out_rep, [parse_representation("regular", rows.group)])
    scaled = DeepBatch(unit, 1, 0).arrays(0)
    network = DeepNetwork.from_matrices("n", unit, rows.scaling.unscaled(scaled))
    inner = DeepNetwork.from_matrices("n", unit, scaled)
    expected = rows.scaling.size * inner.predict(rows.scaled_x) + rows.scaling.shift
    np.testing.assert_allclose(network.predict(rows.x), expected, atol=1e-9)
    assert prove(network).error < 1e-10


def test_networks_of_a_batch_are_those_of_the_unit() -> None:
    rows = teacher_rows("D4")
    unit = build_unit("deep-residual:relu", rows.in_rep, rows.out_rep, [natural(rows.group) + natural(rows.group)] * 2)
    batch = DeepBatch(unit, 3, 1, torch.float64)
    x = torch.from_numpy(rows.scaled_x)
    values = batch(x.expand(3, *x.shape)).detach().numpy()
    for number in range(3):
        network = DeepNetwork.from_matrices("n", unit, batch.arrays(number))
        np.testing.assert_allclose(network.predict(rows.scaled_x), values[number], atol=1e-12)


def test_folds_keep_units_together() -> None:
    rows = replace(teacher_rows("S3"), units=np.repeat(np.arange(20), 3))
    folds = rows.folds(0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(60))
    assert all(not set(rows.units[part]) & set(np.delete(rows.units, part)) for part in folds)
    with pytest.raises(DataError, match="4 units of rows are too few for 5 folds"):
        replace(rows, units=np.repeat(np.arange(4), 15)).folds(0)


def test_training_sees_no_held_out_row() -> None:
    """Other labels of held-out rows change nothing in the networks' first steps."""
    rows = teacher_rows("S3")
    unit = build_unit("deep:tanh", rows.in_rep, rows.out_rep, [parse_representation("regular", rows.group)])
    held = [np.arange(10)]
    changed = rows.y.copy()
    changed[:10] = rows.scaling.shift
    other = replace(rows, y=changed)
    other.__dict__["scaling"] = rows.scaling
    plan = replace(QUICK, steps=20, fewest=20)
    one, two = (train(unit, each, held, plan, 0).networks[0] for each in (rows, other))
    assert all(np.array_equal(a, b) for pair in zip(one, two, strict=True) for a, b in zip(*pair, strict=True))
    losses = train(unit, rows, held, plan, 0).losses
    assert np.isfinite(losses[:10]).all() and np.isnan(losses[10:]).all()


def test_augmentation_moves_rows_and_averages_to_an_equivariant_function() -> None:
    rows = teacher_rows("D4", out="sign")
    augmentation = Augmentation(rows)
    x, y = (torch.from_numpy(part)[None] for part in (rows.scaled_x, rows.scaled_y))
    moved_x, moved_y = augmentation.moved(x, y, np.random.default_rng(0))
    assert np.allclose(np.sort(moved_x[0].numpy(), axis=1), np.sort(rows.scaled_x, axis=1))
    assert torch.allclose(moved_y.abs(), y.abs())
    dense = dense_unit("deep:tanh", rows, (8, 8))
    model = DeepBatch(dense, 1, 0, torch.float64)
    with torch.no_grad():
        before = augmentation.averaged(model, x)
        for g in range(rows.group.order):
            everywhere = np.full(len(rows.x), g)
            turned = torch.from_numpy(rows.in_rep.act_float(everywhere, rows.scaled_x))[None]
            after = torch.from_numpy(rows.out_rep.act_float(everywhere, before[0].numpy()))[None]
            torch.testing.assert_close(augmentation.averaged(model, turned), after, rtol=0, atol=1e-12)


@pytest.mark.parametrize("group", ["C4", "S3", "D4", "S4"])
def test_census_of_an_equivariant_layer_is_exact(group: str) -> None:
    """Random functions with a known stabiliser: every type of the group is read off its own units."""
    types = HiddenTypes.of(named_group(group))
    rng = np.random.default_rng(0)
    values, wanted = [], []
    for one in types.types:
        rep = one.representation
        perms, signs = rep.images()
        # The unit at coordinate 0 sees at g x what coordinate g^-1 0 sees at x.
        table = types.group.multiplication_table()
        inverse = np.argmin(table, axis=1)
        hidden = rng.standard_normal((40, rep.dim))
        values.append(np.stack([signs[inverse[g], 0] * hidden[:, perms[inverse[g], 0]] for g in range(len(table))]))
        wanted.append(one)
    stacked = np.stack(values, axis=-1)
    found = unit_types(unit_correlations(stacked, types.group), type_pairs(types), 0.95)
    assert [one.name for one in found] == [one.name for one in wanted]


def test_mixtures_have_the_width_and_are_faithful() -> None:
    types = HiddenTypes.of(named_group("S3"))
    mixtures = usual_mixtures(types, natural(types.group))
    assert [mixture.name for mixture in mixtures] == ["regular", "natural", "regular + natural + trivial"]
    for mixture in mixtures:
        reps = mixture.representations(24, 3)
        assert len(reps) == 3 and all(abs(rep.dim - 24) <= 4 for rep in reps)
    assert multiplicities({types.types[-1]: 1.0}, 2) == {types.types[-1]: 1}
    assert [m.name for m in usual_mixtures(types, trivial(types.group, 3))] == [
        "regular",
        "regular + natural + trivial",
    ]
    poor = counted_mixture([{types.types[0]: 1.0}, {}], types)
    assert all(types.types[-1] in layer for layer in poor.layers)
    assert all(sum(layer.values()) == pytest.approx(1.0) for layer in poor.layers)


def test_a_walk_keeps_its_record() -> None:
    rows, heard = teacher_rows("C2", n=50), []
    settings = ChoiceSettings(widths=(4, 8), depths=(1, 2), plan=QUICK, escape=EscapeRule(steps=20), price="layers")
    network, choice = choose_network(rows, settings, lambda *told: heard.append(told))
    lowest = min(choice.nodes, key=lambda node: node.risk)
    assert choice.best.evidence is not None
    assert lowest.evidence is not None
    assert choice.best.evidence >= lowest.evidence
    assert choice.best.risk <= lowest.risk + 2 * (choice.best.risk_se + lowest.risk_se)
    assert [node.number for node in choice.nodes] == list(range(len(choice.nodes)))
    assert {edge.target for edge in choice.edges} == set(range(1, len(choice.nodes)))
    assert all(edge.source < edge.target for edge in choice.edges)
    for edge in choice.edges:
        difference = choice.nodes[edge.source].risk - choice.nodes[edge.target].risk
        assert edge.explained == pytest.approx(difference, abs=1e-9)
    assert len(choice.references) == 3 and len(choice.census) == 2
    assert all((node.escape is None) == (node.width != choice.best.width) for node in choice.nodes)
    assert choice.price is not None and choice.price.hidden == choice.best.layers
    assert choice.price.ways[0].parameters == choice.best.parameters
    assert heard[-1][1] + 1 == heard[-1][2] == len(heard)
    assert network.parameters == choice.best.parameters
    assert tuple(rep.name for rep in network.unit.hidden_reps) == choice.best.layers
    assert prove(network).error < 1e-10
    again, _ = choose_network(rows, settings)
    np.testing.assert_array_equal(again.predict(rows.x), network.predict(rows.x))


@pytest.mark.slow
def test_classes_are_scored_by_log_loss_and_accuracy() -> None:
    rows = teacher_rows("C2", n=60)
    labels = np.eye(2)[(rows.x[:, 0] < rows.x[:, 1]).astype(int)]
    rows = replace(rows, y=labels, classes=("first", "second"))
    plan = replace(QUICK, steps=150, fewest=150, every=50)
    network, choice = choose_network(rows, ChoiceSettings(widths=(8,), plan=plan, depths=(1,)))
    assert choice.best.accuracy > 0.9
    assert choice.best.risk < np.log(2)
    right = network.predict(rows.x).argmax(axis=1) == labels.argmax(axis=1)
    assert right.mean() > 0.9


def test_groups_without_a_list_of_types_are_refused() -> None:
    s6 = named_group("S6")
    rows = DeepRows("x", natural(s6), natural(s6), np.zeros((9, 6)), np.zeros((9, 6)))
    with pytest.raises(GroupError, match="720 elements, and hidden types are listed up to 200"):
        choose_network(rows, ChoiceSettings())


@pytest.mark.slow
def test_census_finds_the_types_of_a_teacher() -> None:
    """A teacher with signed types of C4: the census of a dense network names them, and nothing else but regular."""
    c4 = named_group("C4")
    types = HiddenTypes.of(c4)
    signed = types.named("coset(C2, sign)")
    hidden = sum_of_types({signed: 4, types.types[-1]: 2})
    teacher = DeepBatch(build_unit("deep:tanh", natural(c4), natural(c4), [hidden, hidden]), 1, 1, torch.float64)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 4))
    with torch.no_grad():
        y = 1.5 * teacher(torch.from_numpy(x)[None])[0].numpy() + 0.05 * rng.standard_normal((400, 4))
    rows = DeepRows("t", natural(c4), natural(c4), x, y)
    unit = dense_unit("deep:tanh", rows, (48, 48))
    empty = [np.zeros(0, dtype=np.int64)]
    trained = train(unit, rows, empty, Plan(), 0, augmentation=Augmentation(rows)).networks[0]
    layers = census(unit, trained, DeepBatch(unit, 1, 5).arrays(0), rows, types, CensusRule())
    assert all(set(layer.kept) <= {signed, types.types[-1]} for layer in layers)
    assert any(signed in layer.kept for layer in layers)
