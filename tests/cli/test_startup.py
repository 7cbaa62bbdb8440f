"""What the command line is before any command works: help, version, and how little it loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from sharefind import __version__
from sharefind.cli.app import application
from sharefind.limits import SETTINGS

HEAVY = ("torch", "sklearn", "matplotlib", "ot", "joblib", "pandas", "sharefind.search", "sharefind.datasets")
STARTS = (("--help",), ("discover", "--help"), ("export", "--help"), ("groups",), ("groups", "C4"))
PROBE = (
    "import sys; from sharefind.cli import main\n"
    f"for call in {STARTS!r}:\n"
    "    status = main(call)\n"
    f"    print(*call, status, [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
)

UNUSED = ("numba", "sklearn", "ot", "pandas", "matplotlib", "igraph", "joblib", "onnx", "pyarrow")
UNUSED += ("scipy.stats", "scipy.cluster")
UNUSED += (
    "sharefind.proposal.propose",
    "sharefind.recognition.recognise",
    "sharefind.inference.relation.relation_test",
)
"""What a search of a small candidate on fresh samples, decided by the law, has no use for."""
SEARCH = ("discover", "--group", "C2", "--quiet")


@pytest.mark.slow
@pytest.mark.ci
def test_a_search_loads_only_what_it_uses(environment: dict[str, str], tmp_path: Path) -> None:
    probe = f"""
import sys
from sharefind.cli import main
status = main({SEARCH!r})
print(status, [m for m in {UNUSED!r} if m in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "0 []"
    assert "E_* = E^C2" in done.stdout


def test_what_needs_no_training_loads_no_training_library(environment: dict[str, str], tmp_path: Path) -> None:
    """One process for all of them, as a process takes longer to start than they take."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines() == [f"{' '.join(call)} 0 []" for call in STARTS]
    assert done.stdout.count("Usage: ") == 3 and "C4" in done.stdout


def test_version(call) -> None:
    assert call("--version").out == f"sharefind {__version__}\n"


def test_no_command_shows_the_help_and_is_wrong_usage(call) -> None:
    ending = call()
    assert ending.status == 2
    assert "discover" in ending.out
    assert ending.err == "error: no command given; sharefind --help lists them\n"


def test_options_of_discover_are_those_of_the_contract() -> None:
    contract = [
        "group",
        "generators",
        "map",
        "blind",
        "task",
        "data",
        "in-rep",
        "out-rep",
        "hidden-rep",
        "unit",
        "scheme",
        "growth",
        "stop",
        "delta",
        "alpha",
        "particles",
        "horizon",
        "replicates",
        "seed",
        "preset",
        "out",
        "resume",
        "jobs",
        "config",
        "json",
        "quiet",
        "debug",
    ]
    (discover,) = [c.callback for c in application().registered_commands if c.callback.__name__ == "discover"]
    options = {name.replace("_", "-") for name in discover.__annotations__} - {"context", "return"}
    limits = {name.replace("_", "-") for name in SETTINGS}
    others = {"tolerance", "copies", "training-copies", "statistic", "executor", "address", "max-nodes", "max-seconds"}
    others |= {"file", "rows-of", "block-length"}
    others |= {"inputs", "outputs", "drop", "categorical", "classes", "numbers", "delimiter", "decimal"}
    others |= {"symmetry", "signs", "layers", "price"}
    others |= {"axes", "shape", "out-axes", "out-shape", "relative-to-mean"}
    assert options == {*contract, *limits, *others}
