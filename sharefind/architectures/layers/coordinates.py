"""Coordinates in which a network trains well: its inputs centred and white, as far as its group lets them be.

The centre and the matrix commute with the group of a specification, not with that of a search: an untied network is
centred column by column. What is learned in these coordinates is carried back exactly: sigma(W A u) = sigma((W A) u).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.architectures.certificate.stabiliser import rebuild_stabiliser
from sharefind.architectures.input_changes import composed, keeps_space
from sharefind.architectures.layers.shared_layers import SharedShallowNetwork
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import INPUTS, OUTPUTS
from sharefind.architectures.trained import coefficients
from sharefind.groups import Representation, hom
from sharefind.meanfield.clouds.standardise import TARGET_SD, standardisation, varies
from sharefind.spaces import fixed_space
from sharefind.typing import FloatArray


def suited(spec: SharingSpec, x: FloatArray, y: FloatArray, widest: int = 1500, label_sd: float = 1 / 5) -> SharingSpec:
    """The specification with the change of data that suits rows, for the group that the specification claims.

    Args:
        spec: The specification.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        widest: Most inputs that are made white; beyond it the root of their covariance costs more than a training.
        label_sd: Standard deviation of the labels over half the activation's range: at its ends it is too flat to be
            learned as well as in the middle.

    Returns:
        The same sharing with another centre, shift, scale and matrix.

    Raises:
        DataError: As in `sharefind.meanfield.clouds.standardise.standardisation`.
    """
    reps = rebuild_stabiliser(spec).reps
    sigma = spec.layer.output_activation
    has_classes = bool(spec.classes)
    change = standardisation(
        x, y, reps[INPUTS], reps[OUTPUTS], sigma, "scale",
        has_classes=has_classes, inputs=spec.inputs, outputs=spec.outputs,
    )  # fmt: skip
    if sigma is not None and not has_classes:
        middle = (sigma.high + sigma.low) / 2
        mean = change.shift + change.scale * middle
        scale = change.scale * TARGET_SD / label_sd
        change = replace(change, scale=scale, shift=mean - scale * middle)
    if spec.d_in <= widest and varies(x).any():
        matrix = whitening(x - change.centre, varies(x), reps[INPUTS])
        if keeps_space(spec, matrix):
            change = replace(change, matrix=matrix)
    return replace(spec, change=change)


def whitening(
    x: FloatArray, moving: NDArray[np.bool_], rep: Representation, dependent: float = 1e-12, power: float = 4
) -> FloatArray:
    """A matrix that commutes with a group and makes inputs white, as far as the group allows.

    Columns are scaled first, then their correlations undone, so that units of any size do no harm. Combinations that
    are constant are not enlarged. Where rows are few for the numbers of the covariance, it is blended with its
    diagonal.

    Args:
        x: Centred inputs, shape (n, d_in).
        moving: Which columns vary, shape (d_in,).
        rep: The group's action on X.
        dependent: Share of the largest variance below which a combination of columns, each of variance 1, counts as
            constant.
        power: Exponent of (free entries of the covariance / numbers it is estimated from), with which it gives way to
            its diagonal.

    Returns:
        The matrix, shape (d_in, d_in), invertible.
    """
    commutant = fixed_space(hom(rep, rep))

    def averaged(matrix: FloatArray) -> FloatArray:
        found = commutant.project(matrix.reshape(-1)).reshape(matrix.shape)
        return np.asarray((found + found.T) / 2, dtype=np.float64)

    kept = np.where(moving, x, 0.0)
    sizes = np.sqrt((kept**2).mean(axis=0))
    largest = float(sizes.max())
    covariance = averaged((kept / largest).T @ (kept / largest) / len(kept))
    diagonal = averaged(np.diag(np.diag(covariance)))
    outer = _root(diagonal)
    inner, alone = averaged(outer @ covariance @ outer), averaged(outer @ diagonal @ outer)
    crowded = (commutant.dim / x.size) ** power
    share = crowded / (1 + crowded)
    values, vectors = np.linalg.eigh(inner)
    constant = vectors[:, values <= dependent * values.max()]
    blended = (1 - share) * inner + share * alone + values.max() * constant @ constant.T
    return np.asarray(_root(blended) @ outer / largest, dtype=np.float64)


def _root(matrix: FloatArray) -> FloatArray:
    """The inverse root of a symmetric matrix; an eigenvalue 0 counts as the largest one."""
    values, vectors = np.linalg.eigh(matrix)
    known = np.where(values > np.finfo(np.float64).tiny * values.max(), values, values.max())
    return np.asarray((vectors / np.sqrt(known)) @ vectors.T, dtype=np.float64)


@torch.no_grad()
def compose(network: SharedShallowNetwork, matrix: FloatArray) -> None:
    """Let a network compute at x what it computed at centre + matrix (x - centre), its weights kept in their space.

    Args:
        network: Changed in place.
        matrix: Shape (d_in, d_in); W -> W matrix keeps the space.
    """
    particles = network.entries.detach().cpu().to(torch.float64).numpy()
    network.load_coefficients(coefficients(network.spec, composed(network.spec, particles, matrix)))
