"""What sharefind never does with a file, read off its sources: nothing in them evaluates text or unpickles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("sharefind", "cli", "datasets") for path in (ROOT / folder).rglob("*.py"))

BUILT_IN = frozenset({"eval", "exec", "compile", "__import__"})
"""Called by these bare names; `model.eval()` and `re.compile()` are others."""

ANYWHERE = frozenset({"sympify", "parse_expr", "parse_latex", "lambdify", "read_pickle", "import_module", "run_path"})
"""Called by these names, whatever stands before them."""

CALLS = frozenset(
    {"torch.load", "torch.hub.load", "torch.jit.load", "joblib.load", "os.system", "os.popen", "sympy.S", "pandas.eval"}
)
"""Called by these full names."""

MODULES = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "subprocess", "yaml", "xmlrpc"})
"""Modules that are not even imported."""

NETWORK = frozenset({"urllib.request", "http.client", "requests", "ftplib", "smtplib", "telnetlib", "httpx", "aiohttp"})
"""Modules that would open a connection. A cluster that the user names is reached by dask or ray, not by these."""

ALLOWED = frozenset(
    {"sharefind/clusters.py", "sharefind/former_names.py", "sharefind/offered.py", "sharefind/parallel.py"}
)
"""Files that import modules of sharefind, dask or ray by names that stand in the source."""


def offences(source: str, name: str = "x.py") -> list[str]:
    """What a source does that none may, each with its line."""
    tree = ast.parse(source)
    names = _names(tree)
    found = [f"{node.lineno}: imports {module}" for node, module in _imports(tree) if _is_barred(module)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _called(node, names)
            if _runs_text(called) and not (called.endswith("import_module") and name in ALLOWED):
                found.append(f"{node.lineno}: calls {called}")
            found += _unsafe(node, called)
    return found


def _runs_text(called: str) -> bool:
    return called in BUILT_IN | CALLS or called.rpartition(".")[2] in ANYWHERE


def _is_barred(module: str) -> bool:
    return module.partition(".")[0] in MODULES or any(module == n or module.startswith(f"{n}.") for n in NETWORK)


def _imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def _names(tree: ast.AST) -> dict[str, str]:
    """What the names of a module stand for: {"np": "numpy", "load": "joblib.load"}."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _called(node: ast.Call, names: dict[str, str]) -> str:
    """The full name of what is called, as far as the source tells; "" for the result of another call."""
    parts: list[str] = []
    function: ast.expr = node.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return ""
    return ".".join([names.get(function.id, function.id), *reversed(parts)])


def _unsafe(node: ast.Call, called: str) -> Iterator[str]:
    """Calls that are allowed with the right arguments alone."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if called in ("numpy.load", "numpy.lib.format.read_array") and not _is(given.get("allow_pickle"), False):
        yield f"{node.lineno}: {called} without allow_pickle=False"
    if called.rpartition(".")[2] == "Environment" and not _is(given.get("autoescape"), True):
        yield f"{node.lineno}: a jinja2 Environment without autoescape=True"
    if _is(given.get("shell"), True) or _is(given.get("allow_pickle"), True) or _is(given.get("weights_only"), False):
        yield f"{node.lineno}: {called} with an unsafe argument"


def _is(value: ast.expr | None, wanted: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


def test_nothing_is_evaluated_or_unpickled() -> None:
    names = {path.relative_to(ROOT).as_posix(): path for path in SOURCES}
    found = {name: offences(path.read_text(encoding="utf-8"), name) for name, path in names.items()}
    assert {name: said for name, said in found.items() if said} == {}


def test_there_are_sources() -> None:
    assert len(SOURCES) > 150


@pytest.mark.parametrize(
    "planted",
    [
        "eval(text)",
        "exec(text)",
        "import pickle\npickle.loads(data)",
        "from pickle import loads\nloads(data)",
        "def f():\n    import pickle",
        "import torch\ntorch.load(path)",
        "import torch as t\nt.load(path)",
        "from torch import load\nload(path)",
        "import joblib\njoblib.load(path)",
        "import numpy as np\nnp.load(path)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy as np\nnp.load(path, allow_pickle=flag)",
        "from numpy.lib import format as npy\nnpy.read_array(stream)",
        "from sympy import sympify\nsympify(text)",
        "import sympy\nsympy.sympify(text)",
        "from sympy.parsing.sympy_parser import parse_expr as p\np(text)",
        "import yaml\nyaml.load(text)",
        "import subprocess\nsubprocess.run(command)",
        "from subprocess import run\nrun(command)",
        "import os\nos.system(command)",
        "import importlib\nimportlib.import_module(text)",
        "from importlib import import_module\nimport_module(text)",
        "from pandas import read_pickle\nread_pickle(path)",
        "from jinja2 import Environment\nEnvironment()",
        "import jinja2\njinja2.Environment(autoescape=False)",
        "import urllib.request",
        "from urllib.request import urlopen",
    ],
)
def test_the_check_finds_what_is_planted(planted: str) -> None:
    assert len(offences(planted)) >= 1


@pytest.mark.parametrize(
    "harmless",
    [
        "import numpy as np\nnp.load(path, allow_pickle=False)",
        "from jinja2 import Environment\nEnvironment(autoescape=True)",
        "json.loads(text)",
        "model.eval()",
        "re.compile(text)",
        "from urllib.parse import quote",
    ],
)
def test_the_check_leaves_the_rest_alone(harmless: str) -> None:
    assert offences(harmless) == []
