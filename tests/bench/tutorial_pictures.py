"""`python -m tests.bench.tutorial_pictures`: the pictures of docs/tutorials, from the data sets themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from sharefind.api.resolve import resolve_problem
from sharefind.datasets import load_task
from sharefind.search import search_config
from tests.bench.real_data import distances, least_squares

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "tutorials"
DPI = 110
MOST_BYTES = 150_000
COLOURS = "RdBu_r"
MONTHS = "JFMAMJJASOND"

FloatArray = NDArray[np.float64]


def main() -> None:
    """Draw all pictures; refuses one that is too large for the repository."""
    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 10, "figure.constrained_layout.use": True})
    FOLDER.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[], Any]] = {
        "dna": dna, "methane": methane, "elasticity": elasticity, "tic-tac-toe": board, "el-nino": el_nino,
        "textures": textures,
    }  # fmt: skip
    for name, draw in pictures.items():
        path = FOLDER / f"{name}.png"
        figure = draw()
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}")
        print(f"{path.name}: {path.stat().st_size} bytes")


def dna() -> Any:
    """Fitted exchangeabilities and rates, and how far they are from each model."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=[1, 1, 1.5])
    names = {"dna:brca1-exchangeabilities": "exchangeabilities", "dna:brca1-rates": "rates"}
    models = {
        "S4": "JC69 (S4)", "D4:<(0 2 3 1), (0 2)(1 3)>": "D4, A with T", "D4:<(0 2 1 3), (0 1)>": "D4, A with C",
        "D4": "K80 (D4, A with G)", "V4": "K81 (V4)", "C2:<(0 3)(1 2)>": "strand (C2)", "C2:<(1 3)>": "C with T (C2)",
    }  # fmt: skip
    for axis, (name, title) in zip(axes, names.items(), strict=False):
        heat(axis, least_squares(*load_task(name).arrays()), "ACGT", title, numbers=True)
    for shift, name in zip((0.2, -0.2), names, strict=True):
        found = {label: d for label, _, d in distances(name, resolve_problem(search_config(data=name)))}
        places = np.arange(len(models))[::-1] + shift
        axes[2].barh(places, [found[label] for label in models], 0.38, label=names[name])
    axes[2].set_yticks(np.arange(len(models))[::-1], list(models.values()))
    axes[2].axvline(0.12, color="black", lw=1, ls=":", label="tolerance")
    axes[2].set_title("relative distance to the model")
    axes[2].legend(fontsize=8)
    return figure


def heat(axis: Any, matrix: FloatArray, labels: Any, title: str, numbers: bool = False) -> None:
    """A matrix in colours, white at 0."""
    limit = float(np.abs(matrix).max())
    axis.imshow(matrix, cmap=COLOURS, vmin=-limit, vmax=limit)
    axis.set_xticks(range(matrix.shape[1]), labels)
    axis.set_yticks(range(matrix.shape[0]), labels)
    axis.set_title(title)
    if not numbers:
        return
    for i, j in np.ndindex(*matrix.shape):
        shown = f"{matrix[i, j]:.2f}" if limit < 10 else f"{matrix[i, j]:.1f}"
        colour = "white" if abs(matrix[i, j]) > 0.6 * limit else "black"
        axis.text(j, i, shown.replace("-0.0", "0.0"), ha="center", va="center", color=colour, fontsize=8)


def methane() -> Any:
    """Force constants of methane, at rest and with a bond stretched."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 4))
    atoms = ["C", "H1", "H2", "H3", "H4"]
    for axis, name in zip(axes, ("methane", "methane:stretched"), strict=True):
        matrix = -least_squares(*load_task(name).arrays())
        heat(axis, matrix, [""] * 15, f"{name}: force constants")
        for place in range(1, 5):
            axis.axhline(3 * place - 0.5, color="grey", lw=0.6)
            axis.axvline(3 * place - 0.5, color="grey", lw=0.6)
        axis.set_xticks(np.arange(5) * 3 + 1, atoms)
        axis.set_yticks(np.arange(5) * 3 + 1, atoms)
    figure.colorbar(axes[1].images[0], ax=axes, label="eV / Å²", shrink=0.8)
    return figure


def elasticity() -> Any:
    """Stiffness of copper at rest and stretched, in GPa."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.3))
    for axis, name in zip(axes, ("elasticity:Cu", "elasticity:Cu-stretched"), strict=True):
        matrix = 100 * least_squares(*load_task(name).arrays())
        heat(axis, matrix, ["11", "22", "33", "23", "13", "12"], f"{name}, GPa", numbers=True)
        axis.set_xlabel("strain")
        axis.set_ylabel("stress")
    return figure


def board() -> Any:
    """What a piece on each cell does to the value of a move to the corner, an edge and the centre."""
    matrix = least_squares(*load_task("tic-tac-toe").arrays())
    figure, axes = plt.subplots(3, 3, figsize=(5.4, 5.6))
    for cell, axis in enumerate(axes.ravel()):
        axis.imshow(matrix[cell].reshape(3, 3), cmap="viridis", vmin=matrix.min(), vmax=matrix.max())
        axis.set_xticks([])
        axis.set_yticks([])
        row, column = divmod(cell, 3)
        axis.plot(column, row, "o", color="red", ms=6)
    figure.colorbar(axes[0, 0].images[0], ax=axes, shrink=0.6, label="weight of one's own piece")
    figure.suptitle("value of a move to the dot, from the nine cells")
    return figure


def el_nino() -> Any:
    """The season, and the fitted matrix beside the nearest circulant one."""
    task = load_task("elnino")
    x, y = task.arrays()
    matrix = least_squares(x, y)
    problem = resolve_problem(search_config(data="elnino"))
    circulant = problem.fixed_space.project(matrix.ravel()).reshape(12, 12)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.3))
    axes[0].plot(x.T, color="grey", lw=0.5, alpha=0.5)
    axes[0].plot(x.mean(0), color="black", lw=2)
    axes[0].set_xticks(range(12), list(MONTHS))
    axes[0].set_title("60 years, and their mean")
    heat(axes[1], matrix, list(MONTHS), "fitted: year to the year one month later")
    heat(axes[2], circulant, list(MONTHS), "nearest circulant")
    for axis in axes[1:]:
        axis.set_yticks(range(12), [*MONTHS[1:], MONTHS[0]])
    return figure


def textures() -> Any:
    """A part of each image and the filter that predicts a pixel from its neighbours."""
    figure, axes = plt.subplots(2, 3, figsize=(6.6, 4.6))
    for column, name in enumerate(("gravel", "brick", "grass")):
        x, y = load_task(f"texture:{name}").arrays()
        side = round(len(y) ** 0.5)
        axes[0, column].imshow(y.reshape(side, side)[:96, :96], cmap="gray")
        axes[0, column].set_title(name)
        weights = np.linalg.solve(x.T @ x, x.T @ y[:, 0])
        window = np.insert(weights, 12, 0.0).reshape(5, 5)
        limit = float(np.abs(window).max())
        axes[1, column].imshow(window, cmap=COLOURS, vmin=-limit, vmax=limit)
        for axis in axes[:, column]:
            axis.set_xticks([])
            axis.set_yticks([])
    axes[1, 0].set_ylabel("5x5 filter")
    return figure


if __name__ == "__main__":
    main()
