"""A search after its fit: its model for predictions, exports, tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
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
    """A search that may have been fitted.

    Attributes:
        subspace_: The space found, E_*; the last space visited if the search is unfinished.
        e_star_: Its node.
        stabiliser_: The largest candidate group that fixes it; None if no group is known.
        accepted_: Names of the candidate groups that were not rejected.
        rejected_: Names of the candidate groups that were rejected.
        lattice_: Every node and growth.
        evidence_: One row for each visited node.
        verdicts_: One row for each candidate group.
        likeliest_: The group with most evidence; None if shares of evidence were not computed.
        result_: The output of `sharefind discover --json`, as a value.
        spec_: The architecture; missing if the search is unfinished or the unit cannot be exported.
        network_: The architecture with the weights that `predict` uses; missing as `spec_`.
        training_: The course of the full training; missing without one.
        is_finished_: Whether a space held.
        n_features_in_: d_in.
        feature_names_in_: Names of the columns of X, if they are texts.
    """

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
    feature_names_in_: NDArray[Any]

    def to_module(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> SharedShallowNetwork:
        """Return the model of the search as a torch module, for X and y in the user's units.

        Args:
            device: Device of the parameters; None for torch's default.
            dtype: Type of the parameters; None for torch's default.

        Raises:
            NotConvergedError: The search is unfinished.
            UnitError: The unit cannot be exported.
            ExportError: The run does not determine the mirror maps that were found.
        """
        return SharedShallowNetwork.from_spec(self._network(), device=device, dtype=dtype)

    def layer(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> SharedLinear | SharedTwoLayer:
        """Return a new layer on E_* for your own network: linear, or two-layer for a unit with a hidden layer.

        Args:
            device: Device of the parameters; None for torch's default.
            dtype: Type of the parameters; None for torch's default.

        Raises:
            NotConvergedError: The search is unfinished.
            UnitError: The unit cannot be exported.
            ExportError: The run does not determine the mirror maps that were found.
        """
        spec = self._network().spec
        if spec.has_hidden:
            return SharedTwoLayer(spec, device=device, dtype=dtype)
        return SharedLinear(spec, device=device, dtype=dtype)

    def export(self, path: str | Path, format: str | None = None) -> Path:
        """Write what was found to a file.

        The formats json and torch contain the architecture, safetensors and onnx also the weights of the search. emlp
        and escnn are code snippets for these libraries.

        Args:
            path: A new file.
            format: Name of the format; None chooses it by the ending: .json, .py, .safetensors or .onnx.

        Returns:
            The path.

        Raises:
            ConfigError: The format does not exist.
            ExportError: A claim about the architecture failed its verification, or the mirror maps are not determined.
            RunFolderError: The file cannot be written.
            NotConvergedError: The search is unfinished.
            UnitError: The unit cannot be exported.
        """
        target = Path(path)
        chosen = format_of(target, format)
        with worded(Parameters(out="path")):
            write_network(self._network(), target, chosen, self.result_.seed)
        return target

    def evidence_frame(self) -> Any:
        """Return `evidence_` as a pandas DataFrame: one row per visited node, one column per number in `NodeEvidence`.

        Raises:
            ConfigError: pandas is not installed.
        """
        check_is_fitted(self)
        rows = [{"node": r.number, "label": r.label, "dim": r.dim, **r.evidence.to_json()} for r in self.evidence_]
        return _frame(rows, "node", "evidence")

    def verdicts_frame(self) -> Any:
        """Return `verdicts_` as a pandas DataFrame: one row per candidate group, with its three verdicts side by side.

        Columns about the inputs, the relation and the price begin with `inputs_`, `relation_` and `price_`. The other
        columns are those of `SymmetryRow`.

        Raises:
            ConfigError: pandas is not installed.
        """
        check_is_fitted(self)
        return _frame([_flat(row.model_dump()) for row in self.verdicts_], "group", "verdicts")

    def report(self, path: str | Path) -> Path:
        """Write the run as one HTML page with all pictures and tables.

        Args:
            path: A new file that ends in .html.

        Returns:
            The path.

        Raises:
            ConfigError: matplotlib is not installed, or the ending is not .html.
            RunFolderError: The file exists or cannot be written, or the run folder is gone.
        """
        run = self._view().path
        with worded(Parameters(out="path")):
            write_page(run, self._samples, Path(path))
        return Path(path)

    @property
    def run_dir_(self) -> Path:
        """Folder of the run."""
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
    """Return a row whose parts are split into columns."""
    parts = {name: row.pop(name) for name in ("inputs", "relation", "price")}
    return row | {f"{name}_{key}": value for name, part in parts.items() for key, value in (part or {}).items()}
