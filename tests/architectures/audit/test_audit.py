"""The audit on networks whose symmetry is known: exact ones, broken ones, random ones; end to end and by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import sharefind
from sharefind.architectures.audit import Audit, Reading, Verdict
from sharefind.architectures.audit.elements import elements_of
from sharefind.architectures.audit.end_to_end import END_TO_END
from sharefind.architectures.audit.snap_files import snapped_state
from sharefind.architectures.audit.snapping import snap
from sharefind.architectures.audit.torch_network import torch_network
from sharefind.errors import DataError, InputError
from sharefind.groups import named_group
from sharefind.groups.hidden_types import HiddenTypes
from tests.audited import equivariant_net, linears, representations, rows, shuffled

CASES = {
    "C4": ("natural", "2*regular+trivial", "regular+coset(C2)", "natural"),
    "D4": ("natural", "2*regular", "natural+regular", "natural"),
    "S3": ("2*natural", "2*natural+regular", "natural+sign", "sign+natural"),
    "S4": ("natural", "regular+coset(S3)", "2*natural+regular", "2*natural+trivial"),
    "D6": ("natural", "regular+natural", "2*natural", "trivial:2"),
    "B3": ("natural", "2*natural", "3*natural", "natural"),
    "R5": ("natural", "2*regular", "natural"),
}
"""Representations of inputs, hidden layers and outputs."""


def audited(net: nn.Module, group: str, texts: tuple[str, ...], x: Any = None) -> Audit:
    reps = representations(group, (texts[0], texts[-1]))
    return sharefind.audit(net, group, texts[0], texts[-1], rows(reps[0].dim) if x is None else x)


@pytest.mark.parametrize("group", CASES)
def test_hidden_actions_of_shuffled_networks_are_read_exactly(group: str) -> None:
    """Types are those of the representations between which the network was made, whatever the order and the signs."""
    texts = CASES[group]
    net = shuffled(equivariant_net(group, texts, seed=1), seed=3)
    found = audited(net, group, texts)
    assert found.verdict is Verdict.EXACT and found.is_read and not found.broken
    assert all(error.error <= 3 * error.noise for error in found.end_to_end.errors)
    for layer, rep in zip(found.layers, representations(group, texts[1:-1]), strict=False):
        assert layer.action is not None and layer.action.reading is Reading.EXACT
        counts = {one.name: count for one, count in HiddenTypes.of(named_group(group)).counts(rep).items()}
        assert layer.types == counts and layer.distance is not None and layer.distance.distance < 1e-6


def test_read_actions_are_those_of_the_activations() -> None:
    """h(g x) = P h(x), computed from the network and not from its weights."""
    net = shuffled(equivariant_net("S3", CASES["S3"], seed=4, dtype=torch.float64), seed=5)
    found, x = audited(net, "S3", CASES["S3"]), rows(6, 50)
    for element in [e.element for e in found.end_to_end.errors if e.element.generator is not None]:
        before, after = torch.tensor(x), torch.tensor(element.on_inputs(x))
        for layer in found.layers[:-1]:
            before, after = (net[2 * layer.number - 1](net[2 * layer.number - 2](t)) for t in (before, after))
            perms, signs = layer.action.action.sparse_generators
            perm, sign = perms[element.generator - 1], signs[element.generator - 1]
            moved = np.zeros(before.shape)
            moved[:, perm] = sign * before.detach().numpy()
            assert np.abs(after.detach().numpy() - moved).max() < 1e-12


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("group", ["C4", "D4", "S3", "S4"])
def test_one_wrong_sign_is_named_by_element_and_layer(group: str, activation: type[nn.Module]) -> None:
    texts = {
        "C4": ("natural", "2*regular", "2*regular", "natural"),
        "D4": ("natural", "regular+natural", "2*regular", "natural"),
        "S3": ("2*natural", "2*natural+regular", "2*regular", "natural"),
        "S4": ("natural", "regular", "2*natural+regular", "natural"),
    }[group]
    for seed in range(3):
        net = shuffled(equivariant_net(group, texts, seed, activation), seed, signs=activation is nn.Tanh)
        rng = np.random.default_rng(seed)
        weight = linears(net)[seed].weight.data
        unit, source = int(rng.integers(weight.shape[0])), int(rng.integers(weight.shape[1]))
        weight[unit, source] *= -1
        found = audited(net, group, texts)
        assert [layer.number for layer in found.broken] == [seed + 1]
        (entry, *_) = found.broken[0].distance.off
        assert (entry.unit, entry.source) == (unit, source)
        assert found.broken[0].distance.error_if_projected < 1e-5
        name = f"unit {unit} from {'unit' if seed else 'input'} {source}"
        assert f"Layer {seed + 1} breaks it" in str(found) and name in str(found)
        _holds_where_the_weight_is_unmoved(found)


def _holds_where_the_weight_is_unmoved(found: Audit) -> None:
    """Elements that are off are those under which the broken layer moves."""
    assert found.verdict is not Verdict.EXACT
    for error in found.end_to_end.errors:
        number = error.element.generator
        if number is not None:
            off = max(layer.distance.by_generator[number - 1] for layer in found.layers)
            assert (off > 1e-3) is (error.verdict is not Verdict.EXACT)


def test_random_networks_are_never_more() -> None:
    """100 random networks, small and large, of three groups: nothing is read and nothing is exact."""
    for seed in range(100):
        torch.manual_seed(seed)
        group, inner = ("C4", "D4", "S4")[seed % 3], (nn.Tanh, nn.ReLU, nn.Sigmoid)[seed % 3]
        width = (3, 8, 24)[seed % 4 % 3]
        net = nn.Sequential(nn.Linear(4, width), inner(), nn.Linear(width, width), inner(), nn.Linear(width, 4))
        found = audited(net, group, ("natural", "natural"), rows(4, 60, seed))
        assert found.verdict is not Verdict.EXACT
        assert not found.is_read and found.layers[0].action.reading is Reading.UNDECIDED
        assert not any(layer.found_types for layer in found.layers)


@pytest.mark.parametrize("size", [1e-5, 1e-3, 3e-2])
def test_nearly_equivariant_networks_are_never_exact(size: float) -> None:
    for seed in range(5):
        net = shuffled(equivariant_net("D4", CASES["D4"], seed), seed)
        torch.manual_seed(seed)
        for part in net.parameters():
            part.data *= 1 + size * torch.randn_like(part)
        found = audited(net, "D4", CASES["D4"])
        assert found.verdict is Verdict.APPROXIMATE or size == 3e-2
        assert found.verdict is not Verdict.EXACT
        readings = {layer.action.reading for layer in found.layers[:-1]}
        assert Reading.EXACT not in readings
        assert (found.is_read and found.broken) or size == 3e-2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_offsets_hide_no_break_and_make_none(dtype: Any) -> None:
    """Raw inputs of mean 300 behind a scaler, outputs of mean 1,000: verdicts are those without the offsets."""
    x, factor = rows(4, 300, offset=300.0), 1 + (3e-2 if dtype == torch.float32 else 1e-6)
    for is_broken in (False, True):
        net = shuffled(equivariant_net("D4", CASES["D4"], 2, dtype=dtype), 2)
        linears(net)[-1].bias.data += 1_000
        scaler = nn.BatchNorm1d(4, dtype=dtype)
        scaler.running_mean.fill_(300)
        if is_broken:
            linears(net)[1].weight.data[0, 1] *= factor
        found = audited(nn.Sequential(scaler, *net).eval(), "D4", CASES["D4"], x)
        assert found.verdict is (Verdict.APPROXIMATE if is_broken else Verdict.EXACT)
        assert [layer.number for layer in found.broken] == ([2] if is_broken else [])


@pytest.mark.parametrize("group", ["C4", "R5"])
def test_rounding_is_that_of_single_precision(group: str) -> None:
    """The rounding of a network in float32 is its distance from itself in float64."""
    net = equivariant_net(group, CASES[group], 0)
    x = rows(representations(group, CASES[group][:1])[0].dim).astype(np.float32).astype(np.float64)
    single = torch_network(net, x.shape[1:])
    rounding = single.rounding(x)
    y = single.predict(x)
    double = torch_network(net.double(), x.shape[1:])
    assert np.allclose(rounding, np.abs(double.predict(x) - y), rtol=1e-6, atol=1e-12)
    ratio = np.sqrt(np.mean(double.rounding(x) ** 2) / np.mean(rounding**2))
    assert 0.2 < ratio * 2.0**29 < 5


def test_units_of_any_scale_are_read_behind_relu() -> None:
    net = shuffled(equivariant_net("D4", CASES["D4"], 1, nn.ReLU, torch.float64), 1, signs=False)
    below, above = linears(net)[:2]
    scale = torch.rand(below.out_features, dtype=torch.float64) + 0.5
    below.weight.data, below.bias.data = scale[:, None] * below.weight, scale * below.bias
    above.weight.data = above.weight / scale
    found = audited(net, "D4", CASES["D4"])
    assert found.verdict is Verdict.EXACT and found.is_read and not found.broken
    assert found.layers[0].types == {"regular": 2}
    assert np.abs(snap(found).chain(found.x) - found.network.predict(found.x)).max() < 1e-12


def test_units_that_are_the_same_constant_or_unused_count_once() -> None:
    net = equivariant_net("C4", ("natural", "regular", "natural"), 0)
    first, _, last = net
    wide, out = nn.Linear(4, 8), nn.Linear(8, 4)
    with torch.no_grad():
        wide.weight.zero_(), wide.bias.zero_(), out.weight.zero_()
        wide.weight[:4], wide.bias[:4] = first.weight, first.bias
        wide.weight[4], wide.bias[4] = -first.weight[2], -first.bias[2]  # the third unit again, with its sign
        wide.bias[5] = 0.3  # a constant
        wide.weight[6] = torch.tensor([0.3, -1.0, 0.2, 0.5])  # used by nothing
        out.weight[:, :4], out.bias[:] = last.weight, last.bias
        out.weight[:, 2] *= 0.25
        out.weight[:, 4] = -0.75 * last.weight[:, 2]
        out.weight[:, 5] = torch.tensor([1.0, 1.0, 1.0, 1.0])
    found = audited(nn.Sequential(wide, nn.Tanh(), out), "C4", ("natural", "natural"))
    layer = found.layers[0]
    assert found.verdict is Verdict.EXACT and not found.broken
    assert (layer.width, layer.constant, layer.merged, layer.unused) == (8, 2, 1, 1)
    assert layer.types == {"regular": 1}


@pytest.mark.slow
@pytest.mark.ci
def test_a_census_finds_what_a_trained_network_learnt() -> None:
    """Trained with augmentation: errors by element, no hidden action, and types of units beside those by chance."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    teacher, x = equivariant_net("D4", ("natural", "2*natural", "natural"), 5), torch.tensor(rows(4, 128)).float()
    errors = audited(teacher, "D4", ("natural", "natural")).end_to_end.errors
    moves = [torch.tensor(error.element.on_inputs.matrix).float() for error in errors]
    y, optimiser = teacher(x).detach(), torch.optim.Adam(net.parameters(), 5e-3)
    for step in range(250):
        move = moves[step % len(moves)]
        optimiser.zero_grad()
        ((net(x @ move.T) - y @ move.T) ** 2).mean().backward()
        optimiser.step()
    found = audited(net, "D4", ("natural", "natural"), x)
    assert found.verdict is Verdict.APPROXIMATE and len(found.end_to_end.errors) == 7
    assert all(error.error / error.noise > 1e3 and error.relative < 0.1 for error in found.end_to_end.errors)
    assert found.layers[0].action.reading is Reading.UNDECIDED and not found.is_read
    for layer in found.layers[:-1]:
        assert layer.census is not None and sum(one.units for one in layer.census) == 48
        assert abs(sum(one.share for one in layer.census) - 1) < 1e-9
        assert all(one.share >= max(0.15, one.chance + 0.15) for one in layer.census if one.is_found)


