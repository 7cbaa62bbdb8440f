"""The subgroups of a family as lists of elements of the largest, with a prior that counts each kind of group once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import FiniteGroup, conjugacy_classes
from sharefind.inference.tests.families import Candidate, CandidateFamily
from sharefind.meanfield.clouds.actions import JointAction

Members = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ListedLattice:
    """A family of finite groups inside its largest one.

    Attributes:
        whole: How the largest group acts on samples.
        on_x: Its elements on X, shape (g, d_in, d_in), float64, the identity first.
        on_y: Its elements on Y, shape (g, d_out, d_out), float64.
        members: Elements of each candidate, in ascending order. Elements that act in the same way are one, so that
            candidates with the same list act alike.
        classes: Classes of candidates that are conjugate in the largest group, or that act in the same way as a
            conjugate one.
    """

    whole: JointAction
    on_x: Tensor
    on_y: Tensor
    members: Mapping[str, Members]
    classes: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, family: CandidateFamily, nothing: str, most: int) -> ListedLattice | None:
        """The lattice of a family.

        Args:
            family: The candidates.
            nothing: Name of the trivial group, which is added.
            most: Largest order.

        Returns:
            The lattice; None where its largest group is infinite or larger than that.
        """
        largest = family.candidates[int(family.inside.sum(0).argmax())]
        whole, moves = largest.group, largest.moves
        if whole is None or not isinstance(moves, JointAction) or whole.order > most:
            return None
        on_x, on_y = (torch.from_numpy(rep.float_matrices()).double() for rep in (moves.in_rep, moves.out_rep))
        acts_as = _first_alike(torch.cat([on_x.flatten(1), on_y.flatten(1)], dim=1))
        listed = [c for c in family.candidates if c.group is not None]
        members = {c.name: _members(c, whole, acts_as) for c in listed}
        members[nothing] = np.zeros(1, dtype=np.int64)
        conjugate = [[c.name for c in listed if c.group in found] for found in _classes(whole, listed)]
        return cls(moves, on_x, on_y, members, _merged([*conjugate, [nothing]], members))

    def prior(self) -> dict[str, float]:
        """Return prior weights: each class has the same weight, which its members share evenly; they sum to 1."""
        weights = {name: 1 / (len(self.classes) * len(c)) for c in self.classes for name in c}
        return {name: weights[name] for name in self.members}


def _first_alike(rows: Tensor) -> Members:
    """The first row that is the same as each row of (g, k)."""
    first: dict[bytes, int] = {}
    keys = [row.tobytes() for row in (rows.numpy().round(9) + 0.0)]
    return np.array([first.setdefault(key, place) for place, key in enumerate(keys)], dtype=np.int64)


def _members(candidate: Candidate, whole: FiniteGroup, acts_as: Members) -> Members:
    group = candidate.group or whole
    return np.unique([acts_as[whole.index(element)] for element in group.elements()])


def _classes(whole: FiniteGroup, listed: Sequence[Candidate]) -> list[list[FiniteGroup]]:
    return conjugacy_classes(whole, [c.group for c in listed if c.group is not None])


def _merged(classes: Sequence[Sequence[str]], members: Mapping[str, Members]) -> tuple[tuple[str, ...], ...]:
    """Classes of which some members act in the same way are one class."""
    merged: list[list[str]] = []
    acting: dict[bytes, list[str]] = {}
    for names in classes:
        known = next((acting[key] for n in names if (key := members[n].tobytes()) in acting), None)
        home = [] if known is None else known
        if known is None:
            merged.append(home)
        home.extend(names)
        acting |= {members[n].tobytes(): home for n in names}
    return tuple(map(tuple, merged))
