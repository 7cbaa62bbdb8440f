"""Deep networks in the words of escnn: the module runs against a stand-in that has its groups and nothing of sharefind.

The stand-in computes maps that commute with matrices by linear algebra in floats. Where escnn is installed, it runs.
"""

from __future__ import annotations

import math
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import block_diag, null_space

from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.escnn_source import block_widths
from sharefind.architectures.deep.files import write_deep
from sharefind.architectures.deep.module import deep_module
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.errors import ExportError
from sharefind.groups import named_group, parse_representation
from tests.architectures.deep.test_deep_exports import CASES, Case, deep_network, equivariance_error
from tests.specs import load_module

MORE = {
    "one element": (Case("C1", "trivial:3", "trivial:2", ("trivial:4",) * 3), "deep:relu"),
    "swap": (CASES["swap"], "deep-residual:gelu"),
    "signs": (CASES["signs"], "deep:relu"),
    "signed axes": (CASES["two classes"], "deep-residual:logistic"),
    "triangle": (CASES["classes"], "deep:tanh"),
    "turns": (CASES["turns"], "deep:tanh"),
}

LINES = {"one element": "cyclic_group(1)", "swap": "cyclic_group(2)", "signs": "dihedral_group(4)",
         "signed axes": "dihedral_group(4)", "triangle": "dihedral_group(3)", "turns": "cyclic_group(5)"}  # fmt: skip


@dataclass(frozen=True)
class _Element:
    """r^turn f^flip in a cyclic or dihedral group."""

    turn: int
    flip: int
    n: int

    def __matmul__(self, other: _Element) -> _Element:
        turn = self.turn + (-other.turn if self.flip else other.turn)
        return _Element(turn % self.n, (self.flip + other.flip) % 2, self.n)


class _Irrep:
    def __init__(self, name: str, frequency: int, parity: int, n: int) -> None:
        self.id, self.frequency, self.parity, self.n = name, frequency, parity, n
        self.size = 1 if 2 * frequency % n == 0 else 2

    def __call__(self, element: _Element) -> np.ndarray:
        angle = 2 * math.pi * self.frequency * element.turn / self.n
        if self.size == 1:
            return np.array([[round(math.cos(angle)) * (self.parity if element.flip else 1.0)]])
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return turn @ np.diag([1.0, -1.0]) if element.flip else turn


