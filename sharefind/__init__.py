"""Discover parameter-sharing schemes (equivariant architectures) from data.

The heuristic is that of Maass and Fontbona, "Symmetries in Overparametrized Neural Networks: A Mean-Field
View" (NeurIPS 2024, arXiv:2405.19995). Nothing heavy is imported here, so that `sharefind --help` is instant.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# In a checkout sharefind.cli and sharefind.datasets are the folders beside this one; installed, inside it.
# Python started in a checkout finds this folder first and would miss those two (CONTRIBUTING has the story).
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file() and (_checkout / "cli").is_dir():
    __path__.append(str(_checkout))


def __getattr__(name: str) -> Any:
    """`SharingSearch`, loaded when it is first asked for: torch and scikit-learn come with it."""
    if name == "SharingSearch":
        return import_module("sharefind.estimator").SharingSearch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "SharingSearch"])
