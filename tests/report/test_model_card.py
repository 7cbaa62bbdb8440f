"""Model cards: a header that YAML readers take, every claim of the run with its evidence, and names that stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.architectures.deep.layer_price import LayerPrice, PricedTies
from sharefind.architectures.deep.proof import DeepCertificate
from sharefind.architectures.deep.record import FREE, Choice, Reference, TypesNode
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.type_escape import TypeEscape
from sharefind.groups import named_group, natural, parse_representation
from sharefind.report.card import markdown
from sharefind.report.card.card_path import card_path
from sharefind.report.card.deep_card import deep_card
from sharefind.report.text.runs import RunView

ODD = ("p|1 [Pa]", "a`b`", "<b>x</b>", "Δ_{ij}", "*star* #1", 'it\'s "so"', "back\\slash")


def _rows(*, is_class: bool = False, columns: int = 3) -> DeepRows:
    group = named_group(f"S{columns}" if columns == 3 else f"C{columns}")
    rng = np.random.default_rng(0)
    x = 300 + 3 * rng.standard_normal((20, columns))
    y = np.eye(2)[rng.integers(2, size=20)] if is_class else 5 + 2 * rng.standard_normal((20, 1))
    outputs = parse_representation("trivial:2" if is_class else "trivial", group)
    names = ODD[:columns] if columns == 3 else ()
    classes = ("yes | no", "`b`") if is_class else ()
    return DeepRows("rows", natural(group), outputs, x, y, names, (), classes, np.arange(20) // 4)


def _choice(*, is_class: bool = False) -> Choice:
    accuracies = (0.875, 0.75) if is_class else (None, None)
    node = TypesNode(0, "regular", 12, ("2*regular", "2*regular"), 66, 0.0123456, 0.002, accuracies[0], 1950, 3.21)
    other = TypesNode(1, "natural", 12, ("4*natural", "4*natural"), 44, 0.034, 0.003, accuracies[0], 900, 2.1)
    references = (
        Reference(FREE, 309, 0.0523456, 0.004, accuracies[1]),
        Reference("least squares", 4, 0.5, 0.05, accuracies[1]),
    )
    return Choice("S3", 6, 20, "tanh", (node, other), (), 0, references)


CERTIFICATE = DeepCertificate(
    "S3", 6, 6, "proven", "deep:tanh", (("2*regular", 14, 48), ("2*regular", 26, 156), ("trivial", 3, 13)), 1e-15, 1e-6
)

Make = Callable[..., RunView]


def _card(view: RunView, weights: str = "net.safetensors", name: str = "/home/me/data.csv", **kind: Any) -> str:
    return deep_card(view, name, _rows(**kind), _choice(**kind), CERTIFICATE, Path(weights)).to_markdown()


def _header(text: str) -> Any:
    yaml = pytest.importorskip("yaml")
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert match is not None
    return yaml.safe_load(match[1])


@pytest.mark.parametrize("is_class", [False, True])
def test_the_header_has_documented_keys(tested: Make, is_class: bool) -> None:
    header = _header(_card(tested(), is_class=is_class))
    assert set(header) == {"library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    kind = "tabular-classification" if is_class else "tabular-regression"
    assert (header["library_name"], header["pipeline_tag"]) == ("sharefind", kind)
    assert "S3" in header["tags"] and "equivariance" in header["tags"]
    (model,) = header["model-index"]
    (result,) = model["results"]
    assert result["task"] == {"type": kind} and result["dataset"] == {"type": "tabular", "name": "data.csv"}
    scores = {one["type"]: one["value"] for one in result["metrics"]}
    assert scores == ({"accuracy": 0.875, "log_loss": 0.0123456} if is_class else {"mse": 0.0123456})
    assert header["metrics"] == list(scores)


def test_every_part_is_there_with_its_figures(tested: Make) -> None:
    text = _card(tested())
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == ["Use", "Data", "Symmetry", "Hidden types", "Price and yardsticks", "Training", "Limits of use"]
    parts = dict(zip(titles, re.split(r"^## .*$", text, flags=re.MULTILINE)[1:], strict=True))
    assert "20 rows in 5 units that depend on each other, 3 columns of x, 1 columns of y" in parts["Data"]
    centre = _rows().scaling
    assert f"| {centre.centre[0]:.3g} | {centre.spread[0]:.3g} |" in parts["Data"]
    assert f"| y0 | {centre.shift[0]:.3g} | {centre.size:.3g} |" in parts["Data"]
    assert "Accepted: C3." in parts["Symmetry"] and "Rejected: S3, C2:" in parts["Symmetry"]
    assert "| S3 | 6 | 0.005 | 0.005 | 9 | rejected |" in parts["Symmetry"]
    assert "| C1 | 3 | - | 0.4 | - | accepted |" in parts["Symmetry"]
    assert "| 2 | hidden | 2\\*regular | 26 | 156 |" in parts["Hidden types"]
    assert "| 3 | outputs | trivial | 3 | 13 |" in parts["Hidden types"]
    assert "| least squares | 4 | 0.5 ± 0.05 |" in parts["Price and yardsticks"]
    assert "is below that of the free network of the same widths by 0.04, with 66 free" in parts["Price and yardsticks"]
    assert "1,950 steps" in parts["Training"] and "4\\*natural" in parts["Training"]
    assert "Not rejected is no proof" in parts["Limits of use"]


def test_prices_of_layers_and_how_it_was_trained(tested: Make) -> None:
    """A network by evidence with windows, whose types were looked at and whose layers were freed."""
    choice = _choice()
    best = replace(
        choice.nodes[0],
        evidence=12.5,
        window=3,
        escape=TypeEscape((0.3, 0.2), (0.02, 0.01), (1.0, 1.0), (1.0, 1.0), 0.1, 0.5),
    )
    tied = PricedTies("all tied", ("S3",) * 3, 66, 0.011, 0.001, None, 900, 0.0, 0.0, 0.0, "")
    freed = replace(
        tied, name="layer 1 free", parameters=90, risk=0.021, difference=0.01, low=0.004, high=0.016, verdict="ties pay"
    )
    price = LayerPrice(
        "layers", best.layers, (tied, freed), confidence=0.95, folds=4, units=20, trainer="evidence", seconds=9.0
    )
    full = replace(choice, nodes=(best, *choice.nodes[1:]), price=price)
    text = deep_card(tested(), "t", _rows(), full, CERTIFICATE, Path("n.onnx")).to_markdown()
    assert "| layer 1 free | 90 | 0.021 | +0.01 (+0.004 to +0.016) | ties pay |" in text
    assert "on 4 other folds, trained by evidence" in text and "interval of 95%" in text
    assert "by at most 0.02 of a layer's energy" in text and "these are rich enough" in text
    assert "Levenberg-Marquardt" in text and "AdamW" not in text and "windows of 3" in text
    many = deep_card(tested(), "t", _rows(), replace(choice, rows=5_000), CERTIFICATE, Path("n.onnx"))
    assert "one fold of five" in many.metrics[0].name and "AdamW" in many.to_markdown()


def test_a_relation_shows_its_verdicts(related: Make) -> None:
    text = _card(related())
    assert "Undecided: C2:" in text and "p, relation" in text and "0.82" in text
    assert "level by simulation" in text


def test_without_tests_a_card_says_so(make: Make) -> None:
    assert "No group was tested" in _card(make())


def test_no_path_and_no_name_leaves_its_place(tested: Make) -> None:
    """Markup of a renderer shows each name as it is, one cell each; folders do not get into a card."""
    text = _card(tested(), weights="/home/me/out/net.safetensors")
    assert "/home" not in text and "hand-made" not in text
    data = text[text.index("## Data") : text.index("## Symmetry")]
    rows = [re.split(r"(?<!\\)\|", line) for line in data.splitlines() if re.match(r"\| \d", line)]
    assert [len(row) for row in rows] == [6] * 4
    assert [re.sub(r"\\(.)", r"\1", row[2].strip()) for row in rows[:3]] == list(ODD[:3])
    assert "<b>" not in text


def test_many_columns_are_cut(tested: Make) -> None:
    text = deep_card(tested(), "t", _rows(columns=40), _choice(), CERTIFICATE, Path("n.onnx")).to_markdown()
    assert "The first 30 of 40 columns." in text and "| 29 | x29 |" in text and "| x30 |" not in text
    assert "onnxruntime.InferenceSession('n.onnx')" in text


@pytest.mark.parametrize("name", ODD)
def test_a_text_in_the_header_comes_back(name: str) -> None:
    yaml = pytest.importorskip("yaml")
    values = {"a": name, "b": [name, 1.5], "c": [{"d": {"e": name}, "f": []}, {"g": [name]}]}
    found = yaml.safe_load("\n".join(markdown.header(values)[1:-1]))
    assert found == {"a": name, "b": [name, 1.5], "c": [{"d": {"e": name}}, {"g": [name]}]}


def test_code_ends_where_it_should() -> None:
    assert markdown.code(["a = '```'"], "python") == ["````python", "a = '```'", "````"]


def test_a_card_lies_beside_its_weights(tested: Make, tmp_path: Path) -> None:
    card = deep_card(tested(), "t", _rows(), _choice(), CERTIFICATE, tmp_path / "net.onnx")
    assert card.write(tmp_path / "net.onnx") == tmp_path / "net.onnx.md" == card_path(tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx.md").read_text() == card.to_markdown()
