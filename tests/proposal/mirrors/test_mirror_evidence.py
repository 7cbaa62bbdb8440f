"""Terms against plain least squares, ties against the fixed space of the moves of all coefficients."""

from __future__ import annotations

import numpy as np

from sharefind.proposal.mirrors.mirror_evidence import MirrorEvidence, signed_orbits
from sharefind.proposal.mirrors.mirror_finding import mirror_finding
from sharefind.proposal.mirrors.propose_mirrors import propose_mirrors
from sharefind.proposal.mirrors.signed_map import from_points, mirror_layout
from sharefind.proposal.mirrors.terms import fit_terms
from tests.proposal.mirrors.relations import biped, biped_mirror, random_map


def test_coefficients_and_errors_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) * [1, 5, 0.1]
    y = np.stack([x[:, 0] + 2 * x[:, 1] * x[:, 2], x[:, 2] ** 2 - x[:, 1]], axis=1) + rng.normal(size=(400, 2))
    wanted = np.array([[0, 0], [1, 2]])
    terms = fit_terms(x, y, wanted=wanted)
    design = np.column_stack([np.ones(400), x, x[:, 0] ** 2, x[:, 1] * x[:, 2]])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(terms.constant[0], solution[0])
    np.testing.assert_allclose(terms.linear[0], solution[1:4].T)
    np.testing.assert_allclose(terms.products[0][:, 0, 0], solution[4])
    np.testing.assert_allclose(terms.products[0][:, 2, 1], solution[5])
    # HC3 (MacKinnon and White 1985)
    inverse = np.linalg.inv(design.T @ design)
    leverage = np.einsum("np,pq,nq->n", design, inverse, design)
    for label in range(2):
        left = (y[:, label] - design @ solution[:, label]) / (1 - leverage)
        errors = np.diag(inverse @ (design.T * left**2) @ design @ inverse)
        np.testing.assert_allclose(terms.linear[1][label], errors[1:4])
    np.testing.assert_allclose(terms.predict(x), design @ solution)


def test_products_enter_where_residuals_ask_for_them() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1000, 20))
    y = x[:, :1] * x[:, 3:4] + 0.5 * x[:, 7:8] ** 2 + 0.1 * rng.normal(size=(1000, 1))
    terms = fit_terms(x, y)
    assert sorted(map(tuple, terms.entered.tolist())) == [(0, 3), (7, 7)]
    assert np.flatnonzero(terms.seen_inputs).tolist() == [0, 3, 7]


def test_orbits_of_entries_are_the_fixed_space_of_the_moves() -> None:
    rng = np.random.default_rng(2)
    layout = mirror_layout(4, 6)
    maps = [random_map(4, 6, rng) for _ in range(2)]
    moves = [layout.parameter_move(g.points()) for g in maps]
    labels, signs, zero = signed_orbits(moves, layout.dim)
    rows = [np.eye(layout.dim)]
    for target, sign in moves:
        matrix = np.zeros((layout.dim, layout.dim))
        matrix[target, np.arange(layout.dim)] = sign
        rows.append(matrix)
    equations = np.vstack([matrix - rows[0] for matrix in rows[1:]])
    dim = layout.dim - np.linalg.matrix_rank(equations)
    kept = np.unique(labels[~zero])
    assert len(kept) == dim
    for k in kept:  # each orbit is a vector that the moves keep
        np.testing.assert_allclose(equations @ np.where(labels == k, signs, 0), 0)


def test_a_map_and_the_permutation_of_its_points_say_the_same() -> None:
    g = random_map(5, 7, np.random.default_rng(3))
    again = from_points(g.points(), mirror_layout(5, 7))
    for name in ("out_images", "out_signs", "in_images", "in_signs"):
        np.testing.assert_array_equal(getattr(g, name), getattr(again, name))


def test_true_maps_have_odds_and_wrong_signs_are_refuted() -> None:
    x, y = biped(1000)
    evidence = MirrorEvidence(fit_terms(x, y))
    right = evidence.of([biped_mirror()])
    assert not right.is_refuted and right.log_odds > 10
    wrong = biped_mirror()
    wrong.in_signs[[6, 7]] = 1
    assert evidence.of([wrong]).is_refuted


def test_the_finding_ties_the_weights_that_the_maps_tie() -> None:
    finding = mirror_finding(propose_mirrors(*biped(1000)))
    assert finding.name == "C2" and finding.group.order == 2 and finding.status == "decided"
    weight = finding.labels.reshape(finding.shape)
    assert weight[0, 2] == weight[0, 3] != 0  # roll_acc on the two hips, turned both
    assert weight[2, 6] == weight[3, 7] != 0
    assert weight[1, 0] == 0  # pitch does not know left from right
