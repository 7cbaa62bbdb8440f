"""Classes on the command line: words of a table, from a search to trained weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sharefind.architectures import read_safetensors
from tests.cli.conftest import QUICK, Call


def test_words_are_searched_trained_and_scored_as_classes(call: Call, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    words = np.where(x.sum(1) + 0.3 * rng.normal(size=60) > 0, "high, or so", "low")
    rows = [f'{a},{b},"{word}"' for (a, b), word in zip(x.tolist(), words, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["x0,x1,y0", *rows]))
    found = call("discover", *QUICK, "table.csv", "--group", "C2", "--unit", "matrix+bias", "--out", "run")
    assert found.status == 0, found.err
    assert "accuracy, log loss" in found.out and "multinomial regression" in found.out
    shown = call("inspect", "run")
    assert '2 classes: "high, or so", low' in " ".join(shown.out.split())
    page = call("report", "run", "--out", "page.html")
    assert page.status == 0 and "accuracy, log loss" in (tmp_path / "page.html").read_text(encoding="utf-8")
    trained = call("train", "run", "--out", "net.safetensors", "--epochs", "5", "--width", "4", "--json")
    record = json.loads(trained.out)
    assert record["classes"] == ["high, or so", "low"] and record["yardstick"]["least_squares"] is None
    shared, untied = record["networks"]
    assert "r2" not in shared and 0 <= shared["accuracy"] <= 1 and untied["log_loss"] > 0
    assert record["yardstick"]["classes"]["regression"]["accuracy"] > 0.7
    assert read_safetensors(tmp_path / "net.safetensors").spec.classes == ("high, or so", "low")
