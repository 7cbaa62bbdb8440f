"""Two-layer specifications: proven, refused where they lie, read back, and turned into modules that stand alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.architectures import (
    GeneratorPair,
    SharingSpec,
    certify,
    class_names,
    from_json,
    generator_pairs,
    spec_from_outcome,
    to_json,
    torch_source,
)
from sharefind.errors import ExportError, InputError
from sharefind.groups import Representation, named_group, parse_representation
from sharefind.meanfield import build_unit, predict
from sharefind.meanfield.clouds.standardise import Standardisation, identity_standardisation
from sharefind.search.building import build_problem
from sharefind.search.engine import SearchOutcome
from sharefind.search.presets import search_config
from sharefind.search.rules.growth import candidate_node
from sharefind.search.search_lattice import SearchLattice
from sharefind.spaces import Subspace, fixed_space
from tests.specs import load_module, spec_on

RESCALED = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3]), 4.0)
NUMERICAL = Subspace.numerical(np.random.default_rng(3).standard_normal((3, 12)))

CASES: dict[str, tuple[Any, ...]] = {
    "c4": ("C4", "natural", "natural", "regular", "two-layer:logistic"),
    "s3": ("S3", "natural", "trivial:2", "natural+trivial", "two-layer:tanh"),
    "b2_signed": ("B2", "natural", "natural", "natural", "two-layer:tanh"),
    "b2_regular": ("B2", "natural", "trivial", "regular", "two-layer:tanh"),
    "c2_rescaled": ("C2", "natural", "trivial", "regular", "two-layer:logistic", None, RESCALED),
    "c2_zero": ("C2", "natural", "natural", "regular", "two-layer:tanh", Subspace.zero(10)),
    "r3_algebraic": ("R3", "natural", "natural", "regular", "two-layer:tanh"),
    "so3": ("SO3", "natural*natural", "trivial:2", "trivial:3", "two-layer:tanh"),
    "free": ("C1", "trivial:2", "trivial", "trivial:3", "two-layer:logistic"),
    "numerical": ("C1", "trivial:3", "trivial:2", "trivial:2", "two-layer:tanh", NUMERICAL),
}
MAX_ELEMENTS = 24

ALONE = """
import json, sys
from importlib.abc import MetaPathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
import torch


