"""Windows: layers whose places see near places alone, their maps without a matrix, and how classes are walked to."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.choice_settings import ChoiceSettings
from sharefind.architectures.deep.choosing import choose_network
from sharefind.architectures.deep.class_walk import class_expressions, walk_plan
from sharefind.architectures.deep.deep_json import from_json, to_json
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.places import aligned_copies, input_places, unit_windows
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.temperature import best_temperature, cooled
from sharefind.architectures.deep.training import Plan
from sharefind.errors import InputError, SpaceError
from sharefind.groups import FiniteGroup, Representation, hom, named_group, parse_representation
from sharefind.meanfield import DeepUnit, build_unit
from sharefind.spaces import Subspace, fixed_space, supported


def smooth_rows(n: int, places: int, seed: int = 0) -> np.ndarray:
    """Waves around a ring."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, (n, 1))
    return np.cos(np.arange(places) * 2 * np.pi / places + phases)


def windowed(group: FiniteGroup, x_rep: Representation, x: np.ndarray, size: int, out: str = "natural") -> DeepUnit:
    place_rep = parse_representation("natural", group)
    places = input_places(x_rep, x, place_rep)
    assert places is not None
    hidden = [parse_representation("3*natural", group), parse_representation("2*natural", group)]
    unit = build_unit("deep:tanh", x_rep, parse_representation(out, group), hidden)
    return replace(unit, windows=unit_windows(unit, places, size))


@pytest.mark.parametrize("name", ["C9", "D9"])
def test_a_window_is_a_convolution(name: str) -> None:
    """The weights of a ring's window of three are circulants of three diagonals, and all of them."""
    group = named_group(name)
    natural = parse_representation("natural", group)
    unit = windowed(group, natural, smooth_rows(100, 9), 3)
    free = 3 if name == "C9" else 2
    assert [space.dim for space in unit.weight_spaces] == [3 * free, 6 * free, 2 * free]
    for (source, target), space in zip(pairwise(unit.reps), unit.weight_spaces, strict=True):
        assert space <= fixed_space(hom(target, source))
    shift = np.roll(np.eye(9), 1, axis=0)
    for vector in unit.weight_spaces[2].basis():
        weight = np.array(vector, dtype=float).reshape(9, 18)
        for part in (weight[:, :9], weight[:, 9:]):
            np.testing.assert_array_equal(shift @ part, part @ shift)
            reach = np.minimum(np.arange(9), 9 - np.arange(9))
            assert not part[0, reach > 1].any()


