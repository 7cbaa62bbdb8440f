"""Nucleotide substitutions between species: which textbook model of DNA evolution do they follow?

The alignment of BRCA1 ships inside cogent3 (the extra `dna`), so nothing is downloaded when a task is loaded.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.task import Task, finite_task, needs
from sharefind.errors import DataError
from sharefind.typing import FloatArray

Substitutions = Literal["exchangeabilities", "rates"]
SUBSTITUTIONS: tuple[Substitutions, ...] = get_args(Substitutions)

NUCLEOTIDES = "ACGT"
"""The order of the coordinates: 0 A, 1 C, 2 G, 3 T. Purines are 0 and 2, pyrimidines 1 and 3; 0-3 and 1-2 pair."""

DESCRIPTIONS: dict[Substitutions, str] = {
    "exchangeabilities": "BRCA1 of 55 mammals: how readily nucleotides replace each other, base composition divided out"
    " (real data, BSD-3)",
    "rates": "BRCA1 of 55 mammals: how often each nucleotide is replaced by each other (real data, BSD-3)",
}


def substitution_task(kind: Substitutions, tolerance: float = 0.12) -> Task:
    """Return the tasks `dna:brca1-<kind>`: from a nucleotide to the readiness with which each other one takes its
    place.

    x (220, 4) has one-hot rows, y (220, 4) columns of `exchangeabilities` or `rates`: four rows for each of 55 species,
    from its 54 pairs with the others in 3,009 aligned sites. Subgroups of S_4 permute the nucleotides; E^H in R^{4x4}
    is the substitution model of H: Jukes-Cantor 1969 for S_4, Kimura 1980 for D_4, Kimura 1981 for V_4. Species share
    pairs and ancestors, so they are not independent, and p-values are a guide.

    Args:
        kind: Kind of the labels.
        tolerance: Relative escape that counts as staying. The data lie .076 from the model K80, and .45 and more from
            models that do not hold.

    Raises:
        DataError: The kind is unknown or cogent3 is missing.
    """
    if kind not in SUBSTITUTIONS:
        raise DataError(f"no substitutions {kind!r}; use one of {', '.join(SUBSTITUTIONS)}")
    counts = species_counts(_sites(kind))
    matrices = exchangeabilities(counts) if kind == "exchangeabilities" else rates(counts)
    x = np.tile(np.eye(len(NUCLEOTIDES)), (len(matrices), 1))
    return finite_task(
        f"dna:brca1-{kind}",
        x,
        np.swapaxes(matrices, 1, 2).reshape(x.shape),
        description=DESCRIPTIONS[kind],
        in_rep="natural",
        out_rep="natural",
        unit="matrix:tanh",
        tolerance=tolerance,
        group="S4",
    )


def species_counts(sites: NDArray[np.int64]) -> FloatArray:
    """Return joint counts of each sequence with all others, made symmetric.

    A site where either sequence has a gap or an ambiguous letter (-1) is left out of that pair.

    Args:
        sites: Numbers of the letters, shape (species, length), int64.

    Returns:
        Shape (species, 4, 4).
    """
    letters = np.arange(len(NUCLEOTIDES))
    present = (sites[:, None, :] == letters[:, None]).astype(np.float64)
    others = present.sum(axis=0) - present
    one_way: FloatArray = present @ np.swapaxes(others, 1, 2)
    return one_way + np.swapaxes(one_way, 1, 2)


def exchangeabilities(counts: FloatArray) -> FloatArray:
    """Return joint frequencies over products of base frequencies, off the diagonal, `_scaled`.

    For a time-reversible process q_ij = s_ij pi_j this is s_ij to first order in time (Tavare 1986).

    Args:
        counts: Joint counts, shape (species, 4, 4).

    Returns:
        Shape (species, 4, 4).
    """
    frequencies = counts.sum(axis=2)
    return _scaled(counts / (frequencies[:, :, None] * frequencies[:, None, :]))


def rates(counts: FloatArray) -> FloatArray:
    """Return the share of the sites with j (column) that have i (row) in the other sequence, `_scaled`.

    Args:
        counts: Joint counts, shape (species, 4, 4).

    Returns:
        Shape (species, 4, 4).
    """
    return _scaled(counts / counts.sum(axis=1)[:, None, :])


def _scaled(matrices: FloatArray) -> FloatArray:
    """Zero diagonals, and columns that sum to 1 on average: one substitution a unit of time at equal frequencies."""
    off = matrices * ~np.eye(len(NUCLEOTIDES), dtype=bool)
    totals = off.sum(axis=(1, 2))
    return np.asarray(len(NUCLEOTIDES) * off / totals[:, None, None])


def _sites(kind: Substitutions) -> NDArray[np.int64]:
    """Letters as numbers, int64 (55, 3009); gaps and ambiguous letters are -1. Species in alphabetical order."""
    with needs(f"dna:brca1-{kind}", "cogent3", "dna"):
        from cogent3 import get_dataset
    alignment = get_dataset("brca1")
    letters = (str(alignment.get_gapped_seq(name)) for name in sorted(alignment.names))
    return np.array([[NUCLEOTIDES.find(letter) for letter in row] for row in letters], dtype=np.int64)
