"""`sharefind train`: train the architecture that a run discovered, and write the weights for its exported module."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sharefind.cli.console import print_json, progress_console, result_console, warn
from sharefind.cli.options import JSON, LIMITS, QUIET, Run, takes
from sharefind.cli.task_rows import task_rows, task_units
from sharefind.column_names import name_words
from sharefind.errors import ConfigError, NotConvergedError
from sharefind.limits import limits_of
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures.layers.comparison import Score, TrainingPlan
    from sharefind.search.scores import Scored
    from sharefind.spaces import Subspace

USUAL_STEP = 0.05
"""Adam's step relative to the size of the first weights; it suits nearly all networks."""

SUFFIXES = (".safetensors", ".onnx")


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
    **options: Any,
) -> None:
    """Train the discovered architecture on the run's data, beside the same network without sharing.

    A fifth of the rows is kept apart from training to score both; the search that chose the sharing saw all of them.
    The weights of the shared network are written for the module that export --format torch writes. With --unit deep
    the hidden types, the width and the depth of a deep network on the run's group are chosen by cross-validation.
    """
    if unit is not None:
        _deep(context, run, out, unit, layers, width, seed, options)
        return
    _refuse_layers(context)
    _check(out, lr)
    from sharefind.architectures import spec_from_outcome
    from sharefind.architectures.formats.onnx_graph import require_onnx
    from sharefind.architectures.layers.comparison import TrainingPlan, beside_usual, compare, untied
    from sharefind.cli.finished import finished_outcome
    from sharefind.report.text.live_progress import training_progress
    from sharefind.search import RunFolder
    from sharefind.search.scores import FREE, TIED
    from sharefind.search.yardstick import advice

    if out.suffix.lower() == ".onnx":
        require_onnx()
    outcome = finished_outcome(RunFolder.open(run, limits_of(options)))
    spec = spec_from_outcome(outcome)
    _refuse_zero(run, spec.space)
    x, y = task_rows(outcome.problem.task, seed)
    units, plan = task_units(outcome.problem), TrainingPlan(width, epochs, lr=lr, seed=seed, restarts=restarts)
    is_silent = options["quiet"] or options["json"]
    with training_progress(progress_console(), epochs, is_silent=is_silent) as told:
        scores = compare({TIED: spec, FREE: untied(spec)}, x, y, plan, told, units)
    _refuse_unlearnt(scores[0], lr)
    _write(scores[0], out, seed)
    context.obj.written = out
    networks = {score.name: score.network for score in scores}
    scored = beside_usual(networks, x, y, seed, units, has_classes=bool(spec.classes))
    lines = advice(scored, spec.unit, outcome.e_star.label)
    warn(lines)
    yardstick, rows = scored.yardstick(lines), _rows_of(scores, scored)
    if options["json"]:
        print_json(_record(run, out, seed, rows, yardstick.to_json(), spec.classes))
        return
    from sharefind.report.text.training_words import training_table

    console = result_console()
    console.print(training_table(rows, yardstick))
    if spec.classes:
        console.print(f"classes  {', '.join(map(name_words, spec.classes))}", soft_wrap=True, markup=False)
    next_lines = _next(run, out, spec.particles, scores[0].network.width)
    for line in (*_notes(scores[0], plan, out), *next_lines):
        console.print(line, soft_wrap=True)


def _deep(
    context: typer.Context,
    run: Path,
    out: Path,
    unit: str,
    layers: str | None,
    width: int | None,
    seed: int,
    options: dict[str, Any],
) -> None:
    """Choose and train a deep network on the group of the run."""
    from sharefind.cli.train_deep import check_deep, outcome_rows, settings_of, train_deep

    check_deep(context, unit, out)
    settings = settings_of(unit, layers, width, seed)
    from sharefind.architectures.formats.onnx_graph import require_onnx
    from sharefind.cli.finished import finished_outcome
    from sharefind.search import RunFolder

    if out.suffix.lower() == ".onnx":
        require_onnx()
    outcome = finished_outcome(RunFolder.open(run, limits_of(options)))
    _refuse_zero(run, outcome.e_star.space)
    rows = outcome_rows(outcome, seed)
    train_deep(rows, settings, run, out, limits_of(options), is_json=options["json"], is_quiet=options["quiet"])
    context.obj.written = out