def test_snapped_networks_are_exact_and_near() -> None:
    net = shuffled(equivariant_net("S3", CASES["S3"], 1), 1)
    exact = audited(net, "S3", CASES["S3"])
    torch.manual_seed(0)
    for part in net.parameters():
        part.data += 1e-3 * torch.randn_like(part)
    found = audited(net, "S3", CASES["S3"])
    result = snap(found)
    net.load_state_dict(snapped_state(net, result.chain))
    again = audited(net, "S3", CASES["S3"])
    assert again.verdict is Verdict.EXACT and not again.broken and result.error < 1e-12
    assert result.change < 0.02
    assert [layer.types for layer in again.layers] == [layer.types for layer in exact.layers]


def test_snapping_changes_an_exact_network_by_nothing_but_rounding() -> None:
    for activation in (nn.Tanh, nn.ReLU, nn.Sigmoid):
        net = equivariant_net("D4", CASES["D4"], 3, activation, torch.float64)
        found = audited(net, "D4", CASES["D4"], rows(4, 100, offset=5.0))
        chain, x = snap(found).chain, found.x
        assert np.abs(chain(x) - found.network.predict(x)).max() < 1e-12


def test_tuning_comes_nearer_to_the_orbit_average() -> None:
    """A network that is off by much, tuned within its exact spaces, is nearer to its average over the group."""
    net = shuffled(equivariant_net("C4", CASES["C4"], 0), 0)
    linears(net)[1].weight.data[0, 1] *= -1
    found = audited(net, "C4", CASES["C4"])
    plain, tuned = snap(found), snap(found, 200)
    moves = [error.element for error in found.end_to_end.errors]
    values = [e.on_outputs.undone(found.network.predict(e.on_inputs(found.x))) for e in moves]
    average = (found.network.predict(found.x) + sum(values)) / (len(moves) + 1)
    assert tuned.error < 1e-12 and tuned.tuned > 0
    assert np.square(tuned.chain(found.x) - average).mean() < np.square(plain.chain(found.x) - average).mean()


