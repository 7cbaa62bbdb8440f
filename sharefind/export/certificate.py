"""The proof that comes with an export: the generators fix the space, so that the layer is equivariant.

Exact spaces are proven over the field of their entries; numerical ones are measured only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError
from sharefind.export.places import matrix_key, number_faults, pointwise_fault, sign_faults, space_fault
from sharefind.export.spec import HIDDEN, INPUTS, OUTPUTS, SharingSpec
from sharefind.export.stabiliser import ExactMove, Stabiliser, rebuild_stabiliser, refusal
from sharefind.groups import FiniteGroup, Group, named_group, structure_name
from sharefind.groups.matrices import (
    as_signed_permutation,
    common_matrices,
    rows_of,
    sparse_matrix,
    to_float,
)
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.meanfield.models import predict_labels
from sharefind.meanfield.standardise import Standardisation
from sharefind.meanfield.units import two_layer_space
from sharefind.spaces import Block, Subspace, fixed_space, matrix_space

TOLERANCE = 1e-6
"""Largest relative equivariance error of the float64 layer; rounding alone gives about 1e-15."""

TRIALS = 16
"""Random inputs of the numerical check."""

PARTICLES = 32
"""Random particles, projected on the space, of the numerical check."""

ROUNDING = 64
"""Units in the last place, a coordinate, by which an offset may fail to be fixed: sums over the group leave a few."""

MAX_NAMED = 4
"""Up to this many entries are named that would each explain a refusal."""

FloatArray = NDArray[np.float64]
Move = tuple[FloatArray, FloatArray]
"""A group element on inputs and on outputs."""


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
        if self.order == 1 and not self.is_fixed_space:
            kind = "exact ties" if self.is_proven else "a numerical space, not exact,"
            return f"{kind} without a group, dim {self.dim} of {self.ambient}: no symmetry is claimed, none proven"
        which = f"E^{self.group}" if self.is_fixed_space else f"a space fixed by {self.group}"
        proof = f"proven exactly over {self.field}" if self.is_proven else "numerical, not exact and not proven"
        return (
            f"{which}, dim {self.dim} of {self.ambient}: {proof}; "
            f"equivariant up to a relative error of {self.tolerance:.0e} in float64"
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the attributes as keys."""
        return asdict(self)


def certify(
    spec: SharingSpec,
    trials: int = TRIALS,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    written: Mapping[str, Any] | None = None,
) -> Certificate:
    """Prove that the layer of a specification is equivariant (Maass & Fontbona 2024, Section 2), or refuse.

    Exactly: generators act orthogonally, sigma commutes with them where it is applied, M_g z = z on a basis of the
    space, and dim E = dim E^G (but {0}, fixed by everything, may be smaller). Numerically: the change of data
    commutes with the group, which fixes its centre and shift, and a layer of random particles in the space is
    equivariant.

    Args:
        spec: what is claimed. trials: random inputs. tolerance: of relative errors. seed: of the inputs.
        written: the space as it stands in a file, to name the entry that is wrong.

    Raises:
        ExportError: one of these fails; the message says which, and which entry explains it.
    """
    stabiliser = rebuild_stabiliser(spec)
    _check_pointwise(spec, stabiliser)
    try:
        generated = _check_order(spec, stabiliser)
        if spec.space.is_exact:
            _check_fixed(spec, stabiliser.pairs, is_lie=False)
            _check_fixed(spec, stabiliser.lie, is_lie=True)
        is_fixed_space = _check_dimension(spec, stabiliser)
    except _Unfixed as claim:
        raise refusal(f"{claim}{_explanation(spec, stabiliser, written)}") from None
    rng = np.random.default_rng(seed)
    moves = list(_float_moves(stabiliser, rng))
    _check_change(spec, stabiliser, moves, tolerance)
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


class _Unfixed(Exception):
    """The space and the group do not belong together; which of them is wrong is yet to be found."""


def _explanation(spec: SharingSpec, stabiliser: Stabiliser, written: Mapping[str, Any] | None) -> str:
    """The entries each of which explains why space and group do not belong together, as the end of a sentence."""
    if not spec.space.is_exact:
        return ""
    whole = _whole(spec, stabiliser)
    place, count = space_fault(spec, whole, spec.space.to_json() if written is None else written)
    signs = sign_faults(spec, stabiliser.pairs, lambda move: not _moved(spec, move, is_lie=False))
    found = [place] if count == 1 else []
    if 1 <= len(signs) <= MAX_NAMED:
        found.append(f"{' or '.join(signs)} has the wrong sign")
    if not found and place:
        found = [f"{count} entries differ from E^{spec.group_name}, the first is {place}"]
    return f": {', or '.join(found)}" if found else ""


