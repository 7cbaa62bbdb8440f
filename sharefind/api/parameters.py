"""Parts of the estimator that know nothing of scikit-learn: hooks, run folders, names of parameters in errors."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sharefind.datasets.task import NUMERIC_KINDS
from sharefind.errors import DataError, DataTypeError, RunFolderError, Wording, one_line, quoted
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


def refuse_no_numbers(values: Any, name: str) -> None:
    """Refuse rows that would become real numbers silently or not at all: sparse, complex, text, dates, masked values.

    Args:
        values: What was given as X or y; None, and what is no array, goes on to scikit-learn.
        name: What messages call it.

    Raises:
        DataTypeError: They are of another type. DataError: Values are masked.
    """
    if issparse(values):
        raise DataTypeError(f"{name} is a sparse matrix, and dense data are needed; give {name}.toarray()")
    masked = np.count_nonzero(np.ma.getmaskarray(values)) if isinstance(values, np.ma.MaskedArray) else 0
    if masked:
        what = f"{name} has {masked} masked values, which have no number"
        raise DataError(f"{what}; fill them in with {name}.filled(...), or drop those rows")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        return
    kind = array.dtype.kind
    if kind == "c":
        what = f"Complex data not supported: {name} has dtype {array.dtype}"
        raise DataTypeError(f"{what}; give real numbers, such as the real and the imaginary parts as columns")
    if kind not in (*NUMERIC_KINDS, "O"):
        raise DataTypeError(f"{name} has dtype {array.dtype}, which is not real numbers; convert it to floats")
    if kind == "O" and array.ndim and values is not None:
        _refuse_objects(array, name)


def _refuse_objects(array: NDArray[Any], name: str) -> None:
    """Python objects are fine where each is a number; texts that look like one are none."""
    for value in array.flat:
        if isinstance(value, str | bytes):
            raise DataTypeError(f"{name} holds the text {quoted(value)}, not a number; convert it to floats")
        try:
            float(value)
        except (ValueError, TypeError) as error:
            raise DataTypeError(f"{name} holds what is no real number ({one_line(error)}); give floats") from None


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