def test_continuous_groups_are_drawn_and_named() -> None:
    class Length(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.tanh(x.norm(dim=1, keepdim=True))

    found = sharefind.audit(Length(), "SO3", "natural", "natural", rows(3).astype(np.float32))
    assert found.verdict is Verdict.EXACT and found.end_to_end.errors[0].element.title == "exp(1 X1), generator 1"
    assert not found.are_all and "27 elements checked" in found.headline
    assert "forward of its own" in found.unread
    skewed = sharefind.audit(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)), "O3", x=rows(3))
    assert skewed.verdict is Verdict.BROKEN and "infinite" in skewed.layers[0].action.reason


def test_large_groups_are_read_by_their_generators() -> None:
    texts = ("natural", "natural*natural", "natural")
    found = audited(shuffled(equivariant_net("S8", texts, 0), 0), "S8", texts)
    assert found.verdict is Verdict.EXACT and found.is_read and not found.broken
    assert len(found.end_to_end.errors) == 26 and found.layers[0].types is None


@pytest.mark.parametrize(
    ("group", "rep"), [("D4", "grid:3"), ("B3", "natural"), ("R5", "2*natural"), ("O2", "natural")]
)
def test_moves_are_those_of_the_representation(group: str, rep: str) -> None:
    """rho(g) and its inverse of rows, by places or by matrices; products of moves are moves of products."""
    (action,) = representations(group, [rep])
    x = rows(action.dim, 7)
    for element in elements_of(action, action):
        move = element.on_inputs
        assert np.allclose(move(x), x @ move.matrix.T) and np.allclose(move.undone(move(x)), x)
        if element.permutation is not None:
            assert move.rounds is (not action.is_sparse)
            listed = action.float_matrices()[action.finite_group.index(element.permutation)]
            assert np.allclose(move.matrix, listed)


