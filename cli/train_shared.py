"""`sharefind train` for the architecture of a run: it and its free twin, beside usual models, with a model card."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from sharefind.cli.console import print_json, progress_console, result_console, warn
from sharefind.cli.task_rows import task_rows, task_units
from sharefind.column_names import name_words
from sharefind.errors import ConfigError, NotConvergedError
from sharefind.limits import limits_of
from sharefind.report.card.card_path import card_path
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures import SharingSpec
    from sharefind.architectures.certificate.proof import Certificate
    from sharefind.architectures.layers.comparison import Score, TrainingPlan
    from sharefind.report.text.runs import RunView
    from sharefind.search import SearchOutcome
    from sharefind.search.result_parts import Yardstick
    from sharefind.search.scores import Scored
    from sharefind.spaces import Subspace
    from sharefind.typing import FloatArray, IntArray

USUAL_STEP = 0.05
"""Adam's step relative to the size of the first weights; it suits nearly all networks."""

SUFFIXES = (".safetensors", ".onnx")


class _Data(NamedTuple):
    """The architecture of a run, and the rows that it is trained on.

    Attributes:
        spec: The architecture.
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        units: Unit of each row; None where rows are independent.
    """

    spec: SharingSpec
    x: FloatArray
    y: FloatArray
    units: IntArray | None

    @classmethod
    def of(cls, outcome: SearchOutcome, seed: int) -> _Data:
        """The data of a finished search; `seed` draws fresh samples of a task that has no rows."""
        from sharefind.architectures import spec_from_outcome

        return cls(spec_from_outcome(outcome), *task_rows(outcome.problem.task, seed), task_units(outcome.problem))


