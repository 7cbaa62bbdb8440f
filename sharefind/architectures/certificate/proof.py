"""The proof that comes with an export: the generators fix the space, so that the layer is equivariant.

Exact spaces are proven over the field of their entries; numerical ones are measured only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.certificate.algebra_names import infinite_naming
from sharefind.architectures.certificate.group_names import (
    Claim,
    Naming,
    WrongNameError,
    claim_of,
    cycles_hold,
    finite_naming,
)
from sharefind.architectures.certificate.stabiliser import (
    ExactMove,
    Stabiliser,
    equivariant_space,
    rebuild_stabiliser,
    refusal,
)
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import INPUTS, OUTPUTS, SPACES
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
from sharefind.typing import FloatArray

MatrixPair = tuple[FloatArray, FloatArray]
"""A group element on inputs and on outputs."""


@dataclass(frozen=True)
class Certificate:
    """The claims of a specification that were checked, all with success.

    Attributes:
        group: Name of the stabiliser.
        order: Its order as stated, None when infinite.
        generated_order: Order of the matrix group of the generators, a divisor of `order`; None when infinite.
        dim: Dimension of the space.
        ambient: Dimension of Z.
        field: Field of the proof.
        is_proven: Whether the space is exact, and M_g z = z was shown for a basis and all generators.
        is_fixed_space: Whether the space is all of E^G.
        error: Largest relative equivariance error of a random layer.
        tolerance: Bound on this error.
        trials: Number of random inputs.
        naming: Status of the name: "proven", "image" of the named group, or "unchecked".
        cycles_checked: Whether the cycles in the name were compared with the generators; None where it has none.
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
        """Return a JSON object with the attributes as keys."""
        return asdict(self)


def certify(spec: SharingSpec, trials: int = 16, tolerance: float = 1e-6, seed: int = 0) -> Certificate:
    """Prove that the layer of a specification is equivariant (Maass & Fontbona 2024, Section 2), or refuse.

    Exactly: generators act orthogonally, sigma commutes with them where it is applied, M_g z = z on a basis of the
    space, and dim E = dim E^G (but {0}, fixed by everything, may be smaller). Numerically: the change of data
    commutes with the group, which fixes its centre and shift, and a layer of random particles in the space is
    equivariant.

    Args:
        spec: The specification.
        trials: Random inputs of the numerical check.
        tolerance: Largest relative error in float64; rounding alone gives about 1e-15.
        seed: Seed of the random inputs and particles.

    Returns:
        The claims that were checked.

    Raises:
        ExportError: One of these fails; the message names it.
    """
    stabiliser = rebuild_stabiliser(spec)
    _check_pointwise(spec, stabiliser)
    generated = _check_order(spec, stabiliser)
    if spec.space.is_exact:
        _check_fixed(spec, stabiliser.pairs, is_lie=False)
        _check_fixed(spec, stabiliser.lie, is_lie=True)
    is_fixed_space = _check_dimension(spec, stabiliser)
    naming, cycles_checked = _check_name(spec, stabiliser)
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
        naming=naming,
        cycles_checked=cycles_checked,
    )


def _common_field(spec: SharingSpec, stabiliser: Stabiliser) -> Any:
    if not spec.space.is_exact:
        return "float64"
    matrices = [m for pair in (*stabiliser.pairs, *stabiliser.lie) for m in pair]
    return common_matrices([spec.space.exact_rows(), *matrices])[0].domain


def _check_pointwise(spec: SharingSpec, stabiliser: Stabiliser) -> None:
    """Sigma on each coordinate commutes with permutations, if odd with signed ones, with no others.

    On lengths of hidden vectors generators act by permutations, and they do not change the length of an output: the
    stabiliser was refused otherwise.
    """
    if spec.types or spec.is_radial:
        return
    sigma, group, place = spec.activation, spec.group_name, spec.maps[0].target
    for position, move in enumerate(stabiliser.pairs):
        image = as_signed_permutation(move[place])
        if image is None or (not sigma.is_odd and min(image[1]) < 0):
            raise refusal(f"{sigma.name} does not commute with generator {position} of {group} on {SPACES[place]}")
    if not all(move[place].is_zero_matrix for move in stabiliser.lie):
        raise refusal(f"{sigma.name} does not commute with the rotations of {group} on {SPACES[place]}")


