"""Wrong usage and bad input: status 2, one line that says what, where and what to do, no traceback, no folder."""

import json
from pathlib import Path

import numpy as np
import pytest

from sharefind.errors import NotConvergedError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with one file for every mistake."""
    x = np.random.default_rng(0).standard_normal((50, 4))
    spoilt = x.copy()
    spoilt[3, 1] = np.nan
    arrays = {
        "good": {"x": x, "y": x},
        "nan": {"x": spoilt, "y": x},
        "nokey": {"x": x},
        "narrow": {"x": x[:, :3], "y": x},
        "few": {"x": x[:3], "y": x[:3]},
        "wide": {"x": np.tile(x, 2)[:, :6], "y": np.tile(x, 2)[:, :6]},
        "short": {"x": x, "y": x[:7]},
    }
    for name, content in arrays.items():
        np.savez(tmp_path / f"{name}.npz", **content)
    texts = {
        "empty.npz": "",
        "empty.csv": "",
        "unknown.toml": 'group = "C2"\ngrwoth = "mean"\n',
        "range.toml": 'group = "C2"\nalpha = 3\n',
        "broken.toml": "group = C2\n",
        "skew.json": _generators([[1, 1], [0, -1]], [[0, 1], [1, 0]]),
        "nohom.json": _generators([[0, 1], [1, 0]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        "keyless.json": json.dumps({"generators": []}),
        "occupied/notes.txt": "mine",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _generators(on_inputs: list[list[int]], on_outputs: list[list[int]]) -> str:
    return json.dumps({"name": "g", "generators": [{"in": on_inputs, "out": on_outputs}]})


DISCOVER = {
    "": "no candidate symmetry was given",
    "--group Q4": "no group named 'Q4' (did you mean",
    "--group C2 --data good.npz": "x has width 4 but natural of C2 has dimension 2; use --group C4, or choose --in-rep",
    "--group C4 --data narrow.npz": "x has width 3 but natural of C4 has dimension 4; use --group C3, or choose",
    "--group C4 --data nan.npz": "x is nan at row 3, column 1",
    "--group C4 --data nokey.npz": "no array 'y'",
    "--group C4 --data short.npz": "give one row of y for each row of x",
    "--group C4 --data empty.npz": "the file is empty",
    "--group C4 --data empty.csv": "the file is empty",
    "--group C4 --data few.npz": "3 samples cannot be split",
    "--group C4 --data missing.npz": "no such file",
    "--group C4 --data missing": "no data set or file 'missing'",
    "--generators skew.json": "generator 0 is not orthogonal",
    "--generators nohom.json": "not a homomorphism",
    "--generators keyless.json": 'the key "name" is missing',
    "--generators missing.json": "cannot be read",
    "--generators nohom.json --in-rep natural": "drop --in-rep and --out-rep",
    "--group C2 --out occupied": "occupied exists and is not an empty folder; choose another --out",
    "--group C2 --unit perceptron": "unit 'perceptron' is unknown; use",
    "--group C2 --in-rep natural+": "'natural+' is not a representation",
    "--group C2 --in-rep 2*natural": "choose --in-rep so that they agree",
    "--group C2 --hidden-rep natural": "unit 'matrix:logistic' has no hidden space for --hidden-rep natural; drop",
    "--group C2 --unit two-layer --hidden-rep natural+": "'natural+' is not a representation",
    "--group C2 --unit two-layer --hidden-rep sign": "use --unit two-layer:tanh or --hidden-rep trivial",
    "--group C2 --unit two-layer:relu": "activation 'relu' is unknown; use one of logistic, tanh",
    "--group S6 --data wide.npz --in-rep 6*trivial --unit two-layer": "--hidden-rep is needed: neither of",
    "--group C2 --task chess": "no task 'chess'; use one of",
    "--config unknown.toml": "--config unknown.toml: there is no setting 'grwoth'; did you mean growth?",
    "--config range.toml": "--config range.toml: alpha:",
    "--config broken.toml": "--config broken.toml is not TOML",
    "--config missing.toml": "--config missing.toml cannot be read",
    "--resume missing": "missing holds no run",
    "--resume occupied": "occupied holds no run",
    "--resume occupied --seed 3": "drop --seed",
    "--group C2 --particles -3": "--particles: Input should be greater than or equal to 1 (given -3)",
    "--group C2 --particles many": "invalid value for '--particles'",
    "--group C2 --particles": "option '--particles' requires an argument",
    "--group C2 --alpha 2": "--alpha: Input should be less than 1 (given 2.0)",
    "--group C2 --horizon -1": "--horizon: Input should be greater than 0",
    "--group C2 --horizon nan": "--horizon: Input should be a finite number",
    "--group C2 --alpha 1e-7": "--alpha 1e-07 needs 2e+07 copies, above 1000000; give a larger --alpha",
    "--group C2 --jobs 1000000": "invalid value for '--jobs'",
    "--group C2 --horizon 1e300": "--horizon: Input should be less than or equal to 1000000",
    "--group C2 --horizon inf": "--horizon: Input should be a finite number",
    "--blind --growth mean": "give --delta",
    "--blind --in-rep natural": "drop --in-rep",
    "--blind --scheme fa": "drop --scheme",
    "--group C2 --replicates 1": "--replicates:",
    "--group C2 --copies 0": "--copies:",
    "--group C2 --seed -1": "--seed:",
    "--group C2 --jobs 0": "'--jobs'",
    "--group C2 --tolerance -0.1": "--tolerance:",
    "--group C2 --delta -1": "--delta:",
    "--group C2 --growth upwards": "--growth: Input should be 'mean', 'escape' or 'invariant'",
    "--group C2 --stop never": "--stop:",
    "--group C2 --scheme none": "--scheme:",
    "--group C2 --preset slow": "--preset:",
    "--group C2 --blind": "exclude each other",
    "--group C2 --task c2-wi --data good.npz": "exclude each other",
    "--group C2 good.npz --data good.npz": "the data are given twice, as good.npz and by --data good.npz",
    "--group C2 good.npz extra": "unexpected extra argument",
    "--gruop C2": "no such option",
}


@pytest.mark.parametrize(("arguments", "expected"), DISCOVER.items())
def test_discover_refuses_with_one_line_and_leaves_nothing(call, files: Path, arguments: str, expected: str) -> None:
    before = sorted(files.rglob("*"))
    ending = call("discover", *arguments.split())
    assert ending.status == 2
    assert ending.out == ""
    assert ending.err.startswith("error: ")
    assert ending.err.count("\n") == 1
    assert expected in ending.err
    assert sorted(files.rglob("*")) == before


OTHERS = {
    "inspect": "missing argument 'RUN'",
    "inspect missing": "missing holds no run",
    "inspect run --node 99": "has no node '99'; its visited nodes are 0 ({0}), 1 (E^C2)",
    "inspect run --plot run.jpg": "end the name with .png or .svg",
    "inspect run --plot missing/run.png": "the folder missing does not exist",
    "export run --format json": "missing option '--out'",
    "export run --format pickle --out spec": "there is no such format; use json, torch, safetensors, onnx, emlp, escnn",
    "export run --format json --out run": "run exists; choose another --out",
    "export run --format json --out missing/spec": "the folder missing does not exist",
    "export missing --format json --out spec": "missing holds no run",
    "verify missing.json": "missing.json cannot be read",
    "verify run/config.toml": "not a sharefind.spec/1 specification",
    "train run --out w.safetensors --width 1000000000000": "invalid value for '--width'",
    "groups Q8": "no group named 'Q8'",
    "groups C99999": "out of range",
    "frobnicate": "no such command 'frobnicate'",
    "discovr": "did you mean 'discover'?",
}


@pytest.mark.parametrize(("arguments", "expected"), OTHERS.items())
def test_other_commands_refuse_with_one_line(call, run: Path, arguments: str, expected: str) -> None:
    ending = call(*arguments.split())
    assert ending.status == 2
    assert ending.out == ""
    assert ending.err.startswith("error: ")
    assert ending.err.count("\n") == 1
    assert expected.lower() in ending.err.lower()


def test_damaged_result_is_bad_input(call, run: Path) -> None:
    (run / "result.json").write_text('{"schema": ')
    ending = call("inspect", run)
    assert ending.status == 2
    assert ending.err.startswith("error: ")
    assert "is not JSON" in ending.err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotConvergedError("no space held; raise alpha"), "error: no space held; raise alpha\n"),
        (ZeroDivisionError("one\nover zero"), "error: ZeroDivisionError: one over zero; run again with --debug"),
    ],
)
def test_a_failure_is_status_1_and_one_line(
    discover, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sharefind.search.run_search", fail)
    ending = discover("--group", "C2", "--quiet")
    assert ending.status == 1
    assert ending.err.startswith(line)
    assert ending.err.count("\n") == 1
    debugged = discover("--group", "C2", "--quiet", "--debug")
    assert debugged.status == 1
    assert "Traceback (most recent call last)" in debugged.err
