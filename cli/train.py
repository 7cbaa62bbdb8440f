"""`sharefind train`: train the architecture that a run discovered, and write the weights for its exported module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sharefind.cli.deep_training import DeepTraining
from sharefind.cli.options import JSON, LIMITS, QUIET, Run, takes
from sharefind.cli.train_deep import check_deep, is_given, settings_of, train_deep
from sharefind.cli.train_shared import USUAL_STEP, refuse_settings, refuse_zero, train_shared
from sharefind.errors import ConfigError
from sharefind.limits import limits_of


@takes({"Limits": LIMITS, None: (JSON, QUIET)})
def train(
    context: typer.Context,
    run: Run,
    out: Annotated[
        Path, typer.Option("--out", metavar="PATH", help="The .safetensors or .onnx file to write.", show_default=False)
    ],
    width: Annotated[
        int | None, typer.Option(metavar="N", help="Particles; as in the search if not given.", min=1, max=1_000_000)
    ] = None,
    epochs: Annotated[
        int, typer.Option(metavar="K", help="Largest number of passes over the rows; training stops early.", min=1)
    ] = 400,
    restarts: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="Number of starts; the best on held-out rows is kept; 3 for gated units, else 1.", min=1
        ),
    ] = None,
    lr: Annotated[
        float, typer.Option(metavar="STEP", help="Adam's step relative to the size of the first weights.")
    ] = USUAL_STEP,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of all random numbers.", min=0, max=2**63 - 1)] = 0,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="EXPR", help="deep or deep-residual, with :relu and so on; the run's own unit if not given."
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="L..M", help="Numbers of hidden layers that are tried, with --unit deep; 3, for classes 1..3."
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --unit deep: see whether tying pays in each of the layers, or down chains of groups.",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(metavar="W", help="Decay of weights, with --unit deep; all networks are trained by AdamW then."),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Seconds after which nothing more is tried, with --unit deep; what was tried is used."
        ),
    ] = None,
    **options: Any,
) -> None:
    """Train the discovered architecture on the run's data, beside the same network without sharing.

    A fifth of the rows is kept apart from training to score both; the search that chose the sharing saw all of them.
    The weights of the shared network are written for the module that export --format torch writes. With --unit deep
    the hidden types, the width and the depth of a deep network on the run's group are chosen by cross-validation.
    """
    if unit is not None:
        step = lr if is_given(context, "lr") else None
        training = DeepTraining(step, weight_decay, restarts, max_seconds)
        _deep(context, run, out, unit, layers, width, seed, price, training)
        return
    _refuse_deep(context)
    refuse_settings(out, lr)
    from sharefind.architectures.layers.comparison import TrainingPlan

    plan = TrainingPlan(width, epochs, lr=lr, seed=seed, restarts=restarts)
    train_shared(context, run, out, plan, options)


def _deep(
    context: typer.Context,
    run: Path,
    out: Path,
    unit: str,
    layers: str | None,
    width: int | None,
    seed: int,
    price: str | None,
    training: DeepTraining,
) -> None:
    """Choose and train a deep network on the group of the run."""
    check_deep(context, unit, out)
    training.refuse()
    settings = settings_of(unit, layers, width, seed, price)
    from sharefind.architectures.formats.onnx_graph import require_onnx
    from sharefind.cli.finished import finished_outcome
    from sharefind.search import RunFolder

    if out.suffix.lower() == ".onnx":
        require_onnx()
    outcome = finished_outcome(RunFolder.open(run, limits_of(context.params)))
    refuse_zero(run, outcome.e_star.space)
    train_deep(context, outcome, settings, training, run, out)


def _refuse_deep(context: typer.Context) -> None:
    for name in ("layers", "price", "weight-decay", "max-seconds"):
        if is_given(context, name.replace("-", "_")):
            raise ConfigError(f"--{name} is for deep networks; add --unit deep, or drop it")
