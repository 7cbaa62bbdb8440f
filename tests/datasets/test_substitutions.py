"""Nucleotide substitutions: known facts about them, and which textbook models they are near."""

import sys
from itertools import permutations

import numpy as np
import pytest

from sharefind.datasets import load_task, substitution_task
from sharefind.datasets.substitutions import NUCLEOTIDES, exchangeabilities, rates, species_counts
from sharefind.errors import DataError
from tests.datasets.burnside import closure, fixed_dimension, least_squares, relative_distance

EXCHANGEABILITIES, RATES = "dna:brca1-exchangeabilities", "dna:brca1-rates"


def _swaps(*cycles: str) -> np.ndarray:
    """The permutation matrix that exchanges the two letters of each argument."""
    images = {a: b for cycle in cycles for a, b in (cycle, cycle[::-1])}
    columns = [NUCLEOTIDES.index(images.get(letter, letter)) for letter in NUCLEOTIDES]
    return np.eye(4, dtype=np.int64)[:, columns]


JC69 = closure([_swaps("AC"), _swaps("AG"), _swaps("AT")])
K80 = closure([_swaps("AG"), _swaps("AC", "GT")])
K81 = closure([_swaps("AG", "CT"), _swaps("AC", "GT")])
STRAND = closure([_swaps("AT", "CG")])
WRONG = (closure([_swaps("AC"), _swaps("AG", "CT")]), closure([_swaps("AT"), _swaps("AG", "CT")]))
PYRIMIDINES = closure([_swaps("CT")])


def _matrix(name: str) -> np.ndarray:
    return least_squares(*load_task(name).arrays())


def test_the_models_have_the_textbook_numbers_of_parameters() -> None:
    """With the diagonal, which a rate matrix does not leave free: 1 + 1, 2 + 1, 3 + 1 and 6 + 2."""
    orders = [len(group) for group in (JC69, K80, K81, STRAND)]
    dimensions = [fixed_dimension(group) for group in (JC69, K80, K81, STRAND)]
    assert orders == [24, 8, 4, 2] and dimensions == [2, 3, 4, 8]


def test_rows() -> None:
    pytest.importorskip("cogent3")
    task = load_task(EXCHANGEABILITIES)
    x, y = task.arrays()
    assert x.shape == y.shape == (4 * 55, 4) and "BSD-3" in task.description
    np.testing.assert_array_equal(x.reshape(55, 4, 4), np.broadcast_to(np.eye(4), (55, 4, 4)))
    matrices = y.reshape(55, 4, 4)
    np.testing.assert_allclose(matrices, matrices.transpose(0, 2, 1), rtol=1e-12)  # exchangeable: s_ij = s_ji
    np.testing.assert_allclose(matrices.sum(axis=(1, 2)), 4.0, rtol=1e-12)
    assert not matrices[:, range(4), range(4)].any() and 0 < matrices.max() < 1


def test_transitions_are_more_frequent_than_transversions() -> None:
    pytest.importorskip("cogent3")
    for name in (EXCHANGEABILITIES, RATES):
        _, y = load_task(name).arrays()
        matrices = y.reshape(55, 4, 4)
        transitions = [matrices[:, i, j] for i, j in ((0, 2), (2, 0), (1, 3), (3, 1))]
        others = [matrices[:, i, j] for i, j in permutations(range(4), 2) if (i + j) % 2]
        assert np.mean(transitions) > 2 * np.mean(others)
        assert (np.mean(transitions, axis=0) > np.mean(others, axis=0)).all()  # in every species


def test_distances_of_exchangeabilities() -> None:
    pytest.importorskip("cogent3")
    matrix = _matrix(EXCHANGEABILITIES)
    near = [relative_distance(matrix, group) for group in (K80, K81, STRAND)]
    far = [relative_distance(matrix, group) for group in (JC69, *WRONG)]
    assert near == pytest.approx([0.076, 0.076, 0.058], abs=1e-3)
    assert far == pytest.approx([0.517, 0.453, 0.445], abs=1e-3)


def test_unequal_base_frequencies_break_the_symmetry_of_rates() -> None:
    pytest.importorskip("cogent3")
    matrix = _matrix(RATES)
    found = [relative_distance(matrix, group) for group in (JC69, K80, STRAND, PYRIMIDINES)]
    assert found == pytest.approx([0.549, 0.226, 0.147, 0.069], abs=1e-3)


def test_exchangeabilities_of_a_known_process() -> None:
    """Rates q_ij = s_ij pi_j of a short time give back s, whatever the base frequencies are; rates do not."""
    s = np.array([[0, 1, 5, 1], [1, 0, 1, 5], [5, 1, 0, 1], [1, 5, 1, 0]], dtype=np.float64)
    frequencies = np.array([0.4, 0.2, 0.3, 0.1])
    joint = 1e-6 * s * np.outer(frequencies, frequencies)
    joint += np.diag(frequencies - joint.sum(axis=1))
    np.testing.assert_allclose(exchangeabilities(joint[None])[0], 4 * s / s.sum(), rtol=1e-9)
    expected = s * frequencies[:, None]
    np.testing.assert_allclose(rates(joint[None])[0], 4 * expected / expected.sum(), rtol=1e-9)


def test_counts_leave_out_gaps_pair_by_pair() -> None:
    sites = np.array([[0, 1, 2, -1], [0, 3, -1, 1], [2, 3, 2, 1]])
    first, second, third = species_counts(sites)
    # Pairs of the first sequence: A-A, C-T with the second, A-G, C-T, G-G with the third; each counted both ways.
    expected = np.zeros((4, 4))
    expected[0, 0] = expected[2, 2] = 2
    expected[0, 2] = expected[2, 0] = 1
    expected[1, 3] = expected[3, 1] = 2
    np.testing.assert_array_equal(first, expected)
    assert second.sum() == 2 * (2 + 3) and third.sum() == 2 * (3 + 3)


def test_wrong_names_and_a_missing_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^no substitutions 'codons'; use one of exchangeabilities, rates$"):
        substitution_task("codons")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "cogent3", None)
    with pytest.raises(DataError, match=r"^[^\n]*sharefind\[dna\]'$"):
        load_task(RATES)
