"""What a specification is in the words of a peer library: a named group, and representations with their recipes.

The snippets themselves are in `emlp_snippet` and `escnn_snippet`; `snippets` writes them. Both claim that the peer's
equivariant maps are the space of the specification, so whatever is read from its names is held against it, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.certificate.stabiliser import rebuild_stabiliser
from sharefind.architectures.formats import literals
from sharefind.architectures.spec import ExactRows, SharingSpec
from sharefind.errors import ExportError, GroupError, RepresentationError, setting
from sharefind.exact.matrices import as_signed_permutation, identity_matrix
from sharefind.groups import (
    FiniteGroup,
    Group,
    Representation,
    exact_matrix,
    named_group,
    parse_representation,
    trivial,
)
from sharefind.meanfield.units import two_layer_space
from sharefind.spaces import fixed_space, matrix_space


@dataclass(frozen=True, eq=False)
class PeerView:
    """A group with its representations on X, on Y [and on the hidden units], whose E^G is the specification's space.

    Attributes:
        is_named: the group is one of the catalogue, else it is known by its generators only.
    """

    spec: SharingSpec
    certificate: Certificate
    group: Group
    reps: tuple[Representation, ...]
    is_named: bool


def peer_view(spec: SharingSpec, peer: str) -> PeerView:
    """A specification as a group and representations that a snippet can be written from.

    Raises:
        ExportError: it does not hold what it says; its space is not all of E^G; or its group and representations
            cannot be named so that their E^G is the space.
    """
    certificate = certify(spec)
    if not certificate.is_fixed_space:
        raise not_theirs(peer, f"the space is not all of E^{spec.group_name}, and {peer} has no other spaces")
    group, is_named = _group(spec, peer)
    if group is None:
        reps = _by_generators(spec)
        return PeerView(spec, certificate, reps[0].group, reps, False)
    try:
        reps = tuple(parse_representation(text, group) for text in _texts(spec))
    except (GroupError, RepresentationError) as error:
        raise not_theirs(peer, f"{' '.join(_texts(spec))} is not known for {spec.group_name} ({error})") from None
    if tuple(rep.dim for rep in reps) != spec.dims or _fixed(spec, reps) != spec.space:
        raise not_theirs(peer, f"{spec.group_name} acts on these coordinates in another way than its name says")
    return PeerView(spec, certificate, group, reps, is_named)


def _by_generators(spec: SharingSpec) -> tuple[Representation, ...]:
    """The matrices of the specification as representations of the finite group that they generate."""
    reps = rebuild_stabiliser(spec).reps
    return tuple(trivial(rep.group, rep.dim) if _is_trivial(rep) else rep for rep in reps)


def _is_trivial(rep: Representation) -> bool:
    return all(matrix == identity_matrix(rep.dim, matrix.domain) for matrix in rep.generator_matrices)


def not_theirs(peer: str, reason: str) -> ExportError:
    """The refusal of a specification that a peer library has no words for."""
    return ExportError(
        f"nothing is written for {peer}: {reason}; use {setting('format')} torch, which takes every group"
    )


def leaves(rep: Representation) -> Iterator[Representation]:
    """What a representation is composed of, trivial parts left out."""
    recipe = rep.construction
    if recipe is None or recipe.operation in ("natural", "sign", "grid"):
        yield rep
        return
    for part in recipe.parts:
        yield from leaves(part)


def head(view: PeerView, peer: str, install: str) -> str:
    """The docstring of a snippet."""
    spec, place = view.spec, "A, W and b" if view.spec.has_hidden else "W and b" if view.spec.has_bias else "W"
    name = literals.plain(spec.group_name)
    remark = "" if view.certificate.shown_name == spec.group_name else f"The name {name} of the group is not checked. "
    return (
        f'"""E^{name} in {peer}: all {place} that commute with {name}, '
        f"dimension {spec.space.dim} of {spec.space.ambient}.\n\n"
        f'{remark}Written by sharefind; it needs {peer} ({install}).\n"""\n\n'
    )


def _texts(spec: SharingSpec) -> tuple[str, ...]:
    return tuple(text for text in (spec.in_rep, spec.out_rep, spec.hidden_rep) if text is not None)


def _group(spec: SharingSpec, peer: str) -> tuple[Group | None, bool]:
    """The group of a name, or one of permutations taken from the side on which it acts naturally, or None."""
    try:
        group = named_group(spec.group_name)
    except GroupError:
        group = None
    if group is not None and group.order == spec.group_order:
        return group, True
    if spec.group_order is None:
        raise not_theirs(peer, f"{spec.group_name} is infinite and no group of the catalogue")
    if "natural" not in _texts(spec):
        return None, False
    side = _texts(spec).index("natural")
    perms = [_permutation(pair.matrices[side]) for pair in spec.generators]
    if any(perm is None for perm in perms):
        return None, False
    return FiniteGroup(spec.group_name, spec.dims[side], tuple(perm for perm in perms if perm is not None)), False


def _permutation(rows: ExactRows) -> tuple[int, ...] | None:
    image = as_signed_permutation(exact_matrix(rows))
    return None if image is None or min(image[1]) < 0 else tuple(image[0])


def _fixed(spec: SharingSpec, reps: tuple[Representation, ...]) -> object:
    in_rep, out_rep, *hidden = reps
    parameters = two_layer_space(in_rep, out_rep, *hidden) if hidden else matrix_space(in_rep, out_rep, spec.has_bias)
    return fixed_space(parameters.action)
