"""The generated module: formatted, alone in a fresh process, trained, equivariant before and after."""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.architectures import SharingSpec, torch_source, write_torch
from sharefind.errors import ExportError
from sharefind.exact.matrices import to_float
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.specs import load_module

MakeSpec = Callable[..., SharingSpec]

RESCALED = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3, 0.3]), 4.0, np.array([2.5, 2.5]))
SIX_SHIFTS = Standardisation(2 * np.eye(2), np.pi * np.arange(1.0, 7.0), 1.5, np.array([np.e, -1 / 3]))
NUMERICAL = Subspace.numerical(np.random.default_rng(3).standard_normal((3, 6)))

CASES: dict[str, tuple[Any, ...]] = {
    "c2": ("C2", "natural", "natural", "matrix:logistic"),
    "c2_bias": ("C2", "natural", "natural", "matrix+bias:logistic"),
    "c2_rescaled": ("C2", "natural", "natural", "matrix+bias:logistic", None, RESCALED),
    "free_rescaled": ("C1", "trivial:2", "trivial:6", "matrix:tanh", None, SIX_SHIFTS),
    "c2_zero": ("C2", "natural", "natural", "matrix:logistic", Subspace.zero(4)),
    "s4": ("S4", "natural", "natural", "matrix:logistic"),
    "s4_bias": ("S4", "natural", "natural", "matrix+bias:logistic"),
    "s6_copies": ("S6", "natural*natural", "natural*natural", "matrix+bias:tanh"),
    "s6_signed_copies": ("S6", "natural*natural", "natural*natural*sign", "matrix:tanh"),
    "d4_patch": ("D4", "patch:5", "trivial", "matrix:tanh"),
    "d4_patch_bias": ("D4", "patch:5", "trivial", "matrix+bias:tanh"),
    "d4_grid": ("D4", "grid:6", "grid:2", "matrix+bias:tanh"),
    "b3": ("B3", "natural", "natural", "matrix:tanh"),
    "b3_bias": ("B3", "natural", "natural", "matrix+bias:tanh"),
    "b3_sign": ("B3", "natural+sign", "natural+sign", "matrix+bias:tanh"),
    "r3_zero": ("R3", "natural", "trivial", "matrix:tanh"),
    "r3_bias_only": ("R3", "natural", "trivial", "matrix+bias:logistic"),
    "r3_forms": ("R3", "natural*natural", "trivial", "matrix:tanh"),
    "r3_algebraic": ("R3", "natural", "regular", "matrix:tanh"),
    "r5_algebraic": ("R5", "natural", "regular", "matrix+bias:logistic"),
    "free": ("C1", "trivial:3", "trivial:2", "matrix:tanh"),
    "numerical": ("C1", "trivial:3", "trivial:2", "matrix:tanh", NUMERICAL),
    "so3": ("SO3", "natural*natural", "trivial", "matrix+bias:tanh"),
    "o2": ("O2", "natural*natural", "trivial", "matrix:tanh"),
}
MAX_ELEMENTS = 60


def _elements(group_name: str, in_text: str, out_text: str) -> dict[str, np.ndarray]:
    """Matrices of Haar elements on inputs and outputs, all of them for a small group."""
    group = named_group(group_name)
    ins, outs = (parse_representation(text, group) for text in (in_text, out_text))
    if group.is_finite:
        kept = slice(None, MAX_ELEMENTS)
        return {"ins": ins.float_matrices()[kept], "outs": outs.float_matrices()[kept]}
    moves = [rep.sample_matrices(np.random.default_rng(0), MAX_ELEMENTS) for rep in (ins, outs)]
    return {"ins": moves[0], "outs": moves[1]}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory, make_spec: MakeSpec) -> Path:
    """All cases in one folder, each with group elements straight from `sharefind.groups`."""
    folder = tmp_path_factory.mktemp("modules")
    for name, case in CASES.items():
        (folder / f"{name}.py").write_text(torch_source(make_spec(*case)))
        np.savez(folder / f"{name}.npz", **_elements(*case[:3]))
    return folder


