"""The written moves: alone in a fresh process they are those of the representations, on arrays and on tensors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.architectures import SharingSpec
from sharefind.architectures.formats.augment_source import AugmentBounds, augment_source, write_augment
from sharefind.errors import ExportError
from sharefind.groups import named_group, parse_representation
from tests.architectures.conftest import build_spec
from tests.specs import load_module

MakeSpec = Callable[..., SharingSpec]

CASES: dict[str, tuple[str, ...]] = {
    "mirror": ("C2", "natural+sign+trivial", "sign+natural", "matrix:tanh"),
    "c4": ("C4", "natural", "natural+trivial", "matrix:logistic"),
    "d4": ("D4", "natural+sign", "sign", "matrix:tanh"),
    "b3": ("B3", "natural", "natural+sign", "matrix:tanh"),
    "s4": ("S4", "natural*natural", "natural*sign", "matrix:tanh"),
}

ALONE = """
import importlib.abc, json, sys, types
class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(name)
BLOCKED = json.loads(sys.argv[2])
sys.meta_path.insert(0, Nothing())
import numpy as np
with open(sys.argv[1]) as file:
    module = types.ModuleType("moves"); exec(compile(file.read(), "moves", "exec"), module.__dict__)
found = {}
for side in ("inputs", "outputs"):
    width = getattr(module, "D_IN" if side == "inputs" else "D_OUT")
    eye = np.eye(width, dtype=np.float32)
    if "torch" not in BLOCKED:
        import torch
        eye = torch.from_numpy(eye)
    moved = [getattr(module, f"move_{side}")(eye, e) for e in range(module.ORDER)]
    assert all(type(m) is type(eye) and m.dtype == eye.dtype for m in moved)
    found[side] = [m.T.tolist() for m in moved]
print(json.dumps({**found, "table": module.TABLE, "names": [n for n in dir(module) if not n.startswith("_")]}))
"""
"""What a process without sharefind makes of a file: each element as a matrix."""


def alone(path: Path, blocked: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-c", ALONE, str(path), json.dumps(blocked)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def matrices(group_name: str, in_text: str, out_text: str) -> set[tuple[bytes, bytes]]:
    """Pairs of the group's matrices on inputs and on outputs, straight from the representations."""
    group = named_group(group_name)
    ins, outs = (parse_representation(text, group).float_matrices() for text in (in_text, out_text))
    return {
        (np.rint(a).astype(np.int8).tobytes(), np.rint(b).astype(np.int8).tobytes())
        for a, b in zip(ins, outs, strict=True)
    }


def pairs_of(ins: Any, outs: Any) -> list[tuple[bytes, bytes]]:
    return [
        (np.array(a, dtype=np.int8).tobytes(), np.array(b, dtype=np.int8).tobytes())
        for a, b in zip(ins, outs, strict=True)
    ]


