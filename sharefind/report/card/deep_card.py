"""The model card of a deep network: hidden types, how they were chosen, and other models on the same folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sharefind.architectures.deep.class_walk import MANY_ROWS
from sharefind.architectures.deep.layer_price import LayerPrice
from sharefind.architectures.deep.proof import DeepCertificate
from sharefind.architectures.deep.record import FREE, Choice, Reference, TypesNode
from sharefind.architectures.deep.rows import FOLDS, DeepRows
from sharefind.architectures.deep.torch_source import MODULE
from sharefind.architectures.deep.type_escape import TypeEscape
from sharefind.report.card import markdown
from sharefind.report.card.model_card import Columns, Metric, ModelCard, TrainingData, constant_scale, data_name
from sharefind.report.card.use_lines import onnx_use, torch_use
from sharefind.report.text.deep_words import node_words
from sharefind.report.text.runs import RunView
from sharefind.storage import shell_word
from sharefind.written import NOTHING

LIMITS = (
    "The network is equivariant for every input, also where the data are not: the search tested the symmetry on inputs "
    "like its rows alone.",
    "Types, width and depth were chosen by the held-out risk that is shown, so that it is somewhat too small; it was "
    "measured on folds, and the weights were trained on all rows.",
    "Inputs unlike the rows are extrapolated. Nothing was measured there.",
    "Columns must come in the order and in the units of the tables above.",
    "An ONNX file holds whole matrices. Training it further keeps the symmetry only where each batch holds all images "
    "of its rows; the torch module keeps it always.",
)


def deep_card(
    view: RunView, name: str, rows: DeepRows, choice: Choice, certificate: DeepCertificate, weights: Path
) -> ModelCard:
    """Return the card of a deep network.

    Args:
        view: The run of the search.
        name: Name of the task of the search, or path of its file.
        rows: The rows that it was trained on.
        choice: How it was chosen.
        certificate: The proof of its symmetry.
        weights: The file of its weights.
    """
    return ModelCard(
        title=f"Deep network on {data_name(name)}, {choice.group}",
        data=_data(name, rows),
        view=view,
        tags=["deep-network", choice.group],
        metrics=list(_metrics(choice)),
        about=[markdown.escaped(certificate.statement + ".")],
        trained=[
            ("Hidden types", list(_types(certificate, choice.best.escape))),
            ("Price and yardsticks", list(_yardsticks(choice))),
            ("Training", list(_training(choice))),
        ],
        limits=LIMITS,
        use=_use(weights),
    )


def _data(name: str, rows: DeepRows) -> TrainingData:
    scaling = rows.scaling
    inputs = rows.inputs or tuple(f"x{k}" for k in range(rows.x.shape[1]))
    outputs = rows.outputs or tuple(f"y{k}" for k in range(rows.y.shape[1]))
    return TrainingData(
        data_name(name),
        len(rows.x),
        Columns(inputs, scaling.centre, scaling.spread),
        Columns(outputs, scaling.shift, constant_scale(scaling.size, len(outputs))),
        rows.classes,
        None if rows.units is None else len(set(rows.units.tolist())),
    )


def _metrics(choice: Choice) -> Iterator[Metric]:
    best = choice.best
    where = _held_out(choice)
    if best.accuracy is not None:
        yield Metric("accuracy", f"accuracy, {where}", best.accuracy)
        yield Metric("log_loss", f"log loss, {where}", best.risk)
        return
    yield Metric("mse", f"mean squared error of standardised labels, {where}", best.risk)


def _held_out(choice: Choice) -> str:
    """The rows that scores are of."""
    return "one fold of five" if choice.rows >= MANY_ROWS else f"{FOLDS} folds"


def _types(certificate: DeepCertificate, escape: TypeEscape | None) -> Iterator[str]:
    """Each layer with its representation and the dimension of its shared space."""
    yield (
        "A hidden layer is a sum of transitive signed permutation representations of the group: coset(K) permutes the "
        "cosets of a subgroup K, and coset(K, sign) changes signs, too."
    )
    yield ""
    last = len(certificate.layers)
    rows = [
        (f"{number}", "outputs" if number == last else "hidden", name, f"{dim:,}", f"{ambient:,}")
        for number, (name, dim, ambient) in enumerate(certificate.layers, 1)
    ]
    yield from markdown.table(("layer", "", "representation", "free numbers", "of"), rows, left=3)
    if escape is not None:
        verdict = "too poor" if escape.is_poor else "rich enough"
        yield ""
        yield (
            f"Started on the shared weights and then trained freely, on rows with all their images, the network left "
            f"them by at most {max(escape.on_orbits):.2g} of a layer's energy. Above {escape.threshold:g} types are "
            f"called too poor; these are {verdict}."
        )


def _yardsticks(choice: Choice) -> Iterator[str]:
    is_class = choice.best.accuracy is not None
    what = "log loss" if is_class else "risk"
    meaning = (
        "Log loss is in nats. "
        if is_class
        else "Risk is the mean squared error over the mean square of the labels about what the group fixes. "
    )
    yield f"{meaning}All models were scored on the same rows, {_held_out(choice)}; ± is the standard error over rows."
    yield ""
    headings = ("model", "free numbers", f"held-out {what}", *(["accuracy"] if is_class else []))
    best = choice.best
    entries: list[tuple[str, TypesNode | Reference]] = [(f"this network: {node_words(best)}", best)]
    entries += [(one.name, one) for one in choice.references]
    cells = [
        (title, f"{one.parameters:,}", f"{one.risk:.4g} ± {one.risk_se:.1g}", *_accuracy(one.accuracy, is_class))
        for title, one in entries
    ]
    yield from markdown.table(headings, cells)
    yield from ("", *_price(choice))
    if choice.price is not None:
        yield from ("", *_layer_price(choice.price))


def _accuracy(value: float | None, is_class: bool) -> tuple[str, ...]:
    return (NOTHING if value is None else f"{value:.3f}",) if is_class else ()


def _price(choice: Choice) -> Iterator[str]:
    """The gain or cost of tying beside the free network of the same widths."""
    free = [one for one in choice.references if one.name == FREE]
    for one in free:
        gap = choice.best.risk - one.risk
        verb = "is below" if gap < 0 else "is above"
        yield (
            f"Price of tying: the risk of the shared network {verb} that of the free network of the same widths by "
            f"{abs(gap):.3g}, with {choice.best.parameters:,} free numbers in place of {one.parameters:,}. A "
            "difference of less than its standard errors decides nothing."
        )
    if not free:
        yield "Price of tying: no free network was trained beside it."


def _layer_price(price: LayerPrice) -> Iterator[str]:
    """Ways to tie the layers, each compared with the first one."""
    first, *others = price.ways
    trainer = price.trainer.replace("adam", "Adam")
    yield (
        f"Ways to tie the layers, on {price.folds} other folds, trained by {trainer}, each with its risk less that of "
        f"the first and an interval of {price.confidence:.0%}. They say whether ties pay, not in which layer a "
        "symmetry is broken."
    )
    yield ""
    rows = [(first.name, f"{first.parameters:,}", f"{first.risk:.4g}", NOTHING, "")]
    for one in others:
        difference = f"{one.difference:+.2g} ({one.low:+.2g} to {one.high:+.2g})"
        rows.append((one.name, f"{one.parameters:,}", f"{one.risk:.4g}", difference, one.verdict))
    yield from markdown.table(("ties of the layers", "free numbers", "risk", "difference", "verdict"), rows)


def _training(choice: Choice) -> Iterator[str]:
    steps = f"{choice.best.steps:,} steps"
    if choice.best.evidence is not None:
        yield (
            f"Levenberg-Marquardt in orthonormal coordinates of the shared spaces, {steps} at most in the folds; the "
            "decay of each layer and the variance of the noise are those of the largest evidence (MacKay 1992)."
        )
    else:
        yield (
            f"AdamW in orthonormal coordinates of the shared spaces, {steps}, cosine schedule; the number of steps is "
            "that of the smallest held-out risk."
        )
    yield from _remarks(choice)
    yield from ("", "Networks that were tried:", "")
    cells = [
        ("chosen" if node.number == choice.chosen else "", node_words(node), f"{node.parameters:,}",
         f"{node.risk:.4g} ± {node.risk_se:.1g}", f"{node.steps:,}", f"{node.seconds:.1f}")
        for node in choice.nodes
    ]  # fmt: skip
    yield from markdown.table(("", "hidden layers", "free numbers", "held-out", "steps", "seconds"), cells, left=2)


def _remarks(choice: Choice) -> Iterator[str]:
    if choice.start is not None:
        yield f"{len(choice.starts)} starts were compared on one fold; that of seed {choice.start.seed} is kept."
    if choice.stopped is not None:
        yield f"Not all was tried: {markdown.escaped(choice.stopped)}."


def _use(weights: Path) -> Sequence[str]:
    is_graph = weights.suffix.lower() == ".onnx"
    return onnx_use(weights) if is_graph else torch_use(weights, MODULE, shell_word(weights.name))
