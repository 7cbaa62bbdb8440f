"""Discover parameter-sharing schemes (equivariant architectures) from data.

The heuristic is that of Maass and Fontbona, "Symmetries in Overparametrized Neural Networks: A Mean-Field
View" (NeurIPS 2024, arXiv:2405.19995). Nothing heavy is imported here, so that `sharefind --help` is instant.
"""

from pathlib import Path

__version__ = "0.1.0"

# In a checkout sharefind.cli and sharefind.datasets are the folders beside this one; installed, inside it.
# Python started in a checkout finds this folder first and would miss those two (CONTRIBUTING has the story).
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file() and (_checkout / "cli").is_dir():
    __path__.append(str(_checkout))