def _refuse_zero(run: Path, space: Subspace) -> None:
    if space.is_zero:
        raise ConfigError(f"{run} found {{0}}: there is nothing to train; look at sharefind inspect {run}")


def _refuse_layers(context: typer.Context) -> None:
    from sharefind.cli.train_deep import is_given

    if is_given(context, "layers"):
        raise ConfigError("--layers is for deep networks; add --unit deep, or drop it")


def _notes(score: Score, plan: TrainingPlan, out: Path) -> Iterator[str]:
    """Yield what was written, and what would improve it."""
    yield f"wrote {out}: the shared network, {score.fitted.parameters} numbers"
    if score.fitted.best_epoch == plan.epochs:
        yield f"note  it still improved in the last of {plan.epochs} epochs; raise --epochs"
    if score.r2 is not None and score.r2 < 0:
        yield f"note  it predicts worse than the mean of the labels; try --lr {_better(plan.lr):g}"


def _record(
    run: Path, out: Path, seed: int, rows: list[dict[str, Any]], yardstick: dict[str, Any], classes: tuple[str, ...]
) -> dict[str, Any]:
    from sharefind.search.result import versions

    named = {"schema": "sharefind.training/1", "run": str(run), "out": str(out), "seed": seed}
    found = {"networks": rows, "yardstick": yardstick, "warnings": yardstick["warnings"]}
    return {**named, **({"classes": list(classes)} if classes else {}), **found, "versions": versions()}


def _check(out: Path, lr: float) -> None:
    if not 0 < lr < math.inf:
        raise ConfigError(f"--lr {lr:g} is not a step; give a number above 0, such as {USUAL_STEP:g}")
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {out}: weights are written as {' or '.join(SUFFIXES)}; end the name with one of them")
    refuse_unwritable(out)


def _refuse_unlearnt(score: Score, lr: float) -> None:
    """Refuse a network that never improved on its start on held-out rows; it is not trained."""
    if score.fitted.best_epoch == 0:
        raise NotConvergedError(
            f"training never improved on its start with --lr {lr:g}; try --lr {_better(lr):g}, or there is nothing "
            "to learn"
        )


def _better(lr: float, tiny: float = 1e-4) -> float:
    """Return the step to try next: the usual step, if this one is too large or too small to learn."""
    return lr / 10 if tiny < lr <= USUAL_STEP else USUAL_STEP


def _write(score: Score, out: Path, seed: int) -> None:
    from sharefind.architectures import write_onnx, write_safetensors

    write = write_onnx if out.suffix.lower() == ".onnx" else write_safetensors
    write(score.network.to_trained(), out, seed=seed)


def _rows_of(scores: list[Score], scored: Scored) -> list[dict[str, Any]]:
    return [
        {
            "name": score.name,
            "parameters": score.fitted.parameters,
            **_quality(score, scored),
            "epochs": score.fitted.history[-1].number,
            "best_epoch": score.fitted.best_epoch,
            "seconds": round(score.fitted.seconds, 3),
        }
        for score in scores
    ]


def _quality(score: Score, scored: Scored) -> dict[str, Any]:
    """Return how well a network predicts the held-out rows: `r2`, or `accuracy` and `log_loss` for classes."""
    found = scored.score(score.name)
    return {"r2": score.r2} if found is None else found.to_json()


def _next(run: Path, out: Path, usual: int, width: int) -> list[str]:
    """Return how to use the weights; `usual` is the default width of the exported module."""
    if out.suffix.lower() == ".onnx":
        return [f'next  onnxruntime.InferenceSession({str(out)!r}).run(None, {{"x": x}})']
    network = f"SharedShallowNetwork({'' if width == usual else width})"
    return [
        f"next  sharefind export {shell_word(run)} --format torch --out net.py   (the module, if not there yet)",
        f"      net = {network}; net.load_state_dict(load_file({str(out)!r}))",
    ]
