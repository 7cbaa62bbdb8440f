"""`sharefind train --unit deep`: a network on the group of a run, its files, and one line for bad input."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sharefind.architectures.deep import choosing
from sharefind.architectures.deep.choice_settings import ChoiceSettings
from sharefind.architectures.deep.files import read_deep
from sharefind.architectures.deep.training import Plan, Trained
from sharefind.architectures.deep.type_escape import EscapeRule
from tests.architectures.deep.test_kept import DONE, FIT
from tests.cli.conftest import Call
from tests.specs import load_module

ESCAPE = {"on_rows", "on_orbits", "dist2_on_rows", "dist2_on_orbits", "threshold", "step"}

DEEP = ("--unit", "deep", "--layers", "1..2", "--width", "4")


@pytest.fixture(autouse=True)
def _brief_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(steps=40, fewest=20, every=20, batch=64)
    monkeypatch.setattr(
        "sharefind.architectures.deep.choice_settings.ChoiceSettings",
        lambda unit, depths, widths, seed: ChoiceSettings(
            unit, depths, widths, plan, seed=seed, escape=EscapeRule(steps=20)
        ),
    )
    monkeypatch.setattr("sharefind.cli.task_rows.task_rows.__defaults__", (200,))


@pytest.mark.slow
@pytest.mark.ci
def test_train_verify_and_export(call: Call, run: Path, tmp_path: Path) -> None:
    ending = call("train", run, "--out", "net.safetensors", *DEEP, "--price", "layers")
    assert ending.status == 0, ending.err
    assert "The price of tying" in ending.out and "layer 1 freed" in ending.out and "off E" in ending.out
    assert "2 x (2*regular)" in ending.out and "least squares" in ending.out
    card = (tmp_path / "net.safetensors.md").read_text()
    for word in ("## Hidden types", "| hidden | 2\\*regular |", "| least squares |", "Accepted: C2"):
        assert word in card, word
    assert str(tmp_path) not in card and str(run) not in card
    assert "wrote net.safetensors: deep:tanh" in ending.out and "equivariant under C2" in ending.out
    verified = call("verify", "net.safetensors", "--json")
    record = json.loads(verified.out)
    assert (record["schema"], record["group"], record["order"]) == ("sharefind.deep-certificate/1", "C2", 2)
    assert "net.safetensors holds: deep:tanh" in call("verify", "net.safetensors").out
    network = read_deep(tmp_path / "net.safetensors")
    assert network.evidence["schema"] == "sharefind.deep-choice/1"
    assert call("export", "net.safetensors", "--format", "torch", "--out", "net.py").status == 0
    net = load_module(tmp_path / "net.py").DeepNetwork(dtype=torch.float64)
    net.load_state_dict(load_file("net.safetensors"))
    x = np.random.default_rng(0).standard_normal((9, 2))
    with torch.no_grad():
        assert np.allclose(net(torch.from_numpy(x)).numpy(), network.predict(x), atol=1e-12)
    assert call("export", "net.safetensors", "--format", "onnx", "--out", "net.onnx").status == 0
    assert (tmp_path / "net.onnx").stat().st_size > 500


def _interrupted_after(count: int) -> Callable[..., Trained]:
    """Trains, and is interrupted before the training that follows so many."""
    done = []

    def fit(*arguments: Any, **more: Any) -> Trained:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(1)
        return DONE(*arguments, **more)

    return fit


def test_an_interrupted_training_goes_on(
    call: Call, own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("train", own_run, "--unit", "deep", "--layers", "1", "--width", "4", "--out", "net.safetensors")
    more = ("--restarts", "2", "--weight-decay", "0.01", "--lr", "0.02", "--quiet")
    with monkeypatch.context() as patch:
        patch.setattr(choosing, FIT, _interrupted_after(2))
        ending = call(*asked, *more)
    assert ending.status == 130
    again = re.search(r"what is done is kept; go on with: sharefind (train .*)", ending.err)
    assert again is not None and str(own_run) in again[1] and "--weight-decay 0.01" in again[1]
    assert len(list((own_run / "deep" / "trainings").glob("*.safetensors"))) == 2
    with monkeypatch.context() as patch:
        patch.setattr(choosing, FIT, _interrupted_after(0))
        assert call(*asked, *more).status == 130
    record = json.loads(call(*shlex.split(again[1].replace("--quiet", "--json"))).out)
    assert record == json.loads((own_run / "deep" / "choice.json").read_text())
    choice = record["choice"]
    assert (len(choice["starts"]), choice["stopped"]) == (2, None)
    card = (tmp_path / "net.safetensors.md").read_text()
    assert "2 starts were compared" in card and record["card"] == "net.safetensors.md"
    with monkeypatch.context() as patch:
        patch.setattr(choosing, FIT, _interrupted_after(0))
        assert call(*asked[:-1], "other.safetensors", *more).status == 0


@pytest.mark.slow
def test_a_deadline_ends_with_what_was_tried(call: Call, own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: Any, **more: Any) -> Trained:
        time.sleep(6.0 if len(list((own_run / "deep" / "trainings").iterdir())) > 1 else 0.0)
        return DONE(*arguments, **more)

    monkeypatch.setattr(choosing, FIT, slow)
    asked = ("--unit", "deep", "--layers", "1", "--width", "4", "--max-seconds", "6")
    ending = call("train", own_run, "--out", "net.safetensors", *asked)
    assert ending.status == 0, ending.err
    assert "note  not all was tried: --max-seconds 6: they are spent" in ending.out


@pytest.mark.slow
def test_trainings_that_cannot_be_kept(call: Call, own_run: Path) -> None:
    (own_run / "deep").write_text("in the way")
    ending = call("train", own_run, "--out", "net.safetensors", *DEEP, "--quiet")
    assert ending.status == 0 and "trainings are not kept" in ending.err


@pytest.fixture
def own_run(run: Path, tmp_path: Path) -> Path:
    """A copy of the run of all tests, which may be written to."""
    return Path(shutil.copytree(run, tmp_path / "own run"))


@pytest.mark.slow
def test_json(call: Call, run: Path) -> None:
    asked = (*DEEP[:2], "--width", "4", "--price", "chains", "--json")
    ending = call("train", run, "--out", "net.safetensors", *asked)
    record = json.loads(ending.out)
    assert record["schema"] == "sharefind.deep-training/1"
    nodes = record["choice"]["nodes"]
    assert all(len(node["layers"]) == 3 for node in nodes)
    assert record["choice"]["chosen"] == min(nodes, key=lambda node: node["risk"])["number"]
    assert {edge["target"] for edge in record["choice"]["edges"]} == set(range(1, len(nodes)))
    assert record["certificate"]["naming"] == "proven"
    escapes = [node["escape"] for node in nodes]
    assert all(set(one) == ESCAPE and len(one["on_orbits"]) == 4 for one in escapes)
    price = record["choice"]["price"]
    assert (price["kind"], price["folds"], price["confidence"]) == ("chains", 5, 0.95)
    first, *others = price["ways"]
    assert first["groups"] == ["C2"] * 4 and others[0]["groups"] == ["C2", "C2", "C2", "C1"]
    assert all(way["low"] < way["difference"] < way["high"] for way in others)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--unit", "deep", "--epochs", "9", "--out", "n.safetensors"), "--epochs and --unit deep"),
        (("--unit", "deep", "--lr", "0", "--out", "n.safetensors"), "--lr 0: give a number above 0"),
        (("--unit", "deep", "--weight-decay", "-1", "--out", "n.safetensors"), "--weight-decay -1: give"),
        (("--unit", "deep", "--max-seconds", "nan", "--out", "n.safetensors"), "--max-seconds nan: give"),
        (("--unit", "deep", "--max-seconds", "1e-9", "--out", "n.safetensors"), "no network was tried before"),
        (("--max-seconds", "9", "--out", "n.safetensors"), "--max-seconds is for deep networks"),
        (("--weight-decay", "1", "--out", "n.safetensors"), "--weight-decay is for deep networks"),
        (("--unit", "two-layer", "--out", "n.safetensors"), "the run's own unit or a deep one"),
        (("--unit", "deep:sine", "--out", "n.safetensors"), "'sine' is unknown"),
        (("--unit", "deep", "--out", "n.pt"), "end the name with one"),
        (("--unit", "deep", "--layers", "9", "--out", "n.safetensors"), "a number of hidden layers up to 8"),
        (("--unit", "deep", "--layers", "3..2", "--out", "n.safetensors"), "a number of hidden layers up to 8"),
        (("--unit", "deep", "--width", "300", "--out", "n.safetensors"), "above the limit of 100000.*--max-dim 1"),
        (("--layers", "2", "--out", "n.safetensors"), "add --unit deep"),
        (("--price", "layers", "--out", "n.safetensors"), "--price is for deep networks; add --unit deep"),
        (("--unit", "deep", "--price", "all", "--out", "n.safetensors"), "--price all: use layers, chains or early"),
        (("--unit", "deep", "--price", "early", "--out", "n.safetensors"), "larger than the group it found"),
    ],
)
def test_bad_input_is_one_line(call: Call, run: Path, arguments: tuple[str, ...], message: str) -> None:
    ending = call("train", run, *arguments)
    assert ending.status == 2
    assert len(ending.err.splitlines()) == 1 and re.search(message, ending.err), ending.err


def test_formats_that_have_no_words_for_deep_networks(call: Call, run: Path) -> None:
    assert call("train", run, "--out", "net.safetensors", *DEEP[:3], "1", *DEEP[4:], "--quiet").status == 0
    for arguments, message in (
        (
            ("--format", "emlp", "--out", "n.py"),
            "--format emlp: deep networks are written as safetensors, onnx, torch, escnn",
        ),
        (("--format", "torch", "--out", "n.onnx"), "end the name with .py"),
        (("--format", "onnx", "--dtype", "float32", "--out", "n.onnx"), "in float64"),
    ):
        ending = call("export", "net.safetensors", *arguments)
        assert ending.status == 2 and message in ending.err
    assert call("export", "net.safetensors", "--format", "escnn", "--out", "net_escnn.py").status == 0
    assert "G = group.cyclic_group(2)" in Path("net_escnn.py").read_text()


@pytest.mark.slow
@pytest.mark.ci
def test_discover_ends_with_a_deep_network(discover: Call, call: Call, tmp_path: Path) -> None:
    asked = ("--group", "C2", "--unit", "deep:relu", "--layers", "1")
    ending = discover(*asked, "--out", "found")
    assert ending.status == 0, ending.err
    assert "E_* = E^C2" in ending.out and "wrote found/deep.safetensors: deep:relu" in ending.out
    assert call("verify", "found/deep.safetensors").status == 0
    record = json.loads(discover(*asked, "--out", "again", "--json").out)
    assert record["schema"] == "sharefind.result/1"
    assert record["deep"]["choice"]["function"] == "relu"
    assert record["unit"].startswith("matrix")
    for arguments, message in (
        (("--unit", "deep", "--layers", "x", "--out", "other"), "a number of hidden layers"),
        (("--layers", "2", "--out", "other"), "add --unit deep"),
        (("--price", "layers", "--out", "other"), "--price is for deep networks"),
        (("--unit", "deep", "--price", "all", "--out", "other"), "use layers, chains or early"),
        (("--unit", "deep", "--hidden-rep", "regular", "--out", "other"), "drop --hidden-rep"),
        (("--unit", "deep:sine", "--out", "other"), "'sine' is unknown"),
    ):
        refused = discover("--group", "C2", *arguments)
        assert refused.status == 2 and message in refused.err and len(refused.err.splitlines()) == 1
    refused = call("discover", "--resume", "found", "--unit", "deep")
    assert refused.status == 2 and "finish the run" in refused.err


@pytest.mark.slow
def test_an_interrupted_network_after_a_search_goes_on(
    discover: Call, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(choosing, FIT, _interrupted_after(1))
        ending = discover("--group", "C2", "--unit", "deep:relu", "--layers", "1", "--seed", "3", "--out", "found")
    assert ending.status == 130
    again = re.search(r"go on with: sharefind (train .*)", ending.err)
    assert again is not None and "--seed 3" in again[1]
    assert len(list(Path("found/deep/trainings").glob("*.safetensors"))) == 1
    kept = {path: path.stat().st_mtime_ns for path in Path("found/deep/trainings").glob("*.safetensors")}
    assert call(*shlex.split(again[1])).status == 0
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    assert Path("found/deep.safetensors").is_file() and Path("found/deep.safetensors.md").is_file()


@pytest.mark.slow
def test_discover_says_why_there_is_no_deep_network(discover: Call, tmp_path: Path) -> None:
    ending = discover("--group", "C2", "--task", "c2-arbitrary", "--unit", "deep", "--max-nodes", "1", "--out", "found")
    assert ending.status == 0, ending.err
    assert "no deep network was trained" in ending.err
