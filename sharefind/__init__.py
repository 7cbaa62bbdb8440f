"""Discover parameter-sharing schemes (equivariant architectures) from data.

The heuristic is that of Maass and Fontbona, "Symmetries in Overparametrized Neural Networks: A Mean-Field
View" (NeurIPS 2024, arXiv:2405.19995). Nothing heavy is imported here, so that `sharefind --help` is instant.
"""

from __future__ import annotations

import os

from sharefind.former_names import install as install_former_names
from sharefind.offered import offers

TYPE_CHECKING = False  # typing and pathlib take longer to load than everything else here
if TYPE_CHECKING:
    from typing import Any

    def __getattr__(name: str) -> Any: ...


__version__ = "0.1.0"

# In a checkout sharefind.cli and sharefind.datasets are the folders beside this one; installed, inside it.
# Python started in a checkout finds this folder first and would miss those two (CONTRIBUTING has the story).
_checkout = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
if os.path.isfile(os.path.join(_checkout, "pyproject.toml")) and os.path.isdir(os.path.join(_checkout, "cli")):
    __path__.append(_checkout)

install_former_names()

OFFERED = {
    "SharingClassifier": "sharefind.api",
    "SharingSearch": "sharefind.api",
    "audit": "sharefind.architectures.audit",
    "suggest": "sharefind.suggestion",
}
"""What the package itself offers, and where it lies: the estimators, with which torch and scikit-learn come, and
`suggest`."""


offers(__name__)