@pytest.mark.parametrize("name", ["mirror", pytest.param("b3", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "blocked",
    [
        pytest.param(["sharefind", "torch"], id="numpy"),
        pytest.param(["sharefind"], id="torch", marks=pytest.mark.slow),  # it loads torch anew
    ],
)
def test_a_file_moves_rows_without_sharefind(
    name: str, blocked: list[str], make_spec: MakeSpec, tmp_path: Path
) -> None:
    path = tmp_path / "moves.py"
    write_augment(make_spec(*CASES[name]), path)
    found = alone(path, blocked)
    assert set(pairs_of(found["inputs"], found["outputs"])) == matrices(*CASES[name][:3])
    assert ("mirror_inputs" in found["names"]) == (name == "mirror")


@pytest.mark.parametrize("name", CASES)
def test_the_elements_are_those_of_the_group_with_their_table(name: str, make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    write_augment(make_spec(*CASES[name]), path)
    module = load_module(path)
    assert set(_matrices_of(module)) == matrices(*CASES[name][:3])
    inputs = np.stack([module.move_inputs(np.eye(module.D_IN), e).T for e in range(module.ORDER)])
    for a in range(module.ORDER):
        assert np.array_equal(inputs[a] @ inputs, inputs[list(module.TABLE[a])])


def _matrices_of(module: Any) -> list[tuple[bytes, bytes]]:
    sides = (
        [move(np.eye(width), e).T for e in range(module.ORDER)]
        for move, width in ((module.move_inputs, module.D_IN), (module.move_outputs, module.D_OUT))
    )
    return pairs_of(*sides)


def test_a_mirror_has_names_of_its_own(make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / "mirror.py"
    write_augment(make_spec(*CASES["mirror"]), path)
    module = load_module(path)
    x = np.arange(8.0).reshape(2, 4)
    assert np.array_equal(module.mirror_inputs(x), x[:, [1, 0, 2, 3]] * [1, 1, -1, 1])
    assert np.array_equal(module.mirror_outputs(x[:, :3]), x[:, [0, 2, 1]] * [-1, 1, 1])
    assert np.array_equal(module.mirror_inputs(module.mirror_inputs(x)), x)
    first, second = module.moves(x, x[:, :3])
    assert np.array_equal(first[0], x) and np.array_equal(second[1], module.mirror_outputs(x[:, :3]))
    grad = torch.zeros(4, requires_grad=True)
    module.mirror_inputs(grad).sum().backward()
    assert grad.grad.tolist() == [1, 1, -1, 1]
    with pytest.raises(ValueError, match=r"the last axis of \(2, 3\) is not of 4 columns"):
        module.mirror_inputs(x[:, :3])
    assert module.mirror_inputs(np.arange(4, dtype=np.uint8)).tolist() == [1, 0, -2, 3]


def test_a_changed_file_is_refused_when_it_is_imported(make_spec: MakeSpec, tmp_path: Path) -> None:
    source = augment_source(make_spec(*CASES["c4"]))
    for name, (before, after) in {
        "sign": (
            "INPUT_SIGNS = (\n    (1, 1, 1, 1),\n    (1, 1, 1, 1)",
            "INPUT_SIGNS = (\n    (1, 1, 1, 1),\n    (-1, 1, 1, 1)",
        ),
        "table": ("TABLE = (\n    (0, 1,", "TABLE = (\n    (1, 0,"),
    }.items():
        assert before in source
        path = tmp_path / f"{name}.py"
        path.write_text(source.replace(before, after), encoding="utf-8")
        with pytest.raises(ValueError, match="homomorphism"):
            load_module(path)


@pytest.mark.parametrize(
    ("case", "bounds", "message"),
    [
        (("SO3", "natural", "trivial", "matrix+bias:tanh"), None, "is infinite, and a file lists all moves"),
        (("R3", "natural", "trivial", "matrix:tanh"), None, "does more than move columns and change their signs"),
        (("C1", "trivial:3", "trivial:2", "matrix:tanh"), None, "moves no column"),
        (("S4", "natural", "natural", "matrix:tanh"), AugmentBounds(300), "has too many elements to list, above"),
    ],
)
def test_other_groups_are_refused_in_one_line(
    case: tuple[str, ...], bounds: AugmentBounds | None, message: str, make_spec: MakeSpec
) -> None:
    with pytest.raises(ExportError, match=message) as refusal:
        augment_source(make_spec(*case), bounds=bounds)
    assert "\n" not in str(refusal.value)


RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed (extra dev)")
def test_a_file_is_formatted(make_spec: MakeSpec, tmp_path: Path) -> None:
    for name in ("mirror", "b3"):
        write_augment(make_spec(*CASES[name]), tmp_path / f"{name}.py")
    for command in (["format", "--check", "--isolated"], ["check", "--isolated", "--select", "E4,E7,E9,F,I"]):
        done = subprocess.run([str(RUFF), *command, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


PARTS = ("natural", "sign", "trivial", "natural*natural", "natural*sign")


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["C2", "C3", "C5", "D3", "D4", "S3", "S4", "A4", "B2", "B3", "C2xC3"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=2),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=2),
)
def test_any_group_of_signed_permutations(group: str, ins: list[str], outs: list[str]) -> None:
    in_text, out_text = "+".join(["natural", *ins]), "+".join(outs)
    module: dict[str, Any] = {}
    exec(augment_source(build_spec(group, in_text, out_text, "matrix:tanh")), module)  # noqa: S102 # it is our own
    moved = [
        [module[f"move_{side}"](np.eye(module[width]), e).T for e in range(module["ORDER"])]
        for side, width in (("inputs", "D_IN"), ("outputs", "D_OUT"))
    ]
    assert set(pairs_of(*moved)) == matrices(group, in_text, out_text)
    assert module["ORDER"] == named_group(group).order
