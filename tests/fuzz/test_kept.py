"""Inputs that once broke a promise: a traceback, a hang, gigabytes, a message of several lines or far too long.

They lie in `kept/`, or stand here where they are short. docs/security.md says what each of them did.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sharefind.cli import main
from sharefind.errors import RunFolderError
from sharefind.search import SearchLattice
from tests.fuzz.guard import memory_limit
from tests.fuzz.loop import KEPT
from tests.fuzz.seeds import run_folder
from tests.fuzz.targets import Target, every_target, run_of_bundle

REFUSALS = {
    "config-name-of-many-letters": r"there is no setting 'in_+",
    "config-value-of-many-letters": "max_nodes: Input should be a valid integer",
    "csv-cell-of-5000-letters": r"'9+\.\.\. on line 2, column 'x0', is not a number",
    "csv-column-of-5000-letters": r"unknown column '9+\.\.\.;",
    "generators-no-rank-in-a-large-field": '"in" of generator 0 is not orthogonal',
    "group-name-of-two-lines": "has 17 factors; at most 16 are allowed",
    "npz-header-without-an-end": "the header of x cannot be read",
    "npz-name-of-two-lines": "no array 'y'",
    "npz-shape-of-a-truth-value": "y cannot be read",
    "npz-names-of-5000-letters": "no array 'x'",
    "number-of-2000-digits-in-the-message": "is not an exact number: unexpected",
    "number-radicand-of-many-digits": "a number under a root has more than 900 bits",
    "parquet-column-of-5000-letters": r"unknown column '9+\.\.\.;",
    "particles-complex": "is no array of particles",
    "particles-dtype-of-two-lines": "invalid JSON in header",
    "particles-of-many-axes": "is no array of particles",
    "representation-exact-product": "steps of exact arithmetic, above the limit",
    "representation-sum-of-patches": "dimension 982080, above the limit of 100000 on dim Z; raise it with --max",
    "run-decision-that-is-none": "decision Input should be 'stay' or 'grow'",
    "run-lattice-that-is-a-list": "lattice.json is not a search lattice",
    "spec-label-of-5000-digits": r"tying label '9+\.\.\. is not an integer",
    "spec-many-blocks": r"blocks \(.*\.\.\. are not those of the unit",
    "spec-unit-of-many-letters": "cannot be used; write 1 to 500 printable characters",
    "unit-of-5000-letters": r"unit '9+\.\.\. is unknown",
    "verify-change-too-large": "the change of data is singular, not finite or above",
    "verify-rows-too-large": "the rows hold numbers above",
    "weights-coefficient-of-many-axes": "coefficient has 202 axes, not 2",
    "weights-power-of-a-sine": "a power has more than 3000 bits",
}
"""What is said about each input now."""

SHOWN = {
    "inspect-chain-without-a-node": "chain.0.node Field required",
    "inspect-generator-no-permutation": r"generators.0 is no permutation of 0..1",
    "inspect-generator-of-texts": "generators.0.1 Input should be a valid integer",
    "inspect-group-that-is-no-object": "group Input should be a valid dictionary",
    "inspect-nan-in-the-result": r"is not JSON \(NaN is not a JSON number\)",
    "inspect-no-blocks": "parameter_space.blocks Field required",
    "inspect-rule-that-is-no-text": "edges.0.rule Input should be a valid string",
    "inspect-undecided-that-is-no-list": "undecided Input should be a valid list",
}
"""The same for run folders given to `inspect`."""

REDONE = {
    "resume-candidate-that-is-no-number": "cannot be used: proposals.0.candidate: Input should be a valid integer;",
    "resume-growth-from-nowhere": "{0} cannot be used: a growth is not from it to a larger space;",
    "resume-growth-of-a-text": "cannot be used: proposals.0.explained: Input should be a valid number;",
    "resume-key-that-is-a-truth-value": "cannot be used: proposals.0.key: Input should be a valid string;",
    "resume-label-that-is-no-text": "cannot be used: proposals.0.label: Input should be a valid string;",
    "resume-left-and-nothing-proposed": "{0} cannot be used: it is left, and nothing is proposed;",
    "resume-nan-in-a-test": "tests.jsonl: line 2 is damaged (NaN is not a JSON number);",
}
"""What is told of finished work that cannot be used, and is done again."""

ACCEPTED = ("groups-command-many-subgroups", "export-candidate-of-another-lattice")
"""Inputs that took long, and are quick now; and those about which the command line decides, and says so."""


def _target(name: str) -> Target:
    targets = every_target()
    return targets[max((known for known in targets if name.startswith(f"{known}-")), key=len)]


def _kept() -> list[str]:
    """Names of all inputs but those of which another test says more."""
    return sorted(path.name for path in KEPT.iterdir() if path.name not in REDONE)


def _marks(name: str) -> list[pytest.MarkDecorator]:
    """One group with many subgroups is enough for the quick tests."""
    return [pytest.mark.slow] * (name == "groups-command-many-subgroups")


@pytest.mark.usefixtures("as_options")
@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in _kept()])
def test_a_kept_input_breaks_nothing(name: str, tmp_path: Path) -> None:
    with memory_limit():
        outcome = _target(name).examine((KEPT / name).read_bytes(), tmp_path)
    assert outcome.finding is None, outcome.finding
    if name in REFUSALS:
        assert re.search(REFUSALS[name], outcome.refusal or ""), outcome.refusal
    else:
        assert name in (*SHOWN, *ACCEPTED) and outcome.refusal is None


@pytest.mark.parametrize("name", SHOWN)
def test_a_kept_run_folder_is_refused(name: str, tmp_path: Path) -> None:
    outcome = every_target()["run"].examine((KEPT / name).read_bytes(), tmp_path)
    assert re.search(SHOWN[name], outcome.refusal or ""), outcome.refusal


@pytest.mark.parametrize("name", REDONE)
def test_work_that_cannot_be_true_is_told_and_done_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of_bundle((KEPT / name).read_bytes(), tmp_path)
    with memory_limit():
        assert main(["discover", "--resume", str(run), "--quiet"]) == 0
    ending = capsys.readouterr()
    assert f"{REDONE[name]} that work is done again" in ending.err and "is not rejected" in ending.out


def test_a_lattice_of_another_search_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of_bundle((KEPT / "export-candidate-of-another-lattice").read_bytes(), tmp_path)
    assert main(["export", str(run), "--format", "json", "--out", str(tmp_path / "spec.json")]) == 2
    assert "lattice.json belongs to another search" in capsys.readouterr().err


def _matrix(rows: list[list[str]]) -> bytes:
    return json.dumps({"name": "g", "generators": [{"in": rows, "out": [["1"]]}]}).encode()


def _generators(entry: str) -> bytes:
    return _matrix([[entry]])


def _two_rotations(angle: str) -> bytes:
    """By one angle about two axes: most often an infinite group, whose entries grow slowly."""
    c, s = f"cos({angle})", f"sin({angle})"
    z = [[c, f"-{s}", "0"], [s, c, "0"], ["0", "0", "1"]]
    x = [["1", "0", "0"], ["0", c, f"-{s}"], ["0", s, c]]
    return json.dumps({"name": "g", "generators": [{"in": rows, "out": [["1"]]} for rows in (z, x)]}).encode()


TOWER = "(" * 5 + "9" + "**64)" * 5
FACTORS = "*".join(["(sqrt(2)+sin(pi/97))"] * 300)

INVERSE = [["20", "cos(pi/47)"], ["18**23", "cos(pi/47)**-3"]]
LARGE = [["9" * 999, "cos(pi/4)"], ["cos(2*pi/7)*2", "2/3"]]

LITERALS = {
    "tower of powers": ("generators", _generators(TOWER), "a power has more than 3000 bits"),
    "inverse": ("generators", _generators("1/(3-sin(pi/197))"), "a number field of degree 196"),
    "rank with an inverse": ("generators", _matrix(INVERSE), "is not orthogonal"),
    "rank of large numbers": ("generators", _matrix(LARGE), "is not orthogonal"),
    "inverse, as a number": ("number", b"1/(3-sin(pi/197))", "a number field of degree 196"),
    "power of a cosine": ("generators", _generators("cos(pi/97)**64"), "is not orthogonal"),
    "long product": ("generators", _generators(FACTORS), "a number field of degree 192"),
    "two rotations": ("generators", _two_rotations("pi/97"), "products in a number field of degree 96"),
    "two rotations, by sevenths": ("generators", _two_rotations("2*pi/7"), "products in a number field of degree 6"),
    "deep array": ("config", b"a = " + b"[" * 5000, "nested too deep"),
    "integer of 5000 digits": ("config", b"seed = " + b"9" * 5000, "is not TOML"),
}


@pytest.mark.parametrize("case", LITERALS)
def test_a_short_kept_input_is_refused(case: str, tmp_path: Path) -> None:
    name, data, message = LITERALS[case]
    with memory_limit():
        outcome = every_target()[name].examine(data, tmp_path)
    assert outcome.finding is None, outcome.finding
    assert re.search(message, outcome.refusal or ""), outcome.refusal


@pytest.mark.parametrize("name", ["S3xS3xV4", pytest.param("V4xV4xV4", marks=pytest.mark.slow), "C2xC2xC2xC2xC2xC2xC2"])
def test_listing_subgroups_is_quick(name: str, tmp_path: Path) -> None:
    assert every_target()["groups-command"].examine(name.encode(), tmp_path).finding is None


def test_growths_in_a_circle_are_refused() -> None:
    record = json.loads(json.loads(run_folder())["lattice.json"])
    back = {**record["edges"][0], "source": record["edges"][0]["target"], "target": record["edges"][0]["source"]}
    with pytest.raises(RunFolderError, match="its growths go in a circle"):
        SearchLattice.from_json({**record, "edges": [*record["edges"], back]})
    lost = {**record["edges"][0], "target": "nowhere"}
    with pytest.raises(RunFolderError, match="a node that is not there"):
        SearchLattice.from_json({**record, "edges": [*record["edges"], lost]})
    with pytest.raises(RunFolderError, match="given twice"):
        SearchLattice.from_json({**record, "nodes": [*record["nodes"], record["nodes"][0]]})


@pytest.mark.parametrize("where", ["stopped", "reason", "label"])
def test_a_run_folder_cannot_steer_the_terminal(where: str, tmp_path: Path) -> None:
    """Control characters in its texts are refused, and so is a command where the name of an option belongs."""
    files = json.loads(run_folder())
    result, lattice = json.loads(files["result.json"]), json.loads(files["lattice.json"])
    if where == "stopped":
        result["stopped"] = "--max-nodes;reboot 3"
    elif where == "reason":
        result["chain"][0]["reason"] = "\x1b[2J"
    else:
        lattice["nodes"][0]["label"] = "\x1b[2J"
    bundle = {**files, "result.json": json.dumps(result), "lattice.json": json.dumps(lattice)}
    outcome = every_target()["run"].examine(json.dumps(bundle).encode(), tmp_path)
    assert outcome.finding is None and outcome.refusal is not None
    assert "stopped begins with no option" in outcome.refusal or "cannot be printed" in outcome.refusal


def test_a_message_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"\x1b[31mred": 1}))
    assert main(["verify", str(path)]) == 2
    assert main(["verify", str(tmp_path / "\x1b[31mred.json")]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_a_result_of_another_run_is_refused(tmp_path: Path) -> None:
    files = json.loads(run_folder())
    result = json.loads(files["result.json"])
    result["chain"][0]["node"] = 77
    bundle = {**files, "result.json": json.dumps(result)}
    outcome = every_target()["run"].examine(json.dumps(bundle).encode(), tmp_path)
    assert "belong to different runs" in (outcome.refusal or "")