def _common_field(spec: SharingSpec, stabiliser: Stabiliser) -> Any:
    if not spec.space.is_exact:
        return "float64"
    matrices = [m for pair in (*stabiliser.pairs, *stabiliser.lie) for m in pair]
    return common_matrices([spec.space.exact_rows(), *matrices])[0].domain


def _check_pointwise(spec: SharingSpec, stabiliser: Stabiliser) -> None:
    """Sigma on each coordinate commutes with permutations, if odd with signed ones, with no others."""
    sigma, group = spec.activation, spec.group_name
    place, where = (HIDDEN, "hidden units") if spec.has_hidden else (OUTPUTS, "outputs")
    for position, move in enumerate(stabiliser.pairs):
        image = as_signed_permutation(move[place])
        if image is None or (not sigma.is_odd and min(image[1]) < 0):
            entry = pointwise_fault(move[place], matrix_key("generators", position, place))
            raise refusal(f"{sigma.name} does not commute with generator {position} of {group} on {where}: see {entry}")
    if not all(move[place].is_zero_matrix for move in stabiliser.lie):
        raise refusal(f"{sigma.name} does not commute with the rotations of {group} on {where}")


def _check_order(spec: SharingSpec, stabiliser: Stabiliser) -> int | None:
    """The order of the group that the generators generate, None where it is infinite."""
    group, known = stabiliser.reps[INPUTS].group, known_order(spec.group_name)
    if known is not None and spec.group_order != known:
        raise refusal(f"group.order is {spec.group_order}, and {spec.group_name} has order {known}")
    if spec.group_order is None and not stabiliser.lie:
        raise refusal("group.order is null, and without Lie generators a group must be finite")
    if spec.group_order is None or not isinstance(group, FiniteGroup):
        return None
    if spec.group_order % group.order:
        raise _Unfixed(
            f"the generators generate a group of order {group.order}, no divisor of the order "
            f"{spec.group_order} of {spec.group_name} (group.order)"
        )
    if group.order == spec.group_order:
        _check_name(spec, group)
    return group.order


def _check_name(spec: SharingSpec, group: FiniteGroup) -> None:
    """A name of the catalogue is that of a group isomorphic to the one that the generators generate, as far as told."""
    named = _named(spec.group_name)
    if not isinstance(named, FiniteGroup) or group.order > MAX_SUBGROUP_ORDER:
        return
    found, said = structure_name(group), structure_name(named)
    if found != said:
        raise refusal(f"group.name is {spec.group_name}, and the generators generate {found}")


def known_order(name: str) -> int | None:
    """The order that the catalogue knows for a name such as "C4" or "C4:<(0 2 1 3)>".

    None where it knows none, or an infinite one.
    """
    group = _named(name)
    return None if group is None else group.order


def _named(name: str) -> Group | None:
    """The group of the catalogue with a name, without generators behind it."""
    try:
        return named_group(name.partition(":")[0])
    except GroupError:
        return None


def _check_fixed(spec: SharingSpec, pairs: Sequence[ExactMove], is_lie: bool) -> None:
    """Every generator fixes a basis of the space, exactly; derivatives along a Lie algebra vanish on it."""
    for position, pair in enumerate(pairs):
        if _moved(spec, pair, is_lie):
            kind = "Lie generator" if is_lie else "generator"
            raise _Unfixed(f"{kind} {position} of {spec.group_name} moves a parameter of the space")


def _moved(spec: SharingSpec, pair: ExactMove, is_lie: bool) -> bool:
    """Whether a generator moves a vector of the basis."""
    rows, *move = common_matrices([spec.space.exact_rows(), *pair])
    vectors = (_blocks(vector, spec, rows.domain) for vector in rows_of(rows).values())
    return any(_is_moved(spec, vector, tuple(move), is_lie) for vector in vectors)


def _is_moved(spec: SharingSpec, vector: dict[str, DomainMatrix], move: ExactMove, is_lie: bool) -> bool:
    """Whether M_g z = z fails; without inverses: L_g B = B R_g for each block B, L_g b = b for a bias."""
    for name, block in vector.items():
        rows, columns = spec.sides[name]
        moved = move[rows] * block
        if columns is not None:
            moved = moved - block * move[columns]
        elif not is_lie:
            moved = moved - block
        if not moved.is_zero_matrix:
            return True
    return False


def _blocks(vector: dict[int, Any], spec: SharingSpec, field: Any) -> dict[str, DomainMatrix]:
    """A basis vector {index: value} as matrices, a bias as one column."""
    return {block.name: _matrix(vector, spec.slice_of(block.name).start, block, field) for block in spec.blocks}


