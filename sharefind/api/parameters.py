"""Parts of the estimator that know nothing of scikit-learn: hooks, run folders, names of parameters in errors."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharefind.errors import RunFolderError, Wording
from sharefind.meanfield.clouds.models import predict_labels
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.units import SearchedUnit
from sharefind.search import Evidence, Observer
from sharefind.typing import FloatArray

NAMES = {
    "jobs": "n_jobs",
    "out": "run_dir",
    "seed": "random_state",
    "blind": "group=None",
    "data": "X and y",
    "plot": "target",
    "rows_of": "groups",
}
"""Settings that have another name in the estimator."""


@dataclass(frozen=True, eq=False)
class SearchedModel:
    """The search's model for a unit without an export: particles (N, D) in the user's coordinates."""

    unit: SearchedUnit
    particles: FloatArray
    change: Standardisation

    def predict(self, x: FloatArray) -> FloatArray:
        """f at x (B, d_in), (B, d_out)."""
        return predict_labels(self.unit, self.change, x, self.particles)


@dataclass(frozen=True)
class EvidenceRow:
    """A visited node: its number in the order of visits, its name, the dimension of its space, what was seen there."""

    number: int
    label: str
    dim: int
    evidence: Evidence


class Hooks(Observer):
    """An observer made of functions.

    Args:
        hooks: By the names of an observer's methods; None where there is none.
    """

    def __init__(self, **hooks: Callable[[Any], object] | None) -> None:
        vars(self).update({event: hook for event, hook in hooks.items() if hook is not None})


class TemporaryRun:
    """A run folder that lives as long as this object; copies and pickles carry its files along."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="sharefind-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        for name, content in (files or {}).items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(content)

    def __reduce__(self) -> tuple[type[TemporaryRun], tuple[dict[str, bytes]]]:
        files = {str(p.relative_to(self.path)): p.read_bytes() for p in self.path.rglob("*") if p.is_file()}
        return TemporaryRun, (files,)


def new_folder(run_dir: str | Path | None) -> Path | TemporaryRun:
    """A folder that is kept, or one that lives as long as its object.

    Raises:
        RunFolderError: the folder has something in it.
    """
    if run_dir is None:
        return TemporaryRun()
    path = Path(run_dir).absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunFolderError(f"run_dir {path} exists and is not an empty folder; give a new one for every fit, or None")
    return path


class Parameters(Wording):
    """Messages of the estimator, which name its parameters.

    Args:
        other: Settings that have another name where it is used.
    """

    def __init__(self, **other: str) -> None:
        self._names = {**NAMES, **other}

    def setting(self, name: str) -> str:
        """The parameter, of the estimator or of its `fit`."""
        return self._names.get(name) or super().setting(name)

    def limit(self, name: str, value: object) -> str:
        """The parameter that raises a limit."""
        return f"raise it with limits=Limits({name}={value})"
