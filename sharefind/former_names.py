"""Old names of modules that moved: they can be imported for one version more, with a `DeprecationWarning`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

FORMER = {
    "sharefind.blind": "sharefind.proposal",
    "sharefind.datasets.files": "sharefind.datasets",
    "sharefind.estimator": "sharefind.api",
    "sharefind.estimator.sharing_search": "sharefind.api.sharing_search",
    "sharefind.export": "sharefind.architectures",
    "sharefind.export.spec": "sharefind.architectures.spec",
    "sharefind.inference.randomisation": "sharefind.inference.tests.randomisation",
    "sharefind.meanfield.activations": "sharefind.meanfield.units.activations",
    "sharefind.meanfield.measures": "sharefind.meanfield.clouds.measures",
    "sharefind.meanfield.standardise": "sharefind.meanfield.clouds.standardise",
    "sharefind.nn": "sharefind.architectures.layers",
    "sharefind.report.runs": "sharefind.report.text.runs",
    "sharefind.report.samples": "sharefind.report.text.run_samples",
    "sharefind.reproduce": "sharefind.paper",
    "sharefind.streams": "sharefind.rng",
    "sharefind.workers": "sharefind.parallel",
}
"""Old module -> new module."""

FORMER_MEMBERS = {
    ("sharefind.inference", "Bound"): ("sharefind.inference.fitted_statistic", "FittedStatistic"),
    ("sharefind.inference", "Moves"): ("sharefind.inference.ambient_moves", "AmbientMoves"),
    ("sharefind.search", "Candidate"): ("sharefind.search.problem", "ActingGroup"),
    ("sharefind.search", "Evidence"): ("sharefind.search.node_evidence", "NodeEvidence"),
    ("sharefind.inference.randomisation", "Bound"): ("sharefind.inference.fitted_statistic", "FittedStatistic"),
    ("sharefind.inference.randomisation", "randomisation_p_value"): (
        "sharefind.inference.tests.p_values",
        "randomisation_p_value",
    ),
    ("sharefind.report.page", "write_page"): ("sharefind.report.page.html_page", "write_page"),
    **{
        ("sharefind.report.pictures", name): ("sharefind.report.pictures.drawing", name)
        for name in ("draw_node", "draw_run", "draw_single")
    },
}
"""Old module and name -> new ones, where the name is another, too, or the old module is a room now."""


class _Loader:
    """Makes a module that hands out what the new one holds."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module without anything of its own."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Import the new module, and say that the old name goes."""
        new = FORMER[module.__name__]
        warnings.warn(f"{module.__name__} is now {new}; the old name goes in the next version", DeprecationWarning, 2)
        target = import_module(new)
        module.__doc__ = target.__doc__
        module.__dict__.update(
            __all__=[name for name in dir(target) if not name.startswith("_")],
            __getattr__=lambda name: (
                getattr(target, name) if hasattr(target, name) else former_member(module.__name__, name)
            ),
            __dir__=lambda: dir(target),
        )


def former_member(old: str, name: str) -> object:
    """Return what a module held under a former name.

    Raises:
        AttributeError: It held nothing of that name.
    """
    if (old, name) not in FORMER_MEMBERS:
        raise AttributeError(f"module {old!r} has no attribute {name!r}")
    module, renamed = FORMER_MEMBERS[old, name]
    warnings.warn(f"{old}.{name} is now {module}.{renamed}; the old name goes", DeprecationWarning, stacklevel=3)
    return getattr(import_module(module), renamed)


class FormerNames:
    """A finder of modules under their old names; it is asked after all others."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find an old module; None where the name is no former name of sharefind."""
        if name not in FORMER:
            return None
        is_package = any(other.startswith(f"{name}.") for other in FORMER)
        return ModuleSpec(name, _Loader(), origin=FORMER[name], is_package=is_package)  # type: ignore[arg-type]


def install() -> None:
    """Let old names be found; a second call does nothing."""
    if FormerNames not in sys.meta_path:
        sys.meta_path.append(FormerNames)
