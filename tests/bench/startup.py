"""What the command line costs before it works, beside importing what it is made of, each in a fresh process.

`import typer, rich` alone loads little of either: both load their parts when first used. The rows therefore say two
things, the ratio to that import, and the ratio to a typer program with two commands that does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

from tests.bench.measure import Rows, Target, in_turn, ratio_row, spread, unit_time

TOPIC = "start-up"
NEAR = Target("at most", 1.5)
HELP = Target("at most", 1.1)
"""What `--help` may take of a plain program."""

OURS = "import sys; from sharefind.cli import main; sys.exit(main(sys.argv[1:]))"
PLAIN = """
import typer
app = typer.Typer(add_completion=False)
@app.command()
def one(name: str = "", json: bool = False):
    "Does nothing."
@app.command()
def two(name: str = "", json: bool = False):
    "Does nothing."
app()
"""
LOADED = (
    "import sys; from sharefind.cli import main; main(sys.argv[1:]); print('torch' in sys.modules, file=sys.stderr)"
)


def rows(quick: bool) -> Rows:
    """`--help` and `groups C4`; modules are compiled beforehand, as they are once installed."""
    repeats = 5 if quick else 21
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": folder, "OMP_NUM_THREADS": "1"}
        start = partial(_start, environment)
        ours_help, ours_groups, bare, with_sympy, plain, plain_sympy = in_turn(
            (
                partial(start, OURS, "--help"),
                partial(start, OURS, "groups", "C4"),
                partial(start, "import typer, rich"),
                partial(start, "import typer, rich, sympy"),
                partial(start, PLAIN, "--help"),
                partial(start, f"import sympy{PLAIN}", "one", "--name", "C4"),
            ),
            repeats,
        )
        for case, mine, base, program, goal in (
            ("sharefind --help", ours_help, bare, plain, HELP),
            ("sharefind groups C4", ours_groups, with_sympy, plain_sympy, NEAR),
        ):
            sympy = "" if base is bare else ", sympy"
            note = f"{_median(mine)}; the import {_median(base)}"
            yield ratio_row(TOPIC, case, f"ours / import typer, rich{sympy}", mine, base, NEAR, note)
            note = f"{_median(mine)}; the program {_median(program)}"
            yield ratio_row(TOPIC, case, f"ours / plain typer program{sympy}", mine, program, goal, note)
        for arguments in (("--help",), ("groups", "C4")):
            if _start(environment, LOADED, *arguments).strip() != "False":
                raise AssertionError(f"sharefind {' '.join(arguments)} loads torch")


def _start(environment: dict[str, str], code: str, *arguments: str) -> str:
    """Run a program; what it says on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr


def _median(values: list[float]) -> str:
    return unit_time(spread(values)[0])
