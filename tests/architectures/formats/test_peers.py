"""Snippets for emlp and escnn: what is theirs is written, the rest refused; run where these libraries are installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sharefind.architectures import SharingSpec, write_snippet
from sharefind.errors import ExportError
from sharefind.groups import load_generators
from tests.architectures.networks import network_of, spec_of
from tests.specs import spec_on

TWO = ("C4", "two-layer:tanh", "natural", "natural", "regular")

THEIRS: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "emlp": [
        (("C4", "matrix+bias:tanh", "natural", "natural"), "G = Z(4)\n"),
        (("S4", "matrix:logistic", "natural*natural", "natural"), "G = S(4)\n"),
        (("R5", "matrix:tanh", "natural*natural", "trivial"), "G = C(5)\n"),
        (("B2", "matrix:tanh", "natural", "natural"), "G = D(4)\n"),
        (("D4", "matrix:tanh", "grid:3", "trivial"), "class Symmetry(Group)"),
        (("B3", "matrix:tanh", "natural", "natural"), "np.eye(3)[:, [0, 1, 2]] * [-1, 1, 1]"),
        (("SO3", "matrix:tanh", "natural*natural", "trivial:2"), "rep_out = (2 * T(0))(G)"),
        (("O3", "matrix:tanh", "natural*natural+trivial", "trivial"), "rep_in = (V * V + T(0))(G)"),
        (TWO, "output = (rep_hidden >> rep_out).equivariant_basis()"),
        (("C1", "matrix:tanh", "trivial:3", "trivial:2"), "G = Trivial(1)\n"),
    ],
    "escnn": [
        (("C4", "matrix+bias:tanh", "natural", "natural"), "group.cyclic_group(4)"),
        (("C6", "matrix+bias:tanh", "natural+sign", "2*natural+trivial"), "sign = G.irrep(3)"),
        (("D4", "matrix:tanh", "natural+sign", "sign"), "natural = G.quotient_representation((0, 1))"),
        (("D5", "matrix+bias:tanh", "natural+sign", "regular"), "group.dihedral_group(5)"),
        (("D6", "matrix:tanh", "regular", "natural+sign"), "sign = G.irrep(0, 3)"),
        (("D7", "matrix:tanh", "sign", "natural+sign"), "sign = G.irrep(1, 0)"),
        (("S3", "matrix:tanh", "natural", "natural+sign"), "group.dihedral_group(3)"),
        (("R5", "matrix+bias:tanh", "natural", "regular"), "natural = G.irrep(1)"),
        (("B2", "matrix:tanh", "natural", "natural"), "natural = G.irrep(1, 1)"),
        (("O2", "matrix:tanh", "natural*natural", "sign"), "[natural.tensor(natural)]"),
        (("SO3", "matrix:tanh", "natural*natural", "trivial:2"), "2 * [trivial]"),
        (TWO, "first = nn.Linear(x_type, h_type, bias=True)"),
    ],
}

NOT_THEIRS = [
    ("emlp", ("S4", "matrix:logistic", "natural", "regular"), "these are made of natural and regular"),
    ("escnn", ("S4", "matrix:logistic", "natural", "natural"), "it has no group S4"),
    ("escnn", ("D4", "matrix:tanh", "grid:3", "trivial"), "it has no representation grid:3"),
    ("escnn", ("SO4", "matrix:tanh", "natural*natural", "trivial"), "for n = 2 and 3 only"),
]


def _cases() -> list[tuple[str, tuple[str, ...], str]]:
    return [(peer, case, line) for peer, cases in THEIRS.items() for case, line in cases]


@pytest.mark.parametrize(("peer", "case", "line"), _cases(), ids=lambda value: str(value)[:30])
def test_snippets_say_it_in_their_words(peer: str, case: tuple[str, ...], line: str, tmp_path: Path) -> None:
    spec, path = spec_of(*case), tmp_path / "snippet.py"
    assert write_snippet(spec, path, peer).is_proven
    source = path.read_text()
    compile(source, str(path), "exec")
    assert line in source and f"assert dimension == {spec.space.dim}," in source
    assert max(map(len, source.splitlines())) <= 110


@pytest.mark.parametrize(("peer", "case", "reason"), NOT_THEIRS)
def test_what_is_not_theirs_is_refused_with_the_reason(
    peer: str, case: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=reason) as caught:
        write_snippet(spec_of(*case), tmp_path / "snippet.py", peer)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


QUATERNIONS = {
    "i": [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]],
    "j": [[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]],
}
TURN = [["1/2", "-sqrt(3)/2"], ["sqrt(3)/2", "1/2"]]
GENERATORS: dict[str, tuple[list[dict[str, object]], str]] = {
    "Q8H": ([{"in": m, "out": m} for m in QUATERNIONS.values()], "matrix:tanh"),
    "Q8": ([{"in": m, "out": [[1]]} for m in QUATERNIONS.values()], "matrix:tanh"),
    "turns": ([{"in": TURN, "out": [[1, 0], [0, 1]]}], "matrix+bias:tanh"),
    "D4": ([{"in": m, "out": m} for m in QUATERNIONS.values()], "matrix:tanh"),
}


def file_spec(name: str, tmp_path: Path) -> SharingSpec:
    """E^G of a group from a generators file."""
    pairs, unit = GENERATORS[name]
    path = tmp_path / "group.json"
    path.write_text(json.dumps({"name": name, "generators": pairs}))
    found = load_generators(path)
    spec = spec_on([found.in_rep, found.out_rep], unit, 3)
    path.unlink()
    return replace(spec, group_name="D4 (as given)") if name == "D4" else spec


THEIR_MODULES = """
import sys, types
import numpy as np
from scipy.linalg import null_space