def test_a_subgroup_that_holds_is_named() -> None:
    found = audited(equivariant_net("C4", CASES["C4"], 0), "D4", ("natural", "natural"))
    assert found.verdict is Verdict.BROKEN and found.subgroup == ("C4", 4)
    assert "exact under a subgroup C4 of order 4" in str(found)


def test_notes_say_what_hides_the_verdict() -> None:
    constant = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    constant[2].weight.data.zero_()
    assert "constant on these rows" in str(sharefind.audit(constant, "C4", "natural", "trivial:2", rows(4)))

    class Batch(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x - x[:1]

    assert "in another order" in str(sharefind.audit(Batch(), "C4", x=rows(4)))
    assert "5 rows only" in str(sharefind.audit(constant, "C4", "natural", "trivial:2", rows(4, 5)))


def test_a_module_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 4)).train()
    net[2].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = sharefind.audit(net, "C4", x=rows(4))
    assert [part.training for part in net] == [True, True, False, True, True]
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert len(found.layers) == 2 and found.end_to_end.repeats < END_TO_END.exact


@pytest.mark.parametrize(
    ("net", "x", "error", "words"),
    [
        (nn.Linear(5, 4), rows(4), InputError, "does not take rows"),
        (nn.Sequential(nn.Linear(4, 4)), np.full((3, 4), np.nan), DataError, r"nan at \[0, 0\]"),
        (nn.Sequential(nn.Linear(4, 4)), rows(4)[0], DataError, "a row for each input"),
        (nn.Sequential(nn.Linear(4, 3)), rows(4), InputError, "trivial:3"),
        (nn.LSTM(4, 4), rows(4), InputError, "must return one tensor"),
    ],
)
def test_what_cannot_be_audited_is_refused(net: nn.Module, x: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        sharefind.audit(net, "C4", x=x)


def test_networks_without_hidden_units_are_audited_end_to_end() -> None:
    found = sharefind.audit(nn.Sequential(nn.Linear(4, 4)), "C4", x=rows(4))
    assert found.verdict is Verdict.BROKEN and not found.layers and "no hidden units" in str(found)
    with pytest.raises(InputError, match="no hidden units"):
        snap(found)
