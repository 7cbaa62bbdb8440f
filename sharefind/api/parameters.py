"""Parts of the estimators that do not depend on scikit-learn: hooks, run folders, names of parameters in errors."""

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
from sharefind.search import NodeEvidence, Observer
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
"""Settings that have another name in the estimators."""


@dataclass(frozen=True, eq=False)
class SearchedModel:
    """The model of a search with a unit that cannot be exported.

    Attributes:
        unit: The unit.
        particles: Shape (N, D), float64: the particles, in standardised coordinates.
        change: The standardisation of the data.
    """

    unit: SearchedUnit
    particles: FloatArray
    change: Standardisation

    def predict(self, x: FloatArray) -> FloatArray:
        """Return predictions, shape (n, d_out), float64, in the user's units.

        Args:
            x: Shape (n, d_in), float64, in the user's units.
        """
        return predict_labels(self.unit, self.change, x, self.particles)


@dataclass(frozen=True)
class EvidenceRow:
    """A visited node.

    Attributes:
        number: Its number in the order of visits.
        label: Its name.
        dim: Dimension of its space.
        evidence: Measurements and decision at the node.
    """

    number: int
    label: str
    dim: int
    evidence: NodeEvidence


class Hooks(Observer):
    """An observer made of functions.

    Args:
        **hooks: Functions by the names of the observer's methods; None for a method without a function.
    """

    def __init__(self, **hooks: Callable[[Any], object] | None) -> None:
        vars(self).update({event: hook for event, hook in hooks.items() if hook is not None})


class TemporaryRun:
    """A run folder that is deleted with this object; copies and pickles of the object contain its files.

    Args:
        files: Content of files by relative path.

    Attributes:
        path: The folder.
    """

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
    """Return the folder of a new run.

    Args:
        run_dir: A folder that is kept; None for one that is deleted with its object.

    Raises:
        RunFolderError: The folder is not empty.
    """
    if run_dir is None:
        return TemporaryRun()
    path = Path(run_dir).absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunFolderError(f"run_dir {path} exists and is not an empty folder; give a new one for every fit, or None")
    return path


class Parameters(Wording):
    """Messages of the estimators, which name their parameters.

    Args:
        **other: Further settings that have another name.
    """

    def __init__(self, **other: str) -> None:
        self._names = {**NAMES, **other}

    def setting(self, name: str) -> str:
        """Return the parameter, of the estimator or of its `fit`.

        Args:
            name: Name of the setting.
        """
        return self._names.get(name) or super().setting(name)

    def limit(self, name: str, value: object) -> str:
        """Return how a parameter raises a limit.

        Args:
            name: A field of `Limits`.
            value: The value.
        """
        return f"raise it with limits=Limits({name}={value})"