class Group:
    pass

class Rep:
    def __init__(self, dim, act):
        self.dim, self.act = dim, act
    def __call__(self, group):
        dim = len(group.discrete_generators[0]) if self.dim is None else self.dim
        return Rep(dim, [g if self.dim is None else np.eye(dim) for g in group.discrete_generators])
    def __rmul__(self, count):
        return Rep(count, None)
    def __rshift__(self, other):
        return Rep(self.dim * other.dim, [np.kron(h, g) for g, h in zip(self.act, other.act)])
    def equivariant_basis(self):
        return null_space(np.concatenate([a - np.eye(self.dim) for a in self.act]))

groups, reps = types.ModuleType("emlp.groups"), types.ModuleType("emlp.reps")
groups.Group, reps.V, reps.T = Group, Rep(None, None), lambda k: Rep(1, None)
sys.modules.update({"emlp": types.ModuleType("emlp"), "emlp.groups": groups, "emlp.reps": reps})
"""
"""As much of emlp as a group by its generators needs: orthogonal matrices and their common fixed vectors."""


@pytest.mark.parametrize("name", GENERATORS)
def test_a_group_of_a_generators_file_is_written_by_its_generators(name: str, tmp_path: Path) -> None:
    spec, path = file_spec(name, tmp_path), tmp_path / "snippet.py"
    write_snippet(spec, path, "emlp")
    source = path.read_text()
    assert "discrete_generators = np.array(" in source and "class Symmetry(Group)" in source
    assert ("is not checked" in source) == (name != "Q8")
    done = subprocess.run([sys.executable, "-c", THEIR_MODULES + source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if name == "Q8H":
        assert spec.space.dim == 4 and source.count("np.eye(4)[:, ") == 2
    with pytest.raises(ExportError, match="it has no group"):
        write_snippet(spec, tmp_path / "other.py", "escnn")


@pytest.mark.parametrize("peer", THEIRS)
def test_spaces_that_are_no_fixed_space_are_refused(peer: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"not all of E\^C2"):
        write_snippet(network_of("zero").spec, tmp_path / "snippet.py", peer)


@pytest.mark.slow
@pytest.mark.parametrize("peer", THEIRS)
def test_their_library_finds_the_same_dimensions(peer: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed")
    for case, _ in THEIRS[peer]:
        path = tmp_path / f"{'_'.join(case).replace('*', 't').replace(':', '_').replace('+', 'p')}.py"
        write_snippet(spec_of(*case), path, peer)
        done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, f"{case}: {done.stderr}"