class NoSharefind(MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "sharefind":
            raise ImportError("sharefind is not there")


sys.meta_path.insert(0, NoSharefind())
found = {}
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    net, target = (module.SharedShallowNetwork(dtype=torch.float64) for _ in range(2))
    errors = [module.check_equivariance(net)]
    x = torch.randn(64, module.D_IN, dtype=torch.float64)
    y = 3 * target(x).detach()
    optimiser, losses = torch.optim.Adam(net.parameters(), lr=0.05), []
    for _ in range(40):
        loss = (net(x) - y).square().mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    errors.append(module.check_equivariance(net))
    found[path.stem] = {"errors": errors, "losses": losses, "state": list(net.state_dict())}
found["loaded"] = [name for name in sys.modules if name.startswith(("sharefind", "sympy"))]
print(json.dumps(found))
"""


def representations(case: str) -> list[Representation]:
    """On inputs, on outputs, on hidden units."""
    group_name, *texts = CASES[case][:4]
    return [parse_representation(text, named_group(group_name)) for text in texts]


def two_layer_spec(case: str) -> SharingSpec:
    """A specification straight from a group and a space."""
    unit, space, change = (*CASES[case][4:], None, None)[:3]
    return spec_on(representations(case), unit, 16, space, change)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases as modules in one folder."""
    folder = tmp_path_factory.mktemp("two_layer")
    for case in CASES:
        (folder / f"{case}.py").write_text(torch_source(two_layer_spec(case)))
    return folder


@pytest.fixture(scope="module")
def alone(modules: Path) -> dict[str, Any]:
    """What the modules do in a process that has no sharefind."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", ALONE, str(modules)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES)
def test_specifications_are_proven_and_read_back(case: str) -> None:
    spec = two_layer_spec(case)
    certificate = certify(spec)
    assert certificate.is_proven == spec.space.is_exact
    assert certificate.is_fixed_space == (case not in ("c2_zero", "numerical"))
    assert certificate.error < 1e-12
    again = from_json(to_json(spec))
    assert again == spec and again.d_hidden == spec.block("weight").shape[0]
    assert certify(again) == certificate


def test_matrix_specifications_are_written_as_before() -> None:
    rep = parse_representation("natural", named_group("C2"))
    unit = build_unit("matrix:tanh", rep, rep)
    spec = SharingSpec(
        name="m", unit=unit.name, particles=1, blocks=unit.space.blocks, group_name="C2", group_order=2,
        in_rep="natural", out_rep="natural", generators=generator_pairs(rep, rep),
        space=fixed_space(unit.space.action), change=identity_standardisation(2, 2),
    )  # fmt: skip
    record = json.loads(to_json(spec))
    assert "hidden_rep" not in record
    assert set(record["generators"][0]) == {"in", "out"}
    assert class_names(spec) == ("SharedShallowNetwork", "SharedLinear", "check_equivariance")


def test_claims_that_do_not_hold_are_refused() -> None:
    spec = two_layer_spec("c4")
    assert spec.space.tying is not None
    with pytest.raises(ExportError, match="generator 0 of C4 moves a parameter"):
        certify(replace(spec, space=Subspace.full(spec.space.ambient)))
    with pytest.raises(ExportError, match=r"the space has dimension 1 and E\^C4 has 9"):
        certify(replace(spec, space=Subspace.from_tying(spec.space.tying * (spec.space.tying == 1))))
    still = tuple(replace(pair, on_hidden=identity(4)) for pair in spec.generators)
    with pytest.raises(ExportError, match="moves a parameter"):
        certify(replace(spec, generators=still))
    mixing = (("3/5", "4/5"), ("-4/5", "3/5"))
    turned = replace(two_layer_spec("b2_signed"), generators=(GeneratorPair(identity(2), identity(2), mixing),))
    with pytest.raises(ExportError, match=r"infinite group|tanh does not commute with generator 0 of B2 on hidden"):
        certify(turned)


def identity(size: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple("1" if i == j else "0" for j in range(size)) for i in range(size))


def test_a_sign_on_hidden_units_needs_an_odd_activation() -> None:
    with pytest.raises(ExportError, match=r"logistic does not commute with generator . of B2 on hidden units"):
        certify(replace(two_layer_spec("b2_signed"), unit="two-layer:logistic"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_rep": None}, "hidden_rep is None for the unit two-layer"),
        ({"unit": "matrix:tanh"}, "the first block is output; a unit matrix:tanh begins with weight"),
        ({"unit": "radial"}, "radial"),
        ({"generators": (GeneratorPair(identity(4), identity(4)),)}, "has 2 matrices and the unit .* needs 3"),
        ({"generators": (GeneratorPair(identity(4), identity(4), identity(3)),)}, "on hidden units is not 4 x 4"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(two_layer_spec("c4"), **change)


@pytest.mark.slow
@pytest.mark.ci
def test_modules_stand_alone_learn_and_stay_equivariant(alone: dict[str, Any]) -> None:
    assert not [name for name in alone["loaded"] if name.startswith("sharefind")]
    for case in CASES:
        found = alone[case]
        assert max(found["errors"]) < 1e-6, case
        assert sorted(found["state"]) == ["centre", "coefficient", "scale", "shift"]
        if case != "c2_zero":
            assert found["losses"][-1] < 0.7 * found["losses"][0], case


@pytest.mark.parametrize("case", CASES)
def test_modules_are_equivariant_under_elements_they_never_saw(case: str, modules: Path) -> None:
    net = load_module(modules / f"{case}.py").SharedShallowNetwork(dtype=torch.float64)
    in_rep, out_rep, _ = representations(case)
    if in_rep.group.is_finite:
        ins, outs = (rep.float_matrices()[:MAX_ELEMENTS] for rep in (in_rep, out_rep))
    else:
        ins, outs = (rep.sample_matrices(np.random.default_rng(0), MAX_ELEMENTS) for rep in (in_rep, out_rep))
    x = torch.randn(8, in_rep.dim, dtype=torch.float64)
    moved = net(torch.einsum("gij,bj->gbi", torch.from_numpy(ins), x))
    expected = torch.einsum("gij,bj->gbi", torch.from_numpy(outs), net(x))
    assert float((moved - expected).detach().abs().max()) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_modules_are_the_shallow_model_on_particles_in_the_space(case: str, modules: Path) -> None:
    spec = two_layer_spec(case)
    net = load_module(modules / f"{case}.py").SharedShallowNetwork(width=5, dtype=torch.float64)
    theta = net.entries.detach()
    np.testing.assert_allclose(spec.space.project(theta.numpy()), theta.numpy(), atol=1e-14)
    for name, block in (("output", net.output), ("weight", net.weight), ("bias", net.bias)):
        assert block.shape == (5, *spec.block(name).shape)
        np.testing.assert_array_equal(block.detach().flatten(1), theta[:, spec.slice_of(name)])
    x = torch.randn(6, spec.d_in, dtype=torch.float64)
    expected = (
        spec.change.shift + spec.change.scale * predict(spec.layer, x[None], theta.T[None].contiguous())[0].numpy()
    )
    np.testing.assert_allclose(net(x).detach().numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("case", ["c4", "b2_regular", "c2_rescaled", "r3_algebraic", "free"])
def test_each_layer_starts_as_wide_as_a_free_one(case: str, modules: Path) -> None:
    """E|A|^2 = its entries, E|b|^2 = h, and E|W x|^2 = h for inputs of covariance (A^T A)^-1, in closed form."""
    spec = two_layer_spec(case)
    torch.manual_seed(0)
    net = load_module(modules / f"{case}.py").SharedShallowNetwork(width=20_000, dtype=torch.float64)
    length2 = float(np.trace(np.linalg.inv(spec.change.matrix.T @ spec.change.matrix)))
    for block, expected in (
        (net.output, spec.block("output").size),
        (net.weight, spec.block("weight").size / length2),
        (net.bias, spec.block("bias").size),
    ):
        assert float(block.detach().square().flatten(1).sum(1).mean()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_sources_are_formatted_and_name_no_dependency(command: tuple[str, ...], modules: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(modules)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for path in modules.glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert names <= {"torch", "math", "collections.abc"}


def test_every_space_of_a_search_is_exported_with_its_stabiliser_on_hidden_units() -> None:
    from sharefind.datasets import finite_task

    rng = np.random.default_rng(0)
    task = finite_task("squares", rng.normal(3.0, 2.0, (80, 4)), 5 + rng.standard_normal((80, 1)))
    config = search_config(group="D4", out_rep="trivial", unit="two-layer:tanh")
    problem = build_problem(config, task, named_group("D4"))
    assert problem.lattice is not None and problem.change.rescales_labels
    for place in problem.lattice.nodes:
        lattice, node = SearchLattice(), candidate_node(place)
        lattice.add(node)
        spec = spec_from_outcome(SearchOutcome(problem, lattice, (node,), True))
        certificate = certify(spec)
        assert certificate.is_proven and certificate.dim == place.dim
        assert (spec.d_hidden, spec.hidden_rep is not None) == (8, True)
        assert spec.group_order == certificate.generated_order == (place.group.order if place.group else 1)