def _check_order(spec: SharingSpec, stabiliser: Stabiliser) -> int | None:
    """The order of the group that the generators generate, None where it is infinite."""
    group, known = stabiliser.reps[INPUTS].group, claim_of(spec.group_name).order
    if known is not None and spec.group_order != known:
        raise refusal(f"group.order is {spec.group_order}, and {spec.group_name} has order {known}")
    if spec.group_order is None and not stabiliser.lie:
        raise refusal("group.order is null, and without Lie generators a group must be finite")
    if spec.group_order is None or not isinstance(group, FiniteGroup):
        return None
    if spec.group_order % group.order:
        raise refusal(
            f"the generators generate a group of order {group.order}, no divisor of the order "
            f"{spec.group_order} of {spec.group_name} (group.order)"
        )
    return group.order


def _check_name(spec: SharingSpec, stabiliser: Stabiliser) -> tuple[Naming, bool | None]:
    """The status of the name of the group and of the cycles in it; None where there are no cycles."""
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
    # Without a name, the order of the group is that of the group that the generators generate.
    is_unknown = naming is Naming.UNCHECKED and claim.group is None and claim.order is None
    if is_unknown and isinstance(group, FiniteGroup) and group.order != spec.group_order:
        raise refusal(
            f"group.order is {spec.group_order}, and the generators generate a group of order {group.order}; "
            f"{spec.group_name} is no group of the catalogue that could act through it"
        )
    return naming, _check_cycles(spec, claim, stabiliser) if claim.cycles else None


def check_name(spec: SharingSpec) -> Naming:
    """Return what is known about the name of a specification's group, from its generators alone.

    Args:
        spec: The specification.

    Raises:
        ExportError: The generators generate another group, or are none of a group.
    """
    stabiliser = rebuild_stabiliser(spec)
    _check_order(spec, stabiliser)
    return _check_name(spec, stabiliser)[0]


def _check_cycles(spec: SharingSpec, claim: Claim, stabiliser: Stabiliser) -> bool:
    """Whether the cycles in a name are those of the permutations of a natural side; False where that is not known."""
    if "natural" not in spec.rep_names:
        return False
    side = spec.rep_names.index("natural")
    images = [as_signed_permutation(move[side]) for move in stabiliser.pairs]
    perms = [image[0] for image in images if image is not None and min(image[1]) > 0]
    if not perms or len(perms) < len(images):
        return False
    holds = cycles_hold(claim.cycles, np.array(perms, dtype=np.int64))
    if holds is False:
        raise refusal(f"group.name is {spec.group_name}, and the generators generate another subgroup")
    return holds is True