@pytest.fixture(scope="module")
def figures(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a fresh process found."""
    out = tmp_path_factory.mktemp("figures") / "figures.json"
    runner = Path(__file__).with_name("runner.py")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", str(runner), str(modules), str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_the_process_had_no_sharefind(figures: dict[str, Any]) -> None:
    assert not [name for name in figures["loaded"] if name.startswith("sharefind")]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
@pytest.mark.parametrize("name", CASES)
def test_modules_are_equivariant_before_and_after_training(
    name: str, dtype: str, tolerance: float, figures: dict[str, Any]
) -> None:
    for kind in ("SharedShallowNetwork", "SharedLinear"):
        found = figures[name][dtype][kind]
        assert max(*found["before"], *found["after"]) <= tolerance
        assert found["dtype"] == f"torch.{dtype}"


@pytest.mark.parametrize("name", CASES)
def test_modules_learn_their_coefficients_and_nothing_else(
    name: str, figures: dict[str, Any], make_spec: MakeSpec
) -> None:
    spec = make_spec(*CASES[name])
    for kind, lead in (("SharedShallowNetwork", [spec.particles]), ("SharedLinear", [])):
        found = figures[name]["float64"][kind]
        moved = {"centre": [2, spec.d_in], "shift": [spec.d_out], "scale": []} if lead else {}
        assert found["state"] == {"coefficient": [*lead, spec.space.dim], **moved}
        assert found["shape"] == [2, 3, spec.d_out]
        if spec.space.dim:
            assert found["last"] < 0.9 * found["first"]
        else:
            assert found["last"] == found["first"]
    length = figures[name]["constants"][4]
    assert figures[name]["constants"] == [spec.d_in, spec.d_out, spec.space.dim, spec.particles, length]


@pytest.mark.parametrize("name", CASES)
def test_first_pre_activations_have_the_variance_of_a_free_layer(
    name: str, figures: dict[str, Any], make_spec: MakeSpec
) -> None:
    # E|W x|^2 / d_out = 1 for inputs of covariance (A^T A)^-1: |W|^2 = d_out d_in / tr (A^T A)^-1 on average.
    spec = make_spec(*CASES[name])
    square = np.linalg.inv(spec.change.matrix.T @ spec.change.matrix)
    basis = to_float(spec.space.exact_rows()) if spec.space.is_exact else spec.space.orthonormal()
    weights = np.abs(basis[:, : spec.d_in * spec.d_out]).sum()
    expected = math.sqrt(spec.d_in / np.trace(square)) if weights else 0.0
    assert figures[name]["float64"]["weight_length"] == pytest.approx(expected, rel=0.03)
    assert figures[name]["constants"][4] == pytest.approx(math.sqrt(np.trace(square)))


def _ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed (extra dev)")
    return subprocess.run([ruff, *arguments, "--no-cache"], capture_output=True, text=True)


@pytest.mark.parametrize("config", ["--isolated", "--config=pyproject.toml"])
@pytest.mark.parametrize("command", [("check",), ("format", "--check", "--diff")], ids=" ".join)
def test_sources_pass_ruff(command: tuple[str, ...], config: str, modules: Path, repository: Path) -> None:
    option = config.replace("pyproject.toml", str(repository / "pyproject.toml"))
    done = _ruff(*command, option, str(modules))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", CASES)
def test_ties_need_no_dense_basis_and_sources_name_no_dependency(name: str, modules: Path, make_spec: MakeSpec) -> None:
    source = (modules / f"{name}.py").read_text()
    assert ("LABELS = (" in source) == (make_spec(*CASES[name]).space.tying is not None)
    assert ("BASIS = (" in source) == (make_spec(*CASES[name]).space.tying is None)
    imported = {n.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for n in node.names}
    froms = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert imported | froms <= {"torch", "math", "collections.abc"}
    assert (f"SCALE = {make_spec(*CASES[name]).change.scale}\n") in source
    assert not re.search(r"\b20\d\d\b", source)


@pytest.mark.parametrize("name", CASES)
def test_the_network_is_the_papers_shallow_model_on_particles_in_the_space(
    name: str, modules: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(*CASES[name])
    torch.manual_seed(1)
    net = load_module(modules / f"{name}.py").SharedShallowNetwork(width=7, dtype=torch.float64)
    theta = net.entries.detach()
    np.testing.assert_allclose(spec.space.project(theta.numpy()), theta.numpy(), atol=1e-14)
    assert np.linalg.matrix_rank(theta.numpy(), tol=1e-9) == min(7, spec.space.dim)
    x = torch.randn(5, spec.d_in, dtype=torch.float64)
    centred = x - torch.from_numpy(spec.change.centre)
    expected = predict(spec.layer, centred[None], theta.T[None].contiguous())[0].numpy()
    expected = spec.change.shift + spec.change.scale * expected
    np.testing.assert_allclose(net(x).detach().numpy(), expected, atol=1e-13)


def test_a_module_made_in_float32_may_be_converted(modules: Path) -> None:
    for name in ("c2_rescaled", "r5_algebraic", "b3_sign"):
        module = load_module(modules / f"{name}.py")
        assert module.check_equivariance(module.SharedShallowNetwork().double()) < 1e-6


def test_the_linear_layer_takes_the_arguments_of_nn_linear(modules: Path) -> None:
    with_bias, without = (load_module(modules / f"{name}.py").SharedLinear for name in ("s4_bias", "s4"))
    assert with_bias(4, 4).bias.shape == (4,)
    assert without(4, 4, bias=False).bias is None
    assert tuple(with_bias().weight.shape) == tuple(torch.nn.Linear(4, 4).weight.shape)
    for wrong in (lambda: with_bias(4, 3), lambda: without(4, 4, bias=True)):
        with pytest.raises(ValueError, match="this layer is"):
            wrong()


def test_the_check_sees_a_module_that_is_not_equivariant(modules: Path) -> None:
    module = load_module(modules / "c2.py")
    assert module.check_equivariance(torch.nn.Linear(2, 2)) > 1e-3
    assert load_module(modules / "so3.py").check_equivariance(torch.nn.Linear(9, 1)) > 1e-3


def test_hostile_names_stay_in_the_docstring(make_spec: MakeSpec, tmp_path: Path) -> None:
    evil = '""" + exit() + r"""\\' + "{0} x" * 40
    spec = make_spec("C2", "natural", "natural", "matrix:logistic")
    source = torch_source(replace(spec, name=evil, group_name="pi(cos)sqrt " * 20, in_rep=evil, out_rep=evil))
    plain = torch_source(spec)
    tree, expected = ast.parse(source), ast.parse(plain)
    assert [type(node) for node in tree.body] == [type(node) for node in expected.body]
    assert "exit()" in (ast.get_docstring(tree) or "")
    assert "from math" not in source
    (tmp_path / "evil.py").write_text(source)
    done = _ruff("format", "--check", "--isolated", str(tmp_path))
    assert done.returncode == 0, done.stdout
    done = _ruff("check", "--isolated", "--select", "E,F,W", "--line-length", "110", str(tmp_path))
    assert done.returncode == 0, done.stdout


def test_an_export_is_written_whole_or_refused(make_spec: MakeSpec, tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        write_torch(make_spec("C2", "natural", "natural", "matrix:tanh", Subspace.full(4)), tmp_path / "no.py")
    assert list(tmp_path.iterdir()) == []
    spec = make_spec("C2", "natural", "natural", "matrix:tanh")
    write_torch(spec, tmp_path / "yes.py")
    assert [path.name for path in tmp_path.iterdir()] == ["yes.py"]
    assert (tmp_path / "yes.py").read_text() == torch_source(spec)
