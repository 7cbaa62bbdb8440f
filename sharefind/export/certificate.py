"""The proof that comes with an export: the generators fix the space, so that the layer is equivariant.

Exact spaces are proven over the field of their entries; numerical ones are measured only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import expm
from sympy.polys.matrices import DomainMatrix

from sharefind.export.spec import SharingSpec
from sharefind.export.stabiliser import ExactPair, Stabiliser, rebuild_stabiliser, refusal
from sharefind.groups import FiniteGroup
from sharefind.groups.matrices import (
    Rows,
    as_signed_permutation,
    common_matrices,
    rows_of,
    sparse_matrix,
    to_float,
)
from sharefind.meanfield.models import predict
from sharefind.spaces import fixed_space, matrix_space

TOLERANCE = 1e-6
"""Largest relative equivariance error of the float64 layer; rounding alone gives about 1e-15."""

TRIALS = 16
"""Random inputs of the numerical check."""

PARTICLES = 32
"""Random particles, projected on the space, of the numerical check."""

FloatArray = NDArray[np.float64]
Move = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Certificate:
    """What was checked about a specification, all of it with success.

    Attributes:
        group: name of the stabiliser. order: as stated, None when infinite.
        generated_order: of the matrix group of the generators, a divisor of `order`; None when infinite.
        dim, ambient: of the space. field: where the proof took place.
        is_proven: the space is exact, and M_g z = z was shown for a basis and all generators.
        is_fixed_space: the space is all of E^G.
        error: largest relative equivariance error of a random layer, below `tolerance` over `trials` inputs.
    """

    group: str
    order: int | None
    generated_order: int | None
    dim: int
    ambient: int
    field: str
    is_proven: bool
    is_fixed_space: bool
    error: float
    tolerance: float
    trials: int

    @property
    def statement(self) -> str:
        """The certificate in one sentence, the same on every machine."""
        which = f"E^{self.group}" if self.is_fixed_space else f"a space fixed by {self.group}"
        proof = f"proven exactly over {self.field}" if self.is_proven else "numerical, not exact and not proven"
        return (
            f"{which}, dim {self.dim} of {self.ambient}: {proof}; "
            f"equivariant up to a relative error of {self.tolerance:.0e} in float64"
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the attributes as keys."""
        return asdict(self)


def certify(spec: SharingSpec, trials: int = TRIALS, tolerance: float = TOLERANCE, seed: int = 0) -> Certificate:
    """Prove that the layer of a specification is equivariant (Maass & Fontbona 2024, Section 2), or refuse.

    Exactly: generators act orthogonally, sigma commutes with them on Y, M_g z = z on a basis of the space,
    and dim E = dim E^G (but {0}, fixed by everything, may be smaller). Numerically: the change of data
    commutes with the group, and a layer of random particles in the space is equivariant.

    Raises:
        ExportError: one of these fails; the message says which.
    """
    stabiliser = rebuild_stabiliser(spec)
    _check_pointwise(spec, stabiliser)
    generated = _check_order(spec, stabiliser)
    if spec.space.is_exact:
        _check_fixed(spec, stabiliser.pairs, is_lie=False)
        _check_fixed(spec, stabiliser.lie, is_lie=True)
    is_fixed_space = _check_dimension(spec, stabiliser)
    rng = np.random.default_rng(seed)
    moves = list(_float_moves(stabiliser, rng))
    _check_change(spec, moves, tolerance)
    error = layer_error(spec, moves, trials, rng)
    if not error <= tolerance:
        raise refusal(f"the layer breaks {spec.group_name} by {error:.1e}, more than {tolerance:.0e}")
    space = spec.space
    return Certificate(
        group=spec.group_name,
        order=spec.group_order,
        generated_order=generated,
        dim=space.dim,
        ambient=space.ambient,
        field=str(_common_field(spec, stabiliser)),
        is_proven=space.is_exact,
        is_fixed_space=is_fixed_space,
        error=error,
        tolerance=tolerance,
        trials=trials,
    )


def _common_field(spec: SharingSpec, stabiliser: Stabiliser) -> Any:
    if not spec.space.is_exact:
        return "float64"
    matrices = [m for pair in (*stabiliser.pairs, *stabiliser.lie) for m in pair]
    return common_matrices([spec.space.exact_rows(), *matrices])[0].domain


def _check_pointwise(spec: SharingSpec, stabiliser: Stabiliser) -> None:
    """Sigma on each coordinate commutes with permutations of Y, if odd with signed ones, with no others."""
    sigma, group = spec.activation, spec.group_name
    for position, (_, out) in enumerate(stabiliser.pairs):
        image = as_signed_permutation(out)
        if image is None or (not sigma.is_odd and min(image[1]) < 0):
            raise refusal(f"{sigma.name} does not commute with generator {position} of {group} on outputs")
    if not all(out.is_zero_matrix for _, out in stabiliser.lie):
        raise refusal(f"{sigma.name} does not commute with the rotations of {group} on outputs")


