"""A specification in the terms of a peer library: a named group, and representations with their constructions.

The snippets themselves are in `emlp_snippet` and `escnn_snippet`. Both claim that the peer's equivariant maps are the
space of the specification, so whatever is read from its names is held against it, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.certificate.stabiliser import equivariant_space, rebuild_stabiliser
from sharefind.architectures.formats import literals
from sharefind.architectures.formats.export_format import ExportFormat
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import LETTERS
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
from sharefind.storage import shell_word, write_atomically


@dataclass(frozen=True, eq=False)
class PeerView:
    """A group with its representations on X, on Y [and on the hidden units], whose E^G is the specification's space.

    Attributes:
        spec: The specification.
        certificate: Its certificate.
        group: The group.
        reps: Its representations on X, on Y [and on the hidden units].
        is_named: Whether the group is one of the catalogue; otherwise only its generators are known.
    """

    spec: SharingSpec
    certificate: Certificate
    group: Group
    reps: tuple[Representation, ...]
    is_named: bool


def peer_view(spec: SharingSpec, peer: str) -> PeerView:
    """Return a specification as a group and representations that a snippet can be written from.

    Args:
        spec: The specification.
        peer: Name of the library, for messages.

    Raises:
        ExportError: A claim of the specification fails; its space is not all of E^G; or its group and representations
            cannot be named so that their E^G is the space.
    """
    certificate = certify(spec)
    if not certificate.is_fixed_space:
        raise not_theirs(peer, f"the space is not all of E^{spec.group_name}, and {peer} has no other spaces")
    if spec.types:
        raise not_theirs(peer, f"it has no words for the lengths of hidden vectors of the unit {spec.unit}")
    group, is_named = _group(spec, peer)
    if group is None:
        made = rebuild_stabiliser(spec).reps
        reps = tuple(trivial(rep.group, rep.dim) if _is_trivial(rep) else rep for rep in made)
        return PeerView(spec, certificate, reps[0].group, reps, False)
    try:
        reps = tuple(parse_representation(text, group) for text in spec.rep_names)
    except (GroupError, RepresentationError) as error:
        raise not_theirs(peer, f"{' '.join(spec.rep_names)} is not known for {spec.group_name} ({error})") from None
    if tuple(rep.dim for rep in reps) != spec.dims or equivariant_space(spec, reps) != spec.space:
        raise not_theirs(peer, f"{spec.group_name} acts on these coordinates in another way than its name says")
    return PeerView(spec, certificate, group, reps, is_named)


def _is_trivial(rep: Representation) -> bool:
    return all(matrix == identity_matrix(rep.dim, matrix.domain) for matrix in rep.generator_matrices)


def not_theirs(peer: str, reason: str) -> ExportError:
    """Return the refusal of a specification that a peer library cannot express.

    Args:
        peer: Name of the library.
        reason: The reason.
    """
    return ExportError(
        f"nothing is written for {peer}: {reason}; use {setting('format')} torch, which takes every group"
    )


def leaves(rep: Representation) -> Iterator[Representation]:
    """Yield the parts that a representation is composed of, without trivial parts.

    Args:
        rep: The representation.
    """
    built = rep.construction
    if built is None or built.is_leaf:
        yield rep
        return
    for part in built.parts:
        yield from leaves(part)


def head(view: PeerView, peer: str, install: str) -> str:
    """Return the docstring of a snippet.

    Args:
        view: The group and its representations.
        peer: Name of the library.
        install: How to install it.
    """
    spec, place = view.spec, " and ".join(", ".join(LETTERS[name] for name in view.spec.sides).rsplit(", ", 1))
    name = literals.plain(spec.group_name)
    remark = "" if view.certificate.shown_name == spec.group_name else f"The name {name} of the group is not checked. "
    return (
        f'"""E^{name} in {peer}: all {place} that commute with {name}, '
        f"dimension {spec.space.dim} of {spec.space.ambient}.\n\n"
        f'{remark}Written by sharefind; it needs {peer} ({install}).\n"""\n\n'
        f"{_columns(spec)}"
    )


def _columns(spec: SharingSpec) -> str:
    """The names of columns as comments, where the data have some."""
    lines = [line for sentence in literals.column_sentences(spec) for line in literals.comment(sentence)]
    return "\n".join([*lines, "", ""]).replace(literals.TOGETHER, " ") if lines else ""


def claim(view: PeerView, peer: str, total: str) -> str:
    """Return the end of a snippet, which compares the claimed dimension with the one that the library finds.

    Args:
        view: The group and its representations.
        peer: Name of the library.
        total: Expression for the dimension.
    """
    dim = view.spec.space.dim
    return f'dimension = {total}\n\nassert dimension == {dim}, f"{peer} finds dimension {{dimension}}, not {dim}"\n'


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
    if "natural" not in spec.rep_names:
        return None, False
    side = spec.rep_names.index("natural")
    images = [as_signed_permutation(exact_matrix(pair.matrices[side])) for pair in spec.generators]
    perms = [tuple(image[0]) for image in images if image is not None and min(image[1]) > 0]
    if len(perms) < len(images):
        return None, False
    return FiniteGroup(spec.group_name, spec.dims[side], tuple(perms)), False


def snippet_format(peer: str, source: Callable[[PeerView], str]) -> ExportFormat:
    """Return the format of a peer library.

    Args:
        peer: Name of the library.
        source: Makes the snippet.
    """

    def write(spec: SharingSpec, path: Path) -> Certificate:
        view = peer_view(spec, peer)
        write_atomically(path, source(view))
        return view.certificate

    def following(spec: SharingSpec, run: Path, out: Path) -> list[str]:
        return [f"python {shell_word(out)}"]

    return ExportFormat(peer, ".py", write, following, is_snippet=True)
