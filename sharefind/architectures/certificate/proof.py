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

from sharefind.architectures.certificate.algebra_names import infinite_naming
from sharefind.architectures.certificate.fault_location import (
    matrix_key,
    number_faults,
    pointwise_fault,
    sign_faults,
    space_fault,
)
from sharefind.architectures.certificate.group_names import (
    Claim,
    Naming,
    WrongNameError,
    claim_of,
    cycles_hold,
    finite_naming,
)
from sharefind.architectures.certificate.stabiliser import ExactMove, Stabiliser, rebuild_stabiliser, refusal
from sharefind.architectures.spec import HIDDEN, INPUTS, OUTPUTS, SharingSpec
from sharefind.exact.matrices import (
    as_signed_permutation,
    common_matrices,
    rows_of,
    sparse_matrix,
    to_float,
)
from sharefind.groups import CompactGroup, FiniteGroup
from sharefind.meanfield.clouds.models import predict_labels
from sharefind.meanfield.clouds.standardise import Standardisation
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
        naming: what is known of the name: "proven", "image" of the named group, or "unchecked".
        cycles_checked: whether the cycles in the name were compared with the generators; None where it has none.
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
    naming: str = Naming.PROVEN
    cycles_checked: bool | None = None

    @property
    def statement(self) -> str:
        """The certificate in one sentence, the same on every machine."""
        if self.order == 1 and not self.is_fixed_space:
            kind = "exact ties" if self.is_proven else "a numerical space, not exact,"
            return f"{kind} without a group, dim {self.dim} of {self.ambient}: no symmetry is claimed, none proven"
        name = self._name
        which = f"E^{name}" if self.is_fixed_space else f"a space fixed by {name}"
        proof = f"proven exactly over {self.field}" if self.is_proven else "numerical, not exact and not proven"
        return (
            f"{which}, dim {self.dim} of {self.ambient}: {proof}; "
            f"equivariant up to a relative error of {self.tolerance:.0e} in float64"
        )

    @property
    def shown_name(self) -> str:
        """The name of the group, followed by "(not checked)" where it is not."""
        return f"{self.group} (not checked)" if self.naming == Naming.UNCHECKED else self.group

    @property
    def _name(self) -> str:
        """The name of the group, with what of it is not proven."""
        if self.naming == Naming.UNCHECKED:
            order = "infinite order" if self.generated_order is None else f"order {self.generated_order}"
            return f"G for the group G of {order} that the generators generate (its name, {self.group}, is not checked)"
        if self.naming == Naming.IMAGE:
            image = "of lower dimension" if self.generated_order is None else f"of order {self.generated_order}"
            return f"{self.group} (which acts through an image {image})"
        return (
            f"{self.group} (of whose name the cycles are not checked)" if self.cycles_checked is False else self.group
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
        naming, cycles_checked = _check_name(spec, stabiliser)
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
        naming=naming,
        cycles_checked=cycles_checked,
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
    return group.order


def _check_name(spec: SharingSpec, stabiliser: Stabiliser) -> tuple[Naming, bool | None]:
    """What is known of the name of the group, and of the cycles in it: None where there are none."""
    claim, group = claim_of(spec.group_name), stabiliser.reps[INPUTS].group
    try:
        if isinstance(group, FiniteGroup):
            naming = finite_naming(claim, group)
        elif isinstance(claim.group, CompactGroup):
            naming = infinite_naming(claim.group, stabiliser.lie, stabiliser.pairs)
        else:
            naming = Naming.UNCHECKED
    except WrongNameError as error:
        raise refusal(f"group.name is {spec.group_name}, {error}") from None
    if naming is Naming.UNCHECKED and claim.group is None and claim.order is None and isinstance(group, FiniteGroup):
        _refuse_unknown_order(spec, group)
    return naming, _check_cycles(spec, claim, stabiliser) if claim.cycles else None


def check_name(spec: SharingSpec) -> Naming:
    """What is known of the name of a specification's group, from its generators alone; nothing else is looked at.

    Raises:
        ExportError: The generators generate another group, or are none of a group.
    """
    stabiliser = rebuild_stabiliser(spec)
    try:
        _check_order(spec, stabiliser)
        return _check_name(spec, stabiliser)[0]
    except _Unfixed as claim:
        raise refusal(str(claim)) from None


def _refuse_unknown_order(spec: SharingSpec, group: FiniteGroup) -> None:
    """The order of a group that only the generators tell of is that of what they generate."""
    if group.order != spec.group_order:
        raise refusal(
            f"group.order is {spec.group_order}, and the generators generate a group of order {group.order}; "
            f"{spec.group_name} is no group of the catalogue that could act through it"
        )


def _check_cycles(spec: SharingSpec, claim: Claim, stabiliser: Stabiliser) -> bool:
    """Whether the cycles in a name are those of the permutations of a natural side; False where that is not known."""
    names = [spec.in_rep, spec.out_rep, spec.hidden_rep]
    if "natural" not in names:
        return False
    images = [as_signed_permutation(move[names.index("natural")]) for move in stabiliser.pairs]
    perms = [image[0] for image in images if image is not None and min(image[1]) > 0]
    if not perms or len(perms) < len(images):
        return False
    holds = cycles_hold(claim.cycles, np.array(perms, dtype=np.int64))
    if holds is False:
        raise refusal(f"group.name is {spec.group_name}, and the generators generate another subgroup")
    return holds is True


def known_order(name: str) -> int | None:
    """The order that a name such as "C4", "C4:<(0 2 1 3)>" or "C3:C4" claims; None where it claims none."""
    return claim_of(name).order


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
