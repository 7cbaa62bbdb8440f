"""What exists after a search was fitted: its model, and how it is predicted with, written and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sharefind.api.parameters import EvidenceRow, Parameters, SearchedModel, TemporaryRun
from sharefind.api.shown import ShownSharing
from sharefind.api.writing import format_of, write_network
from sharefind.architectures import SharingSpec, TrainedNetwork, refuse_open_maps
from sharefind.architectures.layers import FitResult, SharedLinear, SharedShallowNetwork, SharedTwoLayer
from sharefind.errors import ConfigError, NotConvergedError, RunFolderError, UnitError, worded
from sharefind.groups import Group
from sharefind.meanfield.units import exported_units
from sharefind.report.page.html_page import write_page
from sharefind.report.text.run_samples import Samples
from sharefind.report.text.runs import RunView, load_run
from sharefind.search import SearchLattice, SearchNode
from sharefind.search.result import Result
from sharefind.search.result_parts import LikeliestGroup, SymmetryRow
from sharefind.spaces import Subspace


class FoundSharing(ShownSharing, BaseEstimator):  # type: ignore[misc]
    """A search that may have been fitted."""

    subspace_: Subspace
    e_star_: SearchNode
    stabiliser_: Group | None
    accepted_: list[str]
    rejected_: list[str]
    lattice_: SearchLattice
    evidence_: list[EvidenceRow]
    verdicts_: list[SymmetryRow]
    likeliest_: LikeliestGroup | None
    result_: Result
    spec_: SharingSpec
    network_: TrainedNetwork
    training_: FitResult
    is_finished_: bool
    _model: TrainedNetwork | SearchedModel
    _run: Path | TemporaryRun
    _samples: Samples
    n_features_in_: int

    def to_module(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> SharedShallowNetwork:
        """The search's model as a torch module, in X and y as they were given.

        Raises:
            NotConvergedError: the search is unfinished. UnitError: the unit cannot be exported. ExportError: the log
                does not settle the mirror maps that were found.
        """
        return SharedShallowNetwork.from_spec(self._network(), device=device, dtype=dtype)

    def layer(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> SharedLinear | SharedTwoLayer:
        """A fresh layer on E_* for a network of your own: linear, or two-layer for a unit with a hidden layer.

        Raises:
            NotConvergedError, UnitError: as in `to_module`.
        """
        spec = self._network().spec
        if spec.has_hidden:
            return SharedTwoLayer(spec, device=device, dtype=dtype)
        return SharedLinear(spec, device=device, dtype=dtype)

    def export(self, path: str | Path, format: str | None = None) -> Path:
        """Write what was found: json or torch (the architecture), safetensors or onnx (with the search's weights).

        Args:
            path: a new file. format: by the ending where None: .json, .py, .safetensors, .onnx; or emlp or escnn, a
                snippet for that library.

        Raises:
            ConfigError: no such format. ExportError: a claim does not hold. RunFolderError: the file cannot be written.
            NotConvergedError, UnitError: as in `to_module`.
        """
        target = Path(path)
        chosen = format_of(target, format)
        with worded(Parameters(out="path")):
            write_network(self._network(), target, chosen, self.result_.seed)
        return target

    def evidence_frame(self) -> Any:
        """`evidence_` as a pandas DataFrame: a row for every visited node, a column for each number in `Evidence`.

        Raises:
            ConfigError: pandas is not installed.
        """
        check_is_fitted(self)
        rows = [{"node": r.number, "label": r.label, "dim": r.dim, **r.evidence.to_json()} for r in self.evidence_]
        return _frame(rows, "node", "evidence")

    def verdicts_frame(self) -> Any:
        """`verdicts_` as a pandas DataFrame: a row for every candidate group, its three verdicts side by side.

        Columns of the inputs, the relation and the price begin with `inputs_`, `relation_` and `price_`; the others are
        as in `SymmetryRow`.

        Raises:
            ConfigError: pandas is not installed.
        """
        check_is_fitted(self)
        return _frame([_flat(row.model_dump()) for row in self.verdicts_], "group", "verdicts")

    def report(self, path: str | Path) -> Path:
        """Write the run as one HTML page with all pictures and tables.

        Raises:
            ConfigError: matplotlib is not installed, or another ending than .html. RunFolderError: the file exists or
                cannot be written, or the run is gone.
        """
        run = self._view().path
        with worded(Parameters(out="path")):
            write_page(run, self._samples, Path(path))
        return Path(path)

    @property
    def run_dir_(self) -> Path:
        """The folder of the run."""
        check_is_fitted(self)
        return self._run if isinstance(self._run, Path) else self._run.path

    def _model_of_search(self) -> TrainedNetwork | SearchedModel:
        check_is_fitted(self, "is_finished_")
        if not self.is_finished_:
            raise NotConvergedError(
                f"the search ended undecided, at {self.e_star_.label}, before a space held, and has no model; fit "
                "again, with more rows, copies or seconds"
            )
        return self._model

    def _network(self) -> TrainedNetwork:
        model = self._model_of_search()
        refuse_open_maps(self.result_.mirror)
        if isinstance(model, TrainedNetwork):
            return model
        raise UnitError(f"the unit {model.unit.name} cannot be exported; use {exported_units()}")

    def _view(self) -> RunView:
        path = self.run_dir_
        if not path.is_dir():
            raise RunFolderError(f"the folder {path} of the run is gone; put it back, or fit again")
        return load_run(path)


def _frame(rows: list[dict[str, Any]], index: str, name: str) -> Any:
    try:
        import pandas as pd
    except ImportError:
        message = f"{name}_frame needs pandas; install it with pip install 'sharefind[pandas]', or read {name}_"
        raise ConfigError(message) from None
    return pd.DataFrame(rows).set_index(index) if rows else pd.DataFrame()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose parts are columns of their own."""
    parts = {name: row.pop(name) for name in ("inputs", "relation", "price")}
    return row | {f"{name}_{key}": value for name, part in parts.items() for key, value in (part or {}).items()}
