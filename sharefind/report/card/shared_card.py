"""The model card of a network of particles on E_*: its unit, its ties, and the models beside it on rows kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.architectures import SharingSpec
from sharefind.architectures.certificate.proof import Certificate
from sharefind.report.card import markdown
from sharefind.report.card.model_card import Columns, Metric, ModelCard, TrainingData, constant_scale, data_name
from sharefind.report.card.use_lines import onnx_use, torch_use
from sharefind.report.text.runs import RunView
from sharefind.report.text.training_words import training_cells
from sharefind.search.result_parts import Yardstick

LIMITS = (
    "Where a group is proven, the network is equivariant for every input, also where the data are not: the search "
    "tested the symmetry on inputs like its rows alone.",
    "The scores are those of rows that were kept apart from training; the search that chose the sharing saw all rows.",
    "Inputs unlike the rows are extrapolated. Nothing was measured there.",
    "Columns must come in the order and in the units of the tables above.",
)


def shared_card(
    view: RunView,
    name: str,
    spec: SharingSpec,
    rows: int,
    networks: Sequence[Mapping[str, Any]],
    yardstick: Yardstick,
    certificate: Certificate,
    particles: int,
    weights: Path,
) -> ModelCard:
    """Return the card of a network of particles.

    Args:
        view: The run of the search.
        name: Name of the task of the search, or path of its file.
        spec: The architecture.
        rows: Number of rows that it was trained and scored on.
        networks: The trained networks as `train` prints them; the shared one is the first.
        yardstick: Scores of reference models on the same held-out rows.
        certificate: The proof of the architecture.
        particles: Number of particles of the trained network.
        weights: The file of the weights.
    """
    return ModelCard(
        title=f"Shared network on {data_name(name)}, {spec.group_name}",
        data=_data(name, spec, rows),
        view=view,
        tags=[spec.group_name],
        metrics=list(_metrics(networks[0])),
        about=[markdown.escaped(certificate.statement + ".")],
        trained=[
            ("Architecture", list(_architecture(spec, networks[0]))),
            ("Price and yardsticks", list(_yardsticks(networks, yardstick))),
        ],
        limits=LIMITS,
        use=_use(weights, spec.particles, particles),
    )


def _data(name: str, spec: SharingSpec, rows: int) -> TrainingData:
    change = spec.change
    inputs = spec.inputs or tuple(f"x{k}" for k in range(spec.d_in))
    outputs = spec.outputs or tuple(f"y{k}" for k in range(spec.d_out))
    # A matrix that is not diagonal has no scale a column; the length of a column is what it multiplies the input by.
    lengths = np.linalg.norm(change.matrix, axis=0)
    scales = 1 / np.where(lengths > 0, lengths, 1.0)
    return TrainingData(
        data_name(name),
        rows,
        Columns(inputs, change.centre, scales),
        Columns(outputs, change.shift, constant_scale(change.scale, len(outputs))),
        spec.classes,
    )


def _metrics(network: Mapping[str, Any]) -> Iterator[Metric]:
    names = {"r2": ("r_squared", "R^2"), "accuracy": ("accuracy", "accuracy"), "log_loss": ("log_loss", "log loss")}
    for key, (identifier, title) in names.items():
        if network.get(key) is not None:
            yield Metric(identifier, f"{title} on rows kept apart", float(network[key]))


def _architecture(spec: SharingSpec, network: Mapping[str, Any]) -> Iterator[str]:
    actions = f"x: {spec.in_rep}; y: {spec.out_rep}" + (
        "" if spec.hidden_rep is None else f"; hidden: {spec.hidden_rep}"
    )
    yield markdown.escaped(
        f"The mean of units {spec.unit} whose weights lie in a space of dimension {spec.space.dim} of "
        f"{spec.space.ambient}; {network['parameters']:,} free numbers. Representations of {spec.group_name}: "
        f"{actions}."
    )


def _yardsticks(networks: Sequence[Mapping[str, Any]], yardstick: Yardstick) -> Iterator[str]:
    headings, cells = training_cells(networks, yardstick)
    yield from markdown.table(headings, cells)
    if yardstick.warnings:
        yield from ("", *markdown.bullets(yardstick.warnings))


def _use(weights: Path, usual: int, particles: int) -> Sequence[str]:
    """Lines that load the weights; `usual` is the default width of the exported module."""
    if weights.suffix.lower() == ".onnx":
        return onnx_use(weights)
    width = "" if particles == usual else f"{particles}, "
    return torch_use(weights, "SharedShallowNetwork", "RUN", width)