def _matrix(vector: dict[int, Any], start: int, block: Block, field: Any) -> DomainMatrix:
    """The entries of one block, which begins at `start`."""
    shape = (block.shape[0], block.size // block.shape[0])
    rows: dict[int, dict[int, Any]] = {}
    for index, value in vector.items():
        if start <= index < start + block.size:
            row, column = divmod(index - start, shape[1])
            rows.setdefault(row, {})[column] = value
    return sparse_matrix(rows, shape, field)


def _check_dimension(spec: SharingSpec, stabiliser: Stabiliser) -> bool:
    """Whether the space is all of E^G; only {0}, numerical spaces and ties without a group may be less."""
    if not spec.space.is_exact:
        return False
    whole = _whole(spec, stabiliser).dim
    if spec.space.dim not in (0, whole) and spec.group_order != 1:
        raise _Unfixed(f"the space has dimension {spec.space.dim} and E^{spec.group_name} has {whole}")
    return spec.space.dim == whole


def _whole(spec: SharingSpec, stabiliser: Stabiliser) -> Subspace:
    """E^G of the group that the generators generate."""
    in_rep, out_rep, *hidden = stabiliser.reps
    parameters = two_layer_space(in_rep, out_rep, *hidden) if hidden else matrix_space(in_rep, out_rep, spec.has_bias)
    return fixed_space(parameters.action)


def _float_moves(stabiliser: Stabiliser, rng: np.random.Generator) -> Iterator[Move]:
    """Group elements as float64 matrices on inputs and outputs: the generators, and exp(t X) at random t."""
    for move in stabiliser.pairs:
        yield to_float(move[INPUTS]), to_float(move[OUTPUTS])
    for move in stabiliser.lie:
        t = rng.uniform(-np.pi, np.pi)
        yield expm(t * to_float(move[INPUTS])), expm(t * to_float(move[OUTPUTS]))


def _check_change(spec: SharingSpec, stabiliser: Stabiliser, moves: Sequence[Move], tolerance: float) -> None:
    """The group commutes with the matrix up to `tolerance`, and fixes centre and shift up to rounding."""
    change, in_rep, out_rep = spec.change, stabiliser.reps[INPUTS], stabiliser.reps[OUTPUTS]
    matrix = change.matrix
    for on_inputs, on_outputs in moves:
        if np.abs(on_inputs @ matrix - matrix @ on_inputs).max() > tolerance * np.abs(matrix).max():
            faults = number_faults(fixed_space(matrix_space(in_rep, in_rep, False).action), matrix.ravel())
            keys = ["change.matrix[{}][{}]".format(*divmod(k, spec.d_in)) for k in faults]
        elif _moves(on_inputs, change.centre, 0.0):
            keys = [f"change.centre[{k}]" for k in number_faults(fixed_space(in_rep), change.centre)]
        elif _moves(on_outputs, change.shift, change.scale):
            keys = [f"change.shift[{k}]" for k in number_faults(fixed_space(out_rep), change.shift)]
        else:
            continue
        raise refusal(f"the change of data does not commute with {spec.group_name}: see {' or '.join(keys)}")


def _moves(matrix: FloatArray, vector: FloatArray, size: float) -> bool:
    """Whether a group element moves a vector (d,) by more than rounding, of the vector and of numbers of a size."""
    largest = float(np.abs(vector).max()) + size
    allowed = ROUNDING * len(vector) * np.finfo(np.float64).eps * largest
    return bool(np.abs(matrix @ vector - vector).max() > allowed)


def layer_error(spec: SharingSpec, moves: Sequence[Move], trials: int, rng: np.random.Generator) -> float:
    """Largest |f(g x) - g f(x)| over random x and the given g, relative to the largest |f(x) - shift|; float64.

    f = shift + scale mean_i sigma_*(x - centre, z_i), with random particles projected on the space. The x lie about the
    centre: they are drawn as x - centre, and f(x) - shift is compared, since the group fixes centre and shift, as was
    checked before. So no offset hides an error or costs a digit.
    """
    about = Standardisation(spec.change.matrix, np.zeros(spec.d_out), spec.change.scale)
    theta = np.asarray(spec.space.project(rng.standard_normal((PARTICLES, spec.space.ambient))))
    x = rng.standard_normal((trials, spec.d_in))
    plain = predict_labels(spec.layer, about, x, theta)
    size = max(float(np.abs(plain).max()), float(np.finfo(np.float64).tiny))
    moved = (predict_labels(spec.layer, about, x @ a.T, theta) - plain @ b.T for a, b in moves)
    errors = [np.abs(difference).max() / size for difference in moved]
    return float(max(errors, default=0.0))
