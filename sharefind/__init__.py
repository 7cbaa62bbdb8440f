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
    from sharefind.api import SharingClassifier as SharingClassifier
    from sharefind.api import SharingSearch as SharingSearch
    from sharefind.architectures.audit import audit as audit
    from sharefind.suggestion import suggest as suggest


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
"""Names that the package offers, each with its module; the estimators load torch and scikit-learn."""


offers(__name__)