@pytest.mark.parametrize("name", ["C10", "D10"])
@pytest.mark.parametrize("order", ["channels", "places"])
def test_maps_of_windows_are_those_of_the_matrices(name: str, order: str) -> None:
    group = named_group(name)
    x_rep = parse_representation("2*natural", group)
    x = np.concatenate([smooth_rows(50, 10), smooth_rows(50, 10, seed=1)], axis=1)
    if order == "places":
        tensor = parse_representation("natural", group) * parse_representation("trivial:2", group)
        x_rep, x = tensor, x.reshape(50, 2, 10).transpose(0, 2, 1).reshape(50, 20)
    unit = windowed(group, x_rep, x, 5)
    batch = DeepBatch(unit, 2, 0, torch.float64)
    assert all(window is not None for window in batch.window_maps)
    rows = torch.randn(2, 4, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    arrays = [batch.arrays(0), batch.arrays(1)]
    pairs = [[torch.from_numpy(np.stack([one[k][part] for one in arrays])) for part in (0, 1)] for k in range(3)]
    matrices = [(weight, bias) for weight, bias in pairs]
    torch.testing.assert_close(batch(rows), deep_values(unit, matrices, rows)[-1], rtol=0, atol=1e-12)


def test_near_places_are_read_off_the_inputs() -> None:
    """Columns in any order: each place sees its neighbours on the ring."""
    order = np.random.default_rng(3).permutation(11)
    group = named_group("C11")
    place = parse_representation("natural", group)
    places = input_places(place, smooth_rows(200, 11), place)
    assert places is not None
    assert [int(places.near(size)[0].sum()) for size in (1, 3, 4, 5)] == [1, 3, 5, 5]
    # The group moves the shuffled columns by the conjugate permutation.
    step = np.empty(11, dtype=int)
    step[order] = np.roll(order, -1)
    turned = FiniteGroup("C11", 11, (tuple(step.tolist()),))
    natural = parse_representation("natural", turned)
    x = np.empty((200, 11))
    x[:, order] = smooth_rows(200, 11)
    found = input_places(natural, x, natural)
    assert found is not None
    walked = aligned_copies([natural])[0][0]
    place_of = np.argsort(order)[walked]
    for row, seen in zip(place_of, found.near(3), strict=True):
        assert {int((place_of[k] - row) % 11) for k in np.flatnonzero(seen)} == {0, 1, 10}


def test_places_are_copies_of_one_orbit() -> None:
    c9 = named_group("C9")
    natural = parse_representation("natural", c9)
    assert input_places(parse_representation("natural+trivial", c9), np.ones((5, 10)), natural) is None
    c4 = named_group("C4")
    few = parse_representation("natural", c4)
    assert input_places(few, np.ones((5, 4)), few) is None
    assert aligned_copies([parse_representation("sign*natural", named_group("D11"))]) is None


def test_spaces_without_ties_have_no_windows() -> None:
    slanted = Subspace.from_basis([[1, 2, 0], [0, 0, 1]])
    with pytest.raises(SpaceError, match="tied"):
        supported(slanted, np.array([0]))
    with pytest.raises(SpaceError, match="outside"):
        supported(Subspace.full(3), np.array([3]))
    assert supported(Subspace.full(3), np.zeros(0, dtype=int)).is_zero


@pytest.mark.parametrize("window", [[], [10**6], [-1]])
def test_windows_of_a_file_are_checked(window: list[int]) -> None:
    group = named_group("C9")
    unit = windowed(group, parse_representation("natural", group), smooth_rows(50, 9), 3)
    network = DeepNetwork.from_matrices("w", unit, DeepBatch(unit, 1, 0).arrays(0))
    text = to_json(network)
    assert [s.dim for s in from_json(text).unit.weight_spaces] == [s.dim for s in unit.weight_spaces]
    start = text.index('"windows": ') + len('"windows": ')
    spoilt = text[:start] + str([window, None, None]).replace("None", "null") + text[text.index("\n", start) - 1 :]
    with pytest.raises(InputError, match="window 0 has an entry"):
        from_json(spoilt)


def test_a_temperature_is_that_of_the_logits() -> None:
    """Logits that are four times too large have the temperature four, and cooled networks give the others."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 5, generator=rng, dtype=torch.float64)
    drawn = torch.multinomial(torch.softmax(logits, -1), 1, generator=rng)[:, 0]
    y = torch.nn.functional.one_hot(drawn, 5).double()
    assert best_temperature(4 * logits, y) == pytest.approx(4.0, rel=0.15)
    weight, bias = np.ones((5, 2)), np.arange(5.0)
    cold = cooled(((weight, bias),), 4.0)
    np.testing.assert_array_equal(cold[0][0], weight / 4)
    np.testing.assert_array_equal(cold[0][1], bias / 4)


def test_what_is_tried_for_classes() -> None:
    assert class_expressions("deep") == ("deep:relu", "deep:tanh")
    assert class_expressions("deep-residual:gelu") == ("deep-residual:gelu",)
    assert walk_plan(Plan(), None, is_class=False) == Plan()
    assert walk_plan(Plan(), 5, is_class=True).batch < walk_plan(Plan(), None, is_class=True).batch < Plan().batch


@pytest.mark.slow
def test_a_pattern_on_a_ring_is_learnt_by_windows() -> None:
    """The class is the order of two neighbours somewhere on a ring: windows find it, wider looks do not."""
    rng = np.random.default_rng(0)
    n, places = 600, 16
    x = 0.3 * rng.standard_normal((n, places))
    x = (x + np.roll(x, 1, axis=1)) / 2
    label, at = rng.integers(2, size=n), rng.integers(places, size=n)
    x[np.arange(n), at] += np.where(label, 2.0, 1.0)
    x[np.arange(n), (at + 1) % places] += np.where(label, 1.0, 2.0)
    group = named_group(f"C{places}")
    natural, out = parse_representation("natural", group), parse_representation("trivial:2", group)
    rows = DeepRows("ring", natural, out, x[:400], np.eye(2)[label[:400]], classes=("down", "up"))
    plan = Plan(steps=300, fewest=300)
    settings = ChoiceSettings("deep", depths=(2,), widths=(16,), plan=plan, has_references=False)
    network, choice = choose_network(rows, settings)
    assert choice.best.window in (3, 5)
    assert (network.predict(x[400:]).argmax(axis=1) == label[400:]).mean() > 0.9