@dataclass(frozen=True, eq=False)
class _Trained:
    """The shared network and its free twin after their training.

    Attributes:
        spec: The architecture.
        scores: Both networks, the shared one first.
        scored: The same and usual models on held-out rows.
        yardstick: Scores of the usual models, with advice.
        rows: Number of rows that were trained and scored on.
    """

    spec: SharingSpec
    scores: list[Score]
    scored: Scored
    yardstick: Yardstick
    rows: int

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The printed record of each network."""
        return _rows_of(self.scores, self.scored)


def train_shared(context: typer.Context, run: Path, out: Path, plan: TrainingPlan, options: dict[str, Any]) -> None:
    """Train, write the weights with a card, and print.

    Args:
        context: Context of the command; it hears of what was written.
        run: The run folder.
        out: The file to write.
        plan: How networks are trained.
        options: Further options of the command.
    """
    from sharefind.architectures.formats.onnx_graph import require_onnx
    from sharefind.cli.finished import finished_outcome
    from sharefind.report.text.runs import load_run
    from sharefind.search import RunFolder

    if out.suffix.lower() == ".onnx":
        require_onnx()
    limits = limits_of(options)
    outcome = finished_outcome(RunFolder.open(run, limits))
    refuse_zero(run, outcome.e_star.space)
    is_json = options["json"]
    data = _Data.of(outcome, plan.seed)
    scores = _fitted(data, plan, is_silent=options["quiet"] or is_json)
    _refuse_unlearnt(scores[0], plan.lr)
    certificate = _write(scores[0], out, plan.seed)
    context.obj.written = out
    trained = _beside_usual(data, scores, plan.seed, outcome.e_star.label)
    card = _write_card(load_run(run, limits), outcome.problem.task.name, trained, certificate, out)
    if is_json:
        print_json(_record(run, out, card, plan.seed, trained))
        return
    _print(run, out, card, trained, plan)


def _fitted(data: _Data, plan: TrainingPlan, *, is_silent: bool) -> list[Score]:
    """Train the shared network and its free twin."""
    from sharefind.architectures.layers.comparison import compare, untied
    from sharefind.report.text.live_progress import training_progress
    from sharefind.search.scores import FREE, TIED

    with training_progress(progress_console(), plan.epochs, is_silent=is_silent) as told:
        return compare({TIED: data.spec, FREE: untied(data.spec)}, data.x, data.y, plan, told, data.units)


def _beside_usual(data: _Data, scores: list[Score], seed: int, label: str) -> _Trained:
    """Score the networks beside usual models on the same rows, and print advice."""
    from sharefind.architectures.layers.comparison import beside_usual
    from sharefind.search.yardstick import advice

    spec = data.spec
    networks = {score.name: score.network for score in scores}
    scored = beside_usual(networks, data.x, data.y, seed, data.units, has_classes=bool(spec.classes))
    lines = advice(scored, spec.unit, label)
    warn(lines)
    return _Trained(spec, scores, scored, scored.yardstick(lines), len(data.x))


def _write_card(view: RunView, name: str, trained: _Trained, certificate: Certificate, out: Path) -> Path:
    from sharefind.report.card.shared_card import shared_card

    particles = trained.scores[0].network.width
    about = trained.spec, trained.rows, trained.lines, trained.yardstick
    return shared_card(view, name, *about, certificate, particles, out).write(out)


def _print(run: Path, out: Path, card: Path, trained: _Trained, plan: TrainingPlan) -> None:
    from sharefind.report.text.training_words import training_table

    console, spec = result_console(), trained.spec
    console.print(training_table(trained.lines, trained.yardstick))
    if spec.classes:
        console.print(f"classes  {', '.join(map(name_words, spec.classes))}", soft_wrap=True, markup=False)
    score = trained.scores[0]
    for line in (*_notes(score, plan, out, card), *_next(run, out, spec.particles, score.network.width)):
        console.print(line, soft_wrap=True)


def refuse_zero(run: Path, space: Subspace) -> None:
    """Refuse a run that found {0}.

    Args:
        run: The run folder.
        space: The space that it found.

    Raises:
        ConfigError: It is {0}.
    """
    if space.is_zero:
        raise ConfigError(f"{run} found {{0}}: there is nothing to train; look at sharefind inspect {run}")


def refuse_settings(out: Path, lr: float) -> None:
    """Refuse a step or a file that cannot be, before anything is read.

    Args:
        out: The file to write.
        lr: Adam's step relative to the size of the first weights.

    Raises:
        ConfigError: One of them is wrong.
        RunFolderError: The file, or its card, exists, or their folder does not.
    """
    if not 0 < lr < math.inf:
        raise ConfigError(f"--lr {lr:g} is not a step; give a number above 0, such as {USUAL_STEP:g}")
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {out}: weights are written as {' or '.join(SUFFIXES)}; end the name with one of them")
    for path in (out, card_path(out)):
        refuse_unwritable(path)


def _notes(score: Score, plan: TrainingPlan, out: Path, card: Path) -> Iterator[str]:
    """Yield what was written, and what would improve it."""
    yield f"wrote {out}: the shared network, {score.fitted.parameters} numbers"
    yield f"wrote {card}: its model card"
    if score.fitted.best_epoch == plan.epochs:
        yield f"note  it still improved in the last of {plan.epochs} epochs; raise --epochs"
    if score.r2 is not None and score.r2 < 0:
        yield f"note  it predicts worse than the mean of the labels; try --lr {_better(plan.lr):g}"


def _record(run: Path, out: Path, card: Path, seed: int, trained: _Trained) -> dict[str, Any]:
    from sharefind.search.result import versions

    yardstick, classes = trained.yardstick.to_json(), trained.spec.classes
    named = {"schema": "sharefind.training/1", "run": str(run), "out": str(out), "card": str(card), "seed": seed}
    found = {"networks": trained.lines, "yardstick": yardstick, "warnings": yardstick["warnings"]}
    return {**named, **({"classes": list(classes)} if classes else {}), **found, "versions": versions()}


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


def _write(score: Score, out: Path, seed: int) -> Certificate:
    from sharefind.architectures import write_onnx, write_safetensors

    write = write_onnx if out.suffix.lower() == ".onnx" else write_safetensors
    return write(score.network.to_trained(), out, seed=seed)


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
    module = shell_word(out.with_suffix(".py"))
    return [
        f"next  sharefind export {shell_word(run)} --format torch --out {module}   (the module, if not there yet)",
        f"      net = {network}; net.load_state_dict(load_file({str(out)!r}))",
    ]
