"""`sharefind discover`: the result on stdout, progress on stderr, settings from files, and going on with a run."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

MOVES = {"on_inputs": [[int]], "on_outputs": [[int]]}

SCHEMA = {
    "schema": str,
    "run": str,
    "seed": int,
    "inputs": [str],
    "outputs": [str],
    "classes": [str],
    "group": {"name": str, "order": int, "generators": [[int]], "moves": MOVES},
    "parameter_space": {"dim": int, "blocks": [{"name": str, "shape": [int]}]},
    "chain": [
        {
            "node": int,
            "dim": int,
            "dist2": float,
            "rmd2": float,
            "delta": float,
            "p_value": float,
            "p_adjusted": float,
            "decision": str,
            "rule": str,
            "reason": str,
        }
    ],
    "e_star": {
        "dim": int,
        "exact": bool,
        "basis": [[[[str]]]],
        "tying": [[[int]]],
        "candidate": str,
        "stabiliser": {"name": str, "order": int, "generators": [[int]], "moves": MOVES},
    },
    "status": str,
    "stopped": type(None),
    "subgroups_undecided": type(None),
    "warnings": [str],
    "accepted": [str],
    "rejected": [str],
    "unit": str,
    "undecided": [str],
    "maximal": [str],
    "independence_p_value": float,
    "symmetries": [
        {
            "group": str,
            "order": int,
            "verdict": str,
            "p_value": float,
            "p_adjusted": float,
            "statistic": str,
            "z": float,
            "copies": int,
            "exceeding": int,
            "p_interval": [float],
            "settled": bool,
            "inputs": type(None),
            "relation": type(None),
            "price": type(None),
        }
    ],
    "symmetry": str,
    "decided_by": str,
    "likeliest": (type(None), {"name": str, "share": float, "shares": {}, "rows": int}),
    "diagnosis": {},
    "maps": [{}],
    "mirror": type(None),
    "blind": type(None),
    "subgroups": type(None),
    "yardstick": {"rows": int, "least_squares": float, "tied": float, "free": float, "warnings": [str]},
    "yardstick_missing": type(None),
    "lattice": {"nodes": int, "edges": int, "file": str},
    "wall_s": float,
    "versions": {},
}


def _conforms(value: object, schema: object) -> bool:
    """Whether a JSON value has exactly these keys and these types, all the way down; of a tuple, any of them."""
    if isinstance(schema, tuple):
        return any(_conforms(value, part) for part in schema)
    if isinstance(schema, dict):
        same_keys = isinstance(value, dict) and (not schema or value.keys() == schema.keys())
        return same_keys and all(_conforms(value[key], part) for key, part in schema.items())
    if isinstance(schema, list):
        return isinstance(value, list) and all(_conforms(item, schema[0]) for item in value)
    return type(value) is schema


def _timeless(path: Path) -> bytes:
    """The bytes of a result without what may differ between two runs of one configuration."""
    lines = path.read_bytes().splitlines(keepends=True)
    inside = next(i for i, line in enumerate(lines) if line.startswith(b' "versions"'))
    return b"".join(line for line in lines[:inside] if not line.startswith(b' "wall_s"'))


def test_json_is_the_result_of_the_contract(finished: Path) -> None:
    result = json.loads((finished / "result.json").read_text())
    assert _conforms(result, SCHEMA)
    assert result["schema"] == "sharefind.result/1"
    assert [row["decision"] for row in result["chain"]] == ["grow", "stay"]
    assert result["e_star"]["candidate"] == "E^C2"
    assert result["e_star"]["tying"] == [[[1, 2], [2, 1]]]
    assert result["accepted"] == ["C2"]


def test_json_prints_one_object_and_nothing_else(discover) -> None:
    ending = discover("--group", "C2", "--out", "run", "--json")
    assert ending.status == 0
    assert ending.err == ""
    assert json.loads(ending.out) == json.loads(Path("run/result.json").read_text())


def test_text_says_what_was_found_in_100_columns(discover) -> None:
    ending = discover("--group", "C2", "--out", "run")
    assert "E_* = E^C2, dimension 2 of 4" in ending.out
    assert "sharefind export run --format torch" in ending.out
    assert "(0 1)" in ending.out
    assert max(map(len, ending.out.splitlines())) <= 100
    assert "\x1b" not in ending.out + ending.err


def test_progress_goes_to_stderr_a_line_a_node(discover) -> None:
    lines = discover("--group", "C2", "--out", "run").err.splitlines()
    assert lines[0].startswith("c2-wi (fresh samples), candidate C2")
    assert lines[1].startswith("time  about ") and lines[1].endswith(": 1 exact test, then 2 to 3 trained spaces")
    shown = [line for line in lines[2:] if not line.startswith("test of ")]  # there is one every ten seconds
    assert [line.split(":")[0] for line in shown] == ["node 0 {0}", "node 1 E^C2"]


def test_quiet_leaves_stderr_empty(discover) -> None:
    ending = discover("--group", "C2", "--quiet")
    assert ending.err == ""
    assert "E_* = E^C2" in ending.out


def test_runs_are_numbered_when_no_folder_is_given(discover) -> None:
    for _ in range(2):
        discover("--group", "C2", "--quiet")
    assert {path.name for path in Path("runs").iterdir()} == {"c2-wi_C2_seed0", "c2-wi_C2_seed0_2"}


def test_options_override_the_configuration_file(call) -> None:
    Path("c.toml").write_text(
        'group = "S3"\ntask = "c2-wi"\ncopies = 19\nalpha = 0.2\nparticles = 20\nhorizon = 1\nseed = 5\n'
    )
    ending = call("discover", "--config", "c.toml", "--group", "C2", "--seed", "7", "--out", "run", "--json")
    assert ending.status == 0
    kept = tomllib.loads(Path("run/config.toml").read_text())
    assert (kept["group"], kept["seed"], kept["alpha"], kept["particles"]) == ("C2", 7, 0.2, 20)


def test_an_option_drops_what_it_excludes_in_the_file(call) -> None:
    Path("c.toml").write_text('group = "C4"\ncopies = 39\nparticles = 20\nhorizon = 1\n')
    Path("swap.json").write_text(
        json.dumps({"name": "swap", "generators": [{"in": [[0, 1], [1, 0]], "out": [[0, 1], [1, 0]]}]})
    )
    ending = call("discover", "--config", "c.toml", "--generators", "swap.json", "--alpha", "0.03", "--json")
    assert ending.status == 0
    result = json.loads(ending.out)
    assert (result["group"]["name"], result["group"]["order"]) == ("swap", 2)
    assert result["e_star"]["tying"] == [[[1, 2], [2, 1]]]


def test_a_run_on_a_file_goes_on_from_another_folder(
    discover, call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).standard_normal((200, 2))
    np.savez("data.npz", x=x, y=np.tanh(x))
    first = discover("--group", "C2", "--data", "data.npz", "--out", "run", "--json")
    assert first.status == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    again = call("discover", "--resume", "../run", "--json")
    assert again.status == 0
    assert json.loads(again.out)["e_star"] == json.loads(first.out)["e_star"]


def test_blind_search_names_no_group(discover) -> None:
    ending = discover("--blind", "--stop", "fixed", "--delta", "100", "--replicates", "2", "--json")
    assert ending.status == 0
    result = json.loads(ending.out)
    assert result["group"]["order"] == 1
    assert (result["accepted"], result["rejected"]) == ([], [])


@pytest.mark.parametrize("lines_kept", [0, 1, 2])
def test_a_killed_run_resumes_to_the_same_result(call, run: Path, lines_kept: int) -> None:
    """SIGKILL leaves the finished nodes in evidence.jsonl and nothing that is written at the end."""
    whole = _timeless(run / "result.json")
    for name in ("result.json", "lattice.json", "lattice.graphml"):
        (run / name).unlink()
    lines = (run / "evidence.jsonl").read_text().splitlines(keepends=True)
    (run / "evidence.jsonl").write_text("".join(lines[:lines_kept]))
    shutil.rmtree(run / "particles")
    (run / "particles").mkdir()
    assert call("discover", "--resume", run, "--json").status == 0
    assert _timeless(run / "result.json") == whole.replace(_run_line(whole), _run_line_of(run))


def _run_line(result: bytes) -> bytes:
    return result.splitlines()[2]


def _run_line_of(run: Path) -> bytes:
    return f' "run": {json.dumps(str(run))},'.encode()
