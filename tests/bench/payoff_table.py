"""The table and the picture of `payoff`: errors with intervals, and whether sharing won or lost.

python -m tests.bench.payoff_table FILE.csv --markdown FILE.md --picture FILE.png
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from tests.bench.payoff import Record, read_records
from tests.bench.payoff_demos import DEMOS

MODELS = ("dense", "found", "true", "augmented")
HEADS = ("dense", "tied as found", "tied as is true", "augmented")
CONFIDENCE = 0.95
COLOURS = {"dense": "#9aa5b1", "found": "#1769aa", "true": "#2a9d5c", "augmented": "#e08e2b"}
COLUMNS = 4


@dataclass(frozen=True)
class Interval:
    """A mean with its Student interval over seeds."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{_short(self.mean)} ± {_short(self.half)}"


@dataclass(frozen=True)
class Line:
    """One demo and number of rows: errors, the paired gain dense - found, and what the search found."""

    demo: str
    n: int
    errors: dict[str, Interval]
    gain: Interval
    found_true: int
    seeds: int
    parameters: dict[str, int]
    seconds: dict[str, float]
    search_seconds: float

    @property
    def verdict(self) -> str:
        """Whether what was found beats the dense network, on the seeds at hand."""
        if self.gain.mean - self.gain.half > 0:
            return "wins"
        return "loses" if self.gain.mean + self.gain.half < 0 else "no difference"


def interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Mean and half width of the Student interval; infinite where there is one value."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return Interval(float(array.mean()), math.inf)
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(array) - 1))
    return Interval(float(array.mean()), quantile * float(array.std(ddof=1)) / math.sqrt(len(array)))


def lines(records: Sequence[Record]) -> Iterator[Line]:
    """A line for each demo and number of rows, in the order of the demos."""
    order = list(DEMOS)
    ordered = sorted(records, key=lambda r: (order.index(r.demo), r.n, r.seed, r.model))
    for (demo, n), group in groupby(ordered, key=lambda r: (r.demo, r.n)):
        rows = list(group)
        by_model = {model: [r for r in rows if r.model == model] for model in MODELS}
        errors = {model: np.array([r.error for r in by_model[model]]) for model in MODELS}
        same = [a.dim == b.dim for a, b in zip(by_model["found"], by_model["true"], strict=True)]
        yield Line(
            demo,
            n,
            {model: interval(errors[model]) for model in MODELS},
            interval(errors["dense"] - errors["found"]),
            sum(same),
            len(same),
            {model: int(np.median([r.parameters for r in by_model[model]])) for model in MODELS},
            {model: float(np.median([r.seconds for r in by_model[model]])) for model in MODELS},
            float(np.median([r.search_seconds for r in by_model["found"]])),
        )


def markdown(found: Sequence[Line]) -> str:
    """The table of errors, then that of sizes and times."""
    out = _head("demo", "rows", *HEADS, "dense - found", "sharing", "found the truth")
    for line in found:
        errors = " | ".join(str(line.errors[model]) for model in MODELS)
        out.append(
            f"| {line.demo} | {line.n} | {errors} | {line.gain} | {line.verdict} | {line.found_true} of {line.seeds} |"
        )
    out += [
        "",
        "| demo | rows | numbers, dense | numbers, found | training, dense | training, found | augmented | search |",
    ]
    out.append("| --- " * 8 + "|")
    for line in found:
        seconds = " | ".join(f"{line.seconds[model]:.1f} s" for model in ("dense", "found", "augmented"))
        numbers = f"{line.parameters['dense']:,} | {line.parameters['found']:,}"
        out.append(f"| {line.demo} | {line.n} | {numbers} | {seconds} | {line.search_seconds:.1f} s |")
    return "\n".join(out) + "\n"


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]


def picture(found: Sequence[Line], path: Path) -> None:
    """Error against rows, one panel a demo."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    names = list(dict.fromkeys(line.demo for line in found))
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(3.3 * COLUMNS, 2.6 * rows), layout="constrained")
    axes: Any = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for panel, name in zip(axes, names, strict=False):
        mine = [line for line in found if line.demo == name]
        for model in MODELS:
            means, halves = zip(*((line.errors[model].mean, line.errors[model].half) for line in mine), strict=True)
            style = {"marker": "o", "ms": 3.5, "lw": 1.4, "capsize": 2, "color": COLOURS[model], "label": model}
            panel.errorbar([line.n for line in mine], means, yerr=halves, **style)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks([line.n for line in mine], [str(line.n) for line in mine])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_title(name, fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=7, which="both")
    for panel in axes[len(names) :]:
        panel.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    (axes[len(names)] if len(axes) > len(names) else axes[0]).legend(handles, labels, frameon=False, loc="center")
    figure.supxlabel("training rows", fontsize=9)
    figure.supylabel("test error, 1 - R²", fontsize=9)
    figure.savefig(path, dpi=110)


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def main() -> None:
    """Write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    found = list(lines(read_records(given.csv)))
    if given.markdown is not None:
        given.markdown.write_text(markdown(found))
    else:
        print(markdown(found), end="")
    if given.picture is not None:
        picture(found, given.picture)


if __name__ == "__main__":
    main()
