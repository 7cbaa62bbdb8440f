"""Two-layer specifications as modules that stand alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.architectures import torch_source
from sharefind.meanfield import predict
from tests.architectures.two_layer import CASES, representations, two_layer_spec
from tests.specs import load_module

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
