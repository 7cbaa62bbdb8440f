"""The deep unit: equivariance, gradient, exact spaces layer by layer, and the paper's identities on it."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sharefind import meanfield as mf
from sharefind.errors import UnitError
from sharefind.groups import HiddenTypes, named_group, natural, parse_representation, trivial
from sharefind.meanfield import ParticleAction, Projector, build_unit, haar_rule
from sharefind.meanfield.units import DeepUnit, layer_distances
from sharefind.meanfield.units.layer_functions import POINT_FUNCTIONS, signed_coordinates
from sharefind.paper.context import Context, Request
from sharefind.paper.proposition_1 import Proposition1
from sharefind.paper.proposition_2 import Proposition2
from sharefind.paper.statements import find
from sharefind.spaces import fixed_space
from sharefind.testing import equivariance_error

CASES = [
    ("C4", "natural", "natural", ["regular", "regular"], "deep:tanh"),
    (
        "S3",
        "natural+trivial",
        "sign",
        ["coset(C2)+coset(C2, sign)", "2*coset(S3, sign)+trivial", "natural"],
        "deep:relu",
    ),
    ("D4", "natural", "trivial", ["regular", "natural+coset(C4)"], "deep:gelu"),
    ("B2", "natural", "natural", ["regular", "2*natural+trivial", "2*natural+trivial"], "deep-residual:logistic"),
    ("S3", "natural", "natural", ["2*natural", "2*natural"], "deep-residual:tanh"),
    ("R5", "natural", "natural", ["regular"], "deep:relu"),
]


def _unit(group: str, x: str, y: str, hidden: list[str], expression: str) -> DeepUnit:
    g = named_group(group)
    reps = [parse_representation(text, g) for text in (x, y, *hidden)]
    return build_unit(expression, reps[0], reps[1], reps[2:])


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[4]}")
def unit(request: pytest.FixtureRequest) -> DeepUnit:
    return _unit(*request.param)


def _points(unit: DeepUnit, seed: int = 0, replicates: int = 2, rows: int = 5, particles: int = 3):
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(replicates, rows, unit.d_in)))
    return x, torch.from_numpy(rng.normal(size=(replicates, unit.space.dim, particles)))


def test_joint_equivariance(unit: DeepUnit) -> None:
    x, theta = _points(unit, replicates=1)
    assert equivariance_error(unit, haar_rule(unit), x, theta) < 1e-11


def test_gradient_in_closed_form(unit: DeepUnit) -> None:
    x, theta = _points(unit)
    theta.requires_grad_()
    values, pull_back = unit.linearise(x, theta)
    covector = torch.randn(2, unit.d_out, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (by_autograd,) = torch.autograd.grad((values * covector[..., None]).sum() / 5, theta)
    torch.testing.assert_close(values, unit.values(x, theta))
    torch.testing.assert_close(pull_back(covector), by_autograd)


def test_fixed_space_is_the_sum_over_layers(unit: DeepUnit) -> None:
    """dim E^G by characters: dim Hom_G(A, B) = <chi_A, chi_B> and dim B^G = <chi_B, 1>, layer by layer."""
    whole = fixed_space(unit.space.action)
    traces = [np.einsum("gii->g", rep.float_matrices()) for rep in unit.reps]
    by_characters = [float(np.mean(b * (a + 1))) for a, b in pairwise(traces)]
    assert [space.dim for space in unit.layer_spaces] == pytest.approx(by_characters, abs=1e-9)
    assert whole.dim == sum(space.dim for space in unit.layer_spaces)
    _, theta = _points(unit, replicates=1)
    by_layer = layer_distances(unit, theta[0])
    assert sum(by_layer) == pytest.approx(float(np.mean(whole.distance2(theta[0].numpy().T))), rel=1e-10)
    assert layer_distances(unit, Projector(whole)(theta)[0]) == pytest.approx([0.0] * len(by_layer), abs=1e-20)


def test_networks_on_the_fixed_space_are_equivariant_and_others_are_not(unit: DeepUnit) -> None:
    x, theta = _points(unit, replicates=1, particles=1)
    rho, rhohat = (torch.from_numpy(rep.float_matrices()) for rep in (unit.in_rep, unit.out_rep))

    def error(at: torch.Tensor) -> float:
        moved = torch.stack([unit.values(x @ g.T, at) for g in rho])
        turned = torch.einsum("gij,rjbn->gribn", rhohat, unit.values(x, at))
        return float((moved - turned).abs().max())

    assert error(Projector(fixed_space(unit.space.action))(theta)) < 1e-11
    assert error(theta) > 1e-3


def test_tying_labels_of_a_permuted_stack() -> None:
    unit = _unit("C4", "natural", "natural", ["2*regular", "regular"], "deep:relu")
    labels = [space.tying for space in unit.layer_spaces]
    assert [int(label.max()) for label in labels] == [8 + 2, 8 + 1, 4 + 1]
    assert all(np.bincount(np.abs(label))[1:].tolist() == [4] * int(label.max()) for label in labels)


def test_values_by_hand() -> None:
    c2 = named_group("C2")
    sign = HiddenTypes.of(c2).named("coset(C2, sign)").representation
    unit = build_unit("deep:relu", natural(c2), trivial(c2), [sign + trivial(c2), trivial(c2)])
    x = torch.tensor([[[1.0, -2.0]]], dtype=torch.float64)
    theta = torch.tensor([0.5, -0.5, 1.0, 1.0, 0.0, 0.3, 2.0, 3.0, 0.1, -1.0, 0.2], dtype=torch.float64)[None, :, None]
    first = np.tanh(1.5), max(-1.0 + 0.3, 0.0)
    expected = -max(2 * first[0] + 3 * first[1] + 0.1, 0.0) + 0.2
    assert float(unit.values(x, theta)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("function", POINT_FUNCTIONS, ids=lambda f: f.name)
def test_slopes(function) -> None:
    t = torch.linspace(-4, 4, 33, dtype=torch.float64, requires_grad=True)
    value = function.value(t)
    (slope,) = torch.autograd.grad(value.sum(), t)
    torch.testing.assert_close(function.slope(t.detach(), value.detach()), slope)
    assert function.is_odd == bool(torch.allclose(function.value(-t), -value))


def test_which_coordinates_change_signs() -> None:
    s3 = named_group("S3")
    rep = parse_representation("natural+coset(C2, sign)+trivial+coset(S3, sign)", s3)
    assert signed_coordinates(rep) == (False,) * 3 + (True,) * 3 + (False, True)
    o2 = named_group("O2")
    assert signed_coordinates(parse_representation("sign+trivial", o2)) == (True, False)


def test_one_representation_is_that_of_two_layers() -> None:
    d4 = named_group("D4")
    rep = parse_representation("regular", d4)
    unit = build_unit("deep", natural(d4), trivial(d4), rep)
    assert (unit.name, len(unit.hidden_reps), unit.function.name) == ("deep:tanh", 2, "tanh")
    assert unit.space.dim == mf.units.read_unit("deep").dim(4, 1, 8)
    again = build_unit(unit.name, unit.in_rep, unit.out_rep, unit.hidden_reps)
    assert again.space.dim == unit.space.dim


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda r5: build_unit("deep", natural(r5), natural(r5), [natural(r5)]),
            "generator 0 of R5.*trivial",
        ),
        (lambda r5: build_unit("deep", natural(r5), natural(r5)), "unit deep needs the group's action"),
        (lambda r5: build_unit("deep:sine", natural(r5), natural(r5), trivial(r5)), "'sine' is unknown"),
        (lambda r5: build_unit("two-layer", natural(r5), natural(r5), [trivial(r5)] * 2), "one hidden layer, not 2"),
        (lambda r5: build_unit("matrix", trivial(r5), trivial(r5), [trivial(r5)] * 2), "has no hidden space"),
        (
            lambda r5: mf.build_searched_unit("deep", natural(r5), natural(r5), trivial(r5)),
            "group of a finished search",
        ),
    ],
)
def test_refusals(build, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        build(named_group("R5"))


@pytest.mark.parametrize("proposition", [Proposition1, Proposition2])
def test_identities_of_the_paper(proposition) -> None:
    """Prop. 1 and 2 with trivial, natural and regular hidden layers, and the controls of the paper room."""
    outcome = proposition()(Context(Request(group="S3", unit="deep:tanh")))
    assert all(check.passed for check in outcome.checks), outcome.checks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["thm-5", "thm-6"])
def test_invariant_flows_of_the_paper(name: str) -> None:
    outcome = find(name).run(Context(Request(group="C2", unit="deep:tanh", quick=True)))
    assert all(check.passed for check in outcome.checks), outcome.checks


def test_training_on_symmetrised_data_stays_on_the_fixed_space() -> None:
    """Theorem 5 for single networks: full-batch descent on rows with all images, regular hidden layers."""
    unit = _unit("C4", "natural", "natural", ["regular", "regular"], "deep:tanh")
    fixed, action = Projector(fixed_space(unit.space.action)), ParticleAction(unit.space.action)
    x, theta = _points(unit, replicates=1, rows=6)
    rho, rhohat = (torch.from_numpy(rep.float_matrices()) for rep in (unit.in_rep, unit.out_rep))
    y = torch.randn(1, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rows, labels = (torch.einsum("gij,rbj->rgbi", g, v).flatten(1, 2) for g, v in ((rho, x), (rhohat, y)))
    assert action.order == 4
    theta = start = fixed(0.5 * theta)
    for _ in range(50):
        values, pull_back = unit.linearise(rows, theta)
        theta = theta - 0.1 * pull_back(2 * (values.mean(-1) - labels.transpose(1, 2)))
    assert max(layer_distances(unit, theta[0])) < 1e-25
    assert float((theta - start).abs().max()) > 1e-2
