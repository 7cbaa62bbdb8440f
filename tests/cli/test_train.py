"""`sharefind train`: weights that the exported module loads, scores of both networks, and one line for bad input."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sharefind.architectures import read_safetensors
from tests.cli.conftest import Call
from tests.specs import load_module

QUICK = ("--epochs", "3", "--width", "4")


def exported(call: Call, run: Path, path: Path) -> Any:
    """The module that export --format torch writes, loaded."""
    assert call("export", run, "--format", "torch", "--out", path).status == 0
    return load_module(path)


def test_the_exported_module_loads_the_weights(call: Call, run: Path, tmp_path: Path) -> None:
    ending = call("train", run, "--out", "net.safetensors", *QUICK)
    assert ending.status == 0
    assert "shared" in ending.out and "untied" in ending.out and "wrote net.safetensors" in ending.out
    assert "raise --epochs" in ending.out
    network = read_safetensors(tmp_path / "net.safetensors")
    module = exported(call, run, tmp_path / "net.py")
    net = module.SharedShallowNetwork(4, dtype=torch.float64)
    net.load_state_dict(load_file("net.safetensors"))
    x = np.random.default_rng(0).standard_normal((9, 2))
    with torch.no_grad():
        assert np.allclose(net(torch.from_numpy(x)).numpy(), network.predict(x), atol=1e-12)
    assert call("verify", "net.safetensors").status == 0
    assert "wrote net.safetensors.md: its model card" in ending.out
    card = (tmp_path / "net.safetensors.md").read_text()
    for word in ("| shared | 8 |", "least squares", "not rejected", "## Limits of use", "| x0 |"):
        assert word in card, word
    assert str(tmp_path) not in card and str(run) not in card
    assert np.allclose(used(card, torch.from_numpy(x), tmp_path).numpy(), network.predict(x), atol=1e-12)


def used(card: str, x: torch.Tensor, folder: Path) -> torch.Tensor:
    """What the code of a card gives at x, run in the folder of the files that it names."""
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names: dict[str, Any] = {"x": x}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.delitem(sys.modules, "net", raising=False)
        exec(code, names)  # noqa: S102 - the code of a card that the test has just written
        patch.delitem(sys.modules, "net")
    return names["y"].detach()


def test_a_card_is_not_written_over_another_file(call: Call, run: Path, tmp_path: Path) -> None:
    (tmp_path / "net.safetensors.md").write_text("mine")
    for more in (QUICK, ("--unit", "deep")):
        ending = call("train", run, "--out", "net.safetensors", *more)
        assert ending.status == 2 and "net.safetensors.md exists" in ending.err
    assert (tmp_path / "net.safetensors.md").read_text() == "mine"


def test_a_missing_extra_is_told_before_anything_is_trained(
    call: Call, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr("sharefind.architectures.layers.comparison.compare", lambda *_: pytest.fail("it trained"))
    ending = call("train", run, "--out", "net.onnx", *QUICK)
    assert ending.status in (1, 2) and "sharefind[onnx]" in ending.err and len(ending.err.splitlines()) == 1


def test_json_has_both_networks(call: Call, run: Path) -> None:
    ending = call("train", run, "--out", "net.safetensors", *QUICK, "--json")
    record = json.loads(ending.out)
    assert record["schema"] == "sharefind.training/1"
    shared, untied = record["networks"]
    assert (shared["name"], shared["parameters"]) == ("shared", 8)
    assert (untied["name"], untied["parameters"]) == ("untied", 16)
    assert shared["r2"] <= 1 and untied["r2"] <= 1


def test_a_step_that_learns_nothing_writes_nothing(call: Call, run: Path, tmp_path: Path) -> None:
    ending = call("train", run, "--out", "net.safetensors", *QUICK, "--lr", "1e9", "--quiet")
    assert ending.status == 1 and len(ending.err.splitlines()) == 1 and "--lr 0.05" in ending.err
    assert not (tmp_path / "net.safetensors").exists()


def test_a_run_with_a_unit_of_ones_own_is_not_taken_for_another(call: Call, run: Path, tmp_path: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({**result, "unit": "matrix:softsign"}))
    for arguments in (("train", run, "--out", "n.safetensors"), ("export", run, "--format", "torch", "--out", "n.py")):
        ending = call(*arguments)
        assert ending.status == 2 and "matrix:softsign" in ending.err and "not exported" in ending.err
    assert call("inspect", run).status == 0


@pytest.mark.slow
def test_more_epochs_teach_more(call: Call, run: Path) -> None:
    records = [
        json.loads(call("train", run, "--out", f"{k}.safetensors", "--epochs", k, "--json").out) for k in ("1", "8")
    ]
    first, last = (record["networks"][0]["r2"] for record in records)
    assert last > max(first, 0.5)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--out", "net.bin"), ".safetensors or .onnx"),
        (("--out", "nowhere/net.safetensors"), "does not exist"),
        (("--out", "taken.safetensors"), "exists"),
        (("--out", "net.safetensors", "--lr", "-1"), "--lr -1 is not a step; give a number above 0, such as 0.05"),
        (("--out", "net.safetensors", "--lr", "nan"), "--lr nan is not a step"),
        (("--out", "net.safetensors", "--seed", str(2**63)), "seed"),
        (("--out", "net.safetensors", "--width", "0"), "width"),
    ],
)
def test_bad_input_is_one_line(call: Call, run: Path, tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    (tmp_path / "taken.safetensors").touch()
    ending = call("train", run, *arguments)
    assert ending.status == 2 and len(ending.err.splitlines()) == 1 and reason in ending.err
    assert not (tmp_path / "net.safetensors").exists()