def _check_order(spec: SharingSpec, stabiliser: Stabiliser) -> int | None:
    group = stabiliser.in_rep.group
    if spec.group_order is None or not isinstance(group, FiniteGroup):
        return None
    if spec.group_order % group.order:
        raise refusal(
            f"the generators generate a group of order {group.order}, no divisor of the order "
            f"{spec.group_order} of {spec.group_name}"
        )
    return group.order


def _check_fixed(spec: SharingSpec, pairs: Sequence[ExactPair], is_lie: bool) -> None:
    """Every generator fixes a basis of the space, exactly; derivatives along a Lie algebra vanish on it."""
    for position, (on_inputs, on_outputs) in enumerate(pairs):
        rows, on_inputs, on_outputs = common_matrices([spec.space.exact_rows(), on_inputs, on_outputs])
        vectors = (_split(vector, spec, rows.domain) for vector in rows_of(rows).values())
        if any(_is_moved(vector, (on_inputs, on_outputs), is_lie) for vector in vectors):
            kind = "Lie generator" if is_lie else "generator"
            raise refusal(f"{kind} {position} of {spec.group_name} moves a parameter of the space")


def _is_moved(vector: ExactPair, pair: ExactPair, is_lie: bool) -> bool:
    """Whether M_g (W, b) = (W, b) fails; without inverses: rhohat_g W = W rho_g and rhohat_g b = b."""
    (weight, bias), (on_inputs, on_outputs) = vector, pair
    moved_bias = on_outputs * bias
    change = moved_bias if is_lie else moved_bias - bias
    return not ((on_outputs * weight - weight * on_inputs).is_zero_matrix and change.is_zero_matrix)


def _split(vector: dict[int, Any], spec: SharingSpec, field: Any) -> tuple[DomainMatrix, DomainMatrix]:
    """A basis vector {index: value} as W (d_out, d_in) and b (d_out, 1)."""
    weight: Rows = {}
    bias: Rows = {}
    for index, value in vector.items():
        row, column = divmod(index, spec.d_in)
        if row < spec.d_out:
            weight.setdefault(row, {})[column] = value
        else:
            bias[index - spec.d_out * spec.d_in] = {0: value}
    return sparse_matrix(weight, (spec.d_out, spec.d_in), field), sparse_matrix(bias, (spec.d_out, 1), field)


def _check_dimension(spec: SharingSpec, stabiliser: Stabiliser) -> bool:
    """Whether the space is all of E^G; only {0} and numerical spaces may be less."""
    action = matrix_space(stabiliser.in_rep, stabiliser.out_rep, spec.has_bias).action
    whole = fixed_space(action).dim
    if spec.space.is_exact and spec.space.dim not in (0, whole):
        raise refusal(f"the space has dimension {spec.space.dim} and E^{spec.group_name} has {whole}")
    return spec.space.is_exact and spec.space.dim == whole


def _float_moves(stabiliser: Stabiliser, rng: np.random.Generator) -> Iterator[Move]:
    """Group elements as float64 matrices on inputs and outputs: the generators, and exp(t X) at random t."""
    for on_inputs, on_outputs in stabiliser.pairs:
        yield to_float(on_inputs), to_float(on_outputs)
    for on_inputs, on_outputs in stabiliser.lie:
        t = rng.uniform(-np.pi, np.pi)
        yield expm(t * to_float(on_inputs)), expm(t * to_float(on_outputs))


def _check_change(spec: SharingSpec, moves: Sequence[Move], tolerance: float) -> None:
    matrix, shift = spec.change.matrix, spec.change.shift
    for on_inputs, on_outputs in moves:
        turned = np.abs(on_inputs @ matrix - matrix @ on_inputs).max() > tolerance * np.abs(matrix).max()
        if turned or np.abs(on_outputs @ shift - shift).max() > tolerance * np.abs(shift).max():
            raise refusal(f"the change of data does not commute with {spec.group_name}")


def layer_error(spec: SharingSpec, moves: Sequence[Move], trials: int, rng: np.random.Generator) -> float:
    """Largest |f(g x) - g f(x)| over random x and the given g, relative to the largest |f(x)|; float64.

    f = shift + scale mean_i sigma(W_i x + b_i), with random particles projected on the space.
    """
    theta = np.asarray(spec.space.project(rng.standard_normal((PARTICLES, spec.space.ambient))))
    x = rng.standard_normal((trials, spec.d_in))
    plain = _layer(spec, x, theta)
    size = max(float(np.abs(plain).max()), float(np.finfo(np.float64).tiny))
    errors = [np.abs(_layer(spec, x @ a.T, theta) - plain @ b.T).max() / size for a, b in moves]
    return float(max(errors, default=0.0))


def _layer(spec: SharingSpec, x: FloatArray, theta: FloatArray) -> FloatArray:
    """f(x): x (B, d_in), theta (N, D) -> (B, d_out)."""
    inner = predict(spec.layer, torch.from_numpy(x)[None], torch.from_numpy(theta.T.copy())[None])[0]
    return np.asarray(spec.change.shift + spec.change.scale * inner.numpy())