def _check_fixed(spec: SharingSpec, pairs: Sequence[ExactMove], is_lie: bool) -> None:
    """Every generator fixes a basis of the space, exactly; derivatives along a Lie algebra vanish on it."""
    for position, pair in enumerate(pairs):
        if _moved(spec, pair, is_lie):
            kind = "Lie generator" if is_lie else "generator"
            raise refusal(f"{kind} {position} of {spec.group_name} moves a parameter of the space")


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
    rows: dict[str, dict[int, dict[int, Any]]] = {block.name: {} for block in spec.blocks}
    widths = {block.name: block.size // block.shape[0] for block in spec.blocks}
    places = {name: spec.slice_of(name) for name in rows}
    for index, value in vector.items():
        name = next(name for name, place in places.items() if index < place.stop)
        row, column = divmod(index - places[name].start, widths[name])
        rows[name].setdefault(row, {})[column] = value
    return {b.name: sparse_matrix(rows[b.name], (b.shape[0], widths[b.name]), field) for b in spec.blocks}


def _check_dimension(spec: SharingSpec, stabiliser: Stabiliser) -> bool:
    """Whether the space is all of E^G; only {0}, numerical spaces and ties without a group may be less."""
    if not spec.space.is_exact:
        return False
    whole = equivariant_space(spec, stabiliser.reps).dim
    if spec.space.dim not in (0, whole) and spec.group_order != 1:
        raise refusal(f"the space has dimension {spec.space.dim} and E^{spec.group_name} has {whole}")
    return spec.space.dim == whole


def _float_moves(stabiliser: Stabiliser, rng: np.random.Generator) -> Iterator[MatrixPair]:
    """Group elements as float64 matrices on inputs and outputs: the generators, and exp(t X) at random t."""
    for move in stabiliser.pairs:
        yield to_float(move[INPUTS]), to_float(move[OUTPUTS])
    for move in stabiliser.lie:
        t = rng.uniform(-np.pi, np.pi)
        yield scipy.linalg.expm(t * to_float(move[INPUTS])), scipy.linalg.expm(t * to_float(move[OUTPUTS]))


def _check_change(spec: SharingSpec, moves: Sequence[MatrixPair], tolerance: float) -> None:
    """The group commutes with the matrix up to `tolerance`, and fixes centre and shift up to rounding."""
    change = spec.change
    for on_inputs, on_outputs in moves:
        commutator = np.abs(on_inputs @ change.matrix - change.matrix @ on_inputs).max()
        moved = {
            "matrix": commutator > tolerance * np.abs(change.matrix).max(),
            "centre": _moves(on_inputs, change.centre, 0.0),
            "shift": _moves(on_outputs, change.shift, change.scale),
        }
        for name in (name for name, is_moved in moved.items() if is_moved):
            raise refusal(f"the change of data does not commute with {spec.group_name}: see change.{name}")


def _moves(matrix: FloatArray, vector: FloatArray, size: float, places: int = 64) -> bool:
    """Whether a group element moves a vector (d,) by more than rounding, of the vector and of numbers of a size.

    places: Units in the last place, a coordinate, that rounding may cost: sums over the group leave a few.
    """
    largest = float(np.abs(vector).max()) + size
    allowed = places * len(vector) * np.finfo(np.float64).eps * largest
    return bool(np.abs(matrix @ vector - vector).max() > allowed)


def layer_error(
    spec: SharingSpec, moves: Sequence[MatrixPair], trials: int, rng: np.random.Generator, particles: int = 32
) -> float:
    """Return the largest |f(g x) - g f(x)| over random x and g, relative to the largest |f(x) - shift|; float64.

    f = shift + scale mean_i sigma_*(x - centre, z_i), with random particles projected on the space. The x lie about the
    centre: they are drawn as x - centre, and f(x) - shift is compared, since the group fixes centre and shift, as was
    checked before. So no offset hides an error or costs a digit.

    Args:
        spec: The specification.
        moves: The g, as pairs of matrices.
        trials: Number of random inputs.
        rng: Source of the draws.
        particles: Number of random particles.
    """
    about = Standardisation(spec.change.matrix, np.zeros(spec.d_out), spec.change.scale)
    theta = np.asarray(spec.space.project(rng.standard_normal((particles, spec.space.ambient))))
    x = rng.standard_normal((trials, spec.d_in))
    plain = predict_labels(spec.layer, about, x, theta)
    size = max(float(np.abs(plain).max()), float(np.finfo(np.float64).tiny))
    moved = (predict_labels(spec.layer, about, x @ a.T, theta) - plain @ b.T for a, b in moves)
    errors = [np.abs(difference).max() / size for difference in moved]
    return float(max(errors, default=0.0))