class _Group:
    def __init__(self, n: int, flips: int) -> None:
        self.n, self.identity = n, _Element(0, 0, n)
        self.elements = [_Element(turn, flip, n) for turn in range(n) for flip in range(flips)]
        kinds = [(k, parity) for k in range(n // 2 + 1) for parity in ((1, -1) if flips == 2 else (1,))]
        irreps = [_Irrep(f"{k}/{parity}", k, parity, n) for k, parity in kinds]
        self._irreps = [one for one in irreps if one.size == 1 or one.parity == 1]

    def order(self) -> int:
        return len(self.elements)

    def irreps(self) -> list[_Irrep]:
        return self._irreps


class _Representation:
    def __init__(self, group: _Group, name: str, ids: list[str], change: np.ndarray, nonlinear: list[str]) -> None:
        by_id = {irrep.id: irrep for irrep in group.irreps()}
        self.name, inverse = name, np.linalg.inv(change)
        self.images = [change @ block_diag(*(by_id[one](g) for one in ids)) @ inverse for g in group.elements]


class _FieldType:
    def __init__(self, space: object, fields: list[_Representation]) -> None:
        parts = zip(*(field.images for field in fields), strict=True)
        self.images = [block_diag(*part) for part in parts]


class _Linear(torch.nn.Module):
    """All maps W with W g = g W, and all vectors that are fixed."""

    def __init__(self, source: _FieldType, target: _FieldType, bias: bool) -> None:
        super().__init__()
        pairs = list(zip(source.images, target.images, strict=True))
        mean = sum(np.kron(after, before) for before, after in pairs) / len(pairs)
        fixed = sum(target.images) / len(pairs)
        self.shape = len(target.images[0]), len(source.images[0])
        self.bases = [torch.from_numpy(null_space(part - np.eye(len(part)), rcond=1e-9)) for part in (mean, fixed)]
        self.free = torch.nn.ParameterList(torch.randn(basis.shape[1], dtype=torch.float64) for basis in self.bases)

    def forward(self, x: types.SimpleNamespace) -> types.SimpleNamespace:
        weight, bias = (basis @ free for basis, free in zip(self.bases, self.free, strict=True))
        return types.SimpleNamespace(tensor=torch.nn.functional.linear(x.tensor, weight.reshape(self.shape), bias))


@pytest.fixture
def _stand_in() -> Iterator[None]:
    theirs = types.ModuleType("escnn")
    theirs.group = types.SimpleNamespace(
        cyclic_group=lambda n: _Group(n, 1), dihedral_group=lambda n: _Group(n, 2), Representation=_Representation
    )
    theirs.gspaces = types.SimpleNamespace(no_base_space=lambda group: group)
    tensor = lambda x, _: types.SimpleNamespace(tensor=x)  # noqa: E731
    theirs.nn = types.SimpleNamespace(FieldType=_FieldType, Linear=_Linear, GeometricTensor=tensor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "escnn", theirs)
        yield


def _written(name: str, folder: Path) -> tuple[DeepNetwork, Path]:
    case, expression = MORE[name]
    network = deep_network(case, expression)
    path = folder / f"escnn_{name.replace(' ', '_')}.py"
    write_deep(network, path, format="escnn")
    return network, path


@pytest.mark.parametrize("name", MORE)
@pytest.mark.usefixtures("_stand_in")
def test_the_module_has_the_layers_of_the_network(name: str, tmp_path: Path) -> None:
    """Its own assertion compares dimensions; a network with its weights is equivariant under our group."""
    network, path = _written(name, tmp_path)
    source = path.read_text()
    assert f"G = group.{LINES[name]}\n" in source and "sharefind, without weights" in source
    module = load_module(path)
    assert sum(module.dimensions) == network.parameters
    assert equivariance_error(network, module.DeepNetwork()) < 1e-9
    for number, rep in enumerate(network.unit.reps):
        images = module.field_types()[number].images
        assert len(images) == network.group.order
        for generator in rep.float_matrices():
            assert any(np.allclose(generator, image, atol=1e-9) for image in images)


@pytest.mark.usefixtures("_stand_in")
def test_a_wrong_claim_is_seen(tmp_path: Path) -> None:
    _, path = _written("swap", tmp_path)
    path.write_text(re.sub(r"FREE = \((\d+)", lambda found: f"FREE = ({int(found[1]) + 1}", path.read_text()))
    with pytest.raises(AssertionError, match="escnn finds"):
        load_module(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_escnn_itself_agrees(name: str, tmp_path: Path) -> None:
    pytest.importorskip("escnn")
    network, path = _written(name, tmp_path)
    module = load_module(path)
    assert equivariance_error(network, module.DeepNetwork().double()) < 1e-5


@pytest.mark.parametrize("group", ["A4", "S3xC3"])
def test_groups_that_escnn_has_not_are_refused(group: str, tmp_path: Path) -> None:
    case = Case(group, "natural", "trivial", ("regular",) * 3)
    with pytest.raises(ExportError, match="no finite group with the structure"):
        write_deep(deep_network(case, "deep:tanh"), tmp_path / "net.py", format="escnn")
    assert not list(tmp_path.iterdir())


def test_blocks_are_runs_that_the_group_keeps_apart() -> None:
    group = named_group("S3")
    assert block_widths(parse_representation("natural+trivial:2+regular", group)) == [3, 1, 1, 6]
    assert block_widths(parse_representation("natural*natural", group)) == [9]
    assert block_widths(parse_representation("2*natural", named_group("R5"))) == [2, 2]
    assert block_widths(parse_representation("trivial:3", named_group("C1"))) == [1, 1, 1]


def test_a_layer_with_a_window_is_refused_and_is_a_module(tmp_path: Path) -> None:
    """Its weights are a part of the equivariant maps: one orbit of entries of the second layer."""
    whole = deep_network(*MORE["swap"])
    unit = replace(whole.unit, windows=(None, np.array([0]), None, None))
    network = DeepNetwork.from_matrices("windows", unit, DeepBatch(unit, 1, 0).arrays(0))
    assert network.parameters < whole.parameters
    x = np.random.default_rng(0).standard_normal((5, 2))
    module = deep_module(network, dtype=torch.float64)
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach().numpy(), network.predict(x), atol=1e-12)
    assert sum(part.numel() for part in module.parameters()) == network.parameters
    with pytest.raises(ExportError, match="a part of the equivariant maps"):
        write_deep(network, tmp_path / "net.py", format="escnn")
    assert not list(tmp_path.iterdir())
