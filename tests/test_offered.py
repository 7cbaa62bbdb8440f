"""Packages that load names on first use list them twice: for Python in OFFERED, for type checkers as imports."""

import ast
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGES = [
    "sharefind",
    "sharefind.api",
    "sharefind.datasets",
    "sharefind.inference",
    "sharefind.meanfield",
    "sharefind.proposal",
    "sharefind.recognition",
    "sharefind.search",
]


def checked(path: str) -> dict[str, str]:
    """Return the names that type checkers see, each with its module."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.name: str(node.module)
        for node in imports
        for alias in node.names
        if str(node.module).startswith("sharefind") and alias.asname == alias.name
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_that_python_loads(package: str) -> None:
    room = import_module(package)
    offered = {name: resolve_name(module, package) for name, module in room.OFFERED.items()}
    assert offered and checked(str(room.__file__)) == offered


def test_every_package_that_offers_names_is_tested(repository: Path) -> None:
    found = set[str]()
    for name, folder in (("sharefind", "sharefind"), ("sharefind.cli", "cli"), ("sharefind.datasets", "datasets")):
        for file in (repository / folder).rglob("__init__.py"):
            if "\nOFFERED = " in file.read_text("utf-8"):
                found.add(".".join([name, *file.parent.relative_to(repository / folder).parts]))
    assert set(PACKAGES) == found
