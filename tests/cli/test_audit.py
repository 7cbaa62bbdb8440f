"""The command audit: its table, its JSON, its page, a network made exact, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audited import equivariant_net, linears, rows, shuffled, write_graph

SCHEMA: dict[str, Any] = {
    "schema": str,
    "network": {"name": str, "precision": str},
    "group": {"name": str, "order": int},
    "in_rep": str,
    "out_rep": str,
    "rows": int,
    "verdict": str,
    "exact_subgroup": {"name": str, "order": int},
    "all_elements": bool,
    "spread": [float],
    "noise": [float],
    "elements": [
        {
            "name": str,
            "generator": (int, type(None)),
            "error": float,
            "in_noise": float,
            "relative": (float, type(None)),
            "verdict": str,
            "output": int,
        }
    ],
    "layers": [
        {
            "layer": int,
            "width": int,
            "activation": (str, type(None)),
            "constant": int,
            "merged": int,
            "unused": int,
            "reading": (str, type(None)),
            "reason": (str, type(None)),
            "types": (dict, type(None)),
            "units": [int],
            "moves": (list, type(None)),
            "distance": {
                "dim": int,
                "of": int,
                "relative": float,
                "rounding": float,
                "is_exact": bool,
                "by_generator": [float],
                "error_if_projected": float,
                "off": [{"unit": int, "source": (int, type(None)), "deviation": float}],
            },
            "census": type(None),
        }
    ],
    "layers_unread": type(None),
    "sentences": [str],
    "notes": [str],
    "snapped": type(None),
}


def _conforms(value: Any, schema: Any) -> bool:
    if isinstance(schema, dict):
        return isinstance(value, dict) and value.keys() == schema.keys() and all(
            _conforms(value[key], kind) for key, kind in schema.items()
        )  # fmt: skip
    if isinstance(schema, list):
        return isinstance(value, list) and all(_conforms(item, schema[0]) for item in value)
    return isinstance(value, schema)


@pytest.fixture
def net(call: Any, tmp_path: Path) -> Path:
    """A network with a wrong sign in its second layer, and rows as net.onnx and rows.npz in the test's folder."""
    made = shuffled(equivariant_net("D4", ("natural", "2*regular", "regular", "natural"), 1), 1)
    linears(made)[1].weight.data[3, 2] *= -1
    np.savez(tmp_path / "rows.npz", x=rows(4, 80, offset=300))
    return write_graph(tmp_path / "net.onnx", made, 300.0)


ARGUMENTS = ("audit", "net.onnx", "--group", "D4", "--data", "rows.npz")


def test_the_table_names_element_and_layer(call: Any, net: Path) -> None:
    ending = call(*ARGUMENTS)
    assert (ending.status, ending.err) == (0, "")
    assert "net.onnx: not equivariant under D4" in ending.out or "approximately" in ending.out
    assert "Layer 2 breaks it" in ending.out and "unit 3 from unit 2" in ending.out
    assert "(0 1 2 3), generator 1" in ending.out and "2 regular" in ending.out
    assert max(map(len, ending.out.splitlines())) <= 100


def test_json_has_the_documented_schema(call: Any, net: Path) -> None:
    ending = call(*ARGUMENTS, "--json")
    found = json.loads(ending.out)
    assert (ending.status, ending.err) == (0, "")
    assert _conforms(found, SCHEMA) and found["schema"] == "sharefind.audit/1"
    assert [layer["reading"] for layer in found["layers"]] == ["exact", "broken", None]
    assert sorted(map(abs, found["layers"][0]["moves"][0])) == list(range(1, 17))


def test_the_page_needs_no_network(call: Any, net: Path) -> None:
    assert call(*ARGUMENTS, "--report", "audit.html").status == 0
    page = Path("audit.html").read_text("utf-8")
    assert "Layer 2 breaks it" in page and "By layer" in page and "End to end" in page
    assert "http" not in page and "<script" not in page


def test_a_network_is_made_exact(call: Any, net: Path) -> None:
    ending = call(*ARGUMENTS, "--snap", "snapped.onnx", "--tune", "30")
    assert ending.status == 0 and "wrote snapped.onnx: every layer in its exact space" in ending.out
    again = call("audit", "snapped.onnx", *ARGUMENTS[2:], "--json")
    assert json.loads(again.out)["verdict"] == "exact"


def test_columns_of_a_table_are_chosen(call: Any, net: Path) -> None:
    lines = ["a,b,c,d,label", *(",".join(map(str, row)) + ",0" for row in rows(4, 20, offset=300))]
    Path("rows.csv").write_text("\n".join(lines))
    both = [call(*ARGUMENTS[:-1], "rows.csv", "--json", *more) for more in (("--inputs", "a..d"), ("--drop", "label"))]
    assert [ending.status for ending in both] == [0, 0] and both[0].out == both[1].out
    wrong = call(*ARGUMENTS[:-1], "rows.csv")
    assert wrong.status == 2 and "the data have 5 inputs and net.onnx takes 4" in wrong.err


MISTAKES = {
    "audit net.onnx --data rows.npz": "no group is given",
    "audit net.onnx --group D4": "give a file with --data",
    "audit net.onnx --group D4 --generators g.json --data rows.npz": "exclude each other",
    "audit net.onnx --generators g.json --in-rep natural --data rows.npz": "drop --in-rep",
    "audit net.onnx --group D5 --data rows.npz": "--in-rep natural of D5 acts on 5 inputs",
    "audit net.onnx --group D4 --out-rep trivial --data rows.npz": "--out-rep trivial of D4 acts on 1 output",
    "audit net.onnx --group D4 --data none.npz": "none.npz: no such file",
    "audit net.onnx --group D4 --data bad.npz": "x is nan at row 0",
    "audit none.onnx --group D4 --data rows.npz": "none.onnx cannot be read",
    "audit net.onnx --group D4 --data rows.npz --report page.txt": "end the name with .html",
    "audit net.onnx --group D4 --data rows.npz --snap out.txt": "end the name with .onnx",
    "audit net.onnx --group D4 --data rows.npz --tune 3": "drop --tune",
    "audit net.onnx --map m.csv --data rows.npz": "the network has no names",
}


def test_mistakes_are_one_line_with_status_2(call: Any, net: Path) -> None:
    np.savez("bad.npz", x=np.full((3, 4), np.nan))
    for arguments, words in MISTAKES.items():
        ending = call(*arguments.split())
        assert ending.status == 2, arguments
        assert words in ending.err and ending.err.count("\n") == 1, (arguments, ending.err)
