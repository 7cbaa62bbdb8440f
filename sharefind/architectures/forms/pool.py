"""Layers of sums over parts, such as y = a x + b sum(x).

The closure of a class of entries joins all inputs with all outputs of each connected part of its graph. Where the
matrices of the closures span the same space as those of the classes, W is a combination of them, and the cost of each
is proportional to its numbers of inputs and outputs. This holds for S_n on points and on tuples of points, and for
products of such actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.form import Labels, TiedLayer, Work

Parts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Relation:
    """A matrix of disjoint blocks of rank 1 with entries +1 and -1.

    Attributes:
        inputs: The part that each input belongs to, counted from 1 and with its sign, 0 for no part; shape (d_in,).
        outputs: The part that each output belongs to, in the same form, shape (d_out,).
    """

    inputs: Parts
    outputs: Parts

    @property
    def matrix(self) -> NDArray[np.int8]:
        """The entries of the matrix, shape (d_out, d_in)."""
        same = (abs(self.outputs)[:, None] == abs(self.inputs)[None]) & (self.inputs != 0)
        signs = np.sign(self.outputs).astype(np.int8)[:, None] * np.sign(self.inputs).astype(np.int8)[None]
        return np.asarray(same * signs, dtype=np.int8)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return int(abs(self.inputs).max())

    @property
    def is_match(self) -> bool:
        """Whether each part has one input and one output."""
        sizes = [np.bincount(abs(side), minlength=self.parts + 1)[1:] for side in (self.inputs, self.outputs)]
        return all(bool((size == 1).all()) for size in sizes)

    @property
    def sources(self) -> Parts:
        """The input of each output of a match, counted from 1 and with the sign of the entry; 0 for no input."""
        found = np.zeros(self.parts + 1, dtype=np.int64)
        members = np.flatnonzero(self.inputs)
        found[abs(self.inputs[members])] = np.sign(self.inputs[members]) * (members + 1)
        return np.sign(self.outputs) * found[abs(self.outputs)]


@dataclass(frozen=True, eq=False)
class Pool:
    """W as a combination of relations.

    Attributes:
        name: The name by which a user chooses it.
        shape: (d_out, d_in).
        matches: Relations that move numbers.
        sums: Relations that add numbers up.
        mix: Contribution of each coefficient to the rates of the matches, then of the sums, shape (dim, relations).
    """

    name: ClassVar[str] = "pool"
    shape: tuple[int, int]
    matches: list[Relation]
    sums: list[Relation]
    mix: NDArray[np.float64]

    @property
    def keeps_places(self) -> bool:
        """Whether there is one match, of each input with the output of the same number."""
        if len(self.matches) != 1 or self.shape[0] != self.shape[1]:
            return False
        return bool(np.array_equal(self.matches[0].sources, np.arange(1, self.shape[1] + 1)))

    @property
    def is_total(self) -> bool:
        """Whether there is one sum, of all inputs for all outputs."""
        return len(self.sums) == 1 and all(
            bool((side == 1).all()) for side in (self.sums[0].inputs, self.sums[0].outputs)
        )

    def work(self, batch: int) -> Work:
        """Return the number of operations of a step of training.

        Args:
            batch: Rows of the minibatch.
        """
        d_out, d_in = self.shape
        if self.is_total:
            products, numbers, calls = 0.0, float(d_in + 2 * d_out), 5
        else:
            products, numbers = 2.0 * sum(relation.parts for relation in self.sums) * (d_in + d_out), float(2 * d_out)
            calls = 7 if self.sums else 2
        numbers += 3.0 * len(self.matches) * d_out * (1 if self.keeps_places else 3)
        return Work(batch * products, batch * numbers, self.mix.size, calls + 3 * bool(self.matches))


def find_pool(layer: TiedLayer, most: int = 64) -> Pool | None:
    """Return the sums over parts of which a layer consists; None where it consists of other matrices, too.

    Args:
        layer: Its labels.
        most: Largest number of classes of entries; each costs a pass over all entries.
    """
    classes = np.unique(abs(layer.weight))
    classes = classes[classes > 0]
    if not 0 < len(classes) <= most:
        return None
    found = [_closure(layer.weight, int(label)) for label in classes]
    relations = [relation for relation in found if relation is not None]
    if len(relations) < len(found):
        return None
    inside = [_classes_inside(relation, layer.weight, classes) for relation in relations]
    rows = [row for row in inside if row is not None]
    if len(rows) < len(inside) or np.linalg.matrix_rank(np.array(rows)) < len(classes):
        return None
    mix = np.zeros((layer.dim, len(classes)))
    mix[classes - 1] = np.linalg.inv(np.array(rows))
    whole = np.round(mix)
    mix = whole if np.allclose(mix, whole, rtol=0, atol=1e-9) else mix
    order = sorted(range(len(relations)), key=lambda place: not relations[place].is_match)
    count = sum(relation.is_match for relation in relations)
    relations = [relations[place] for place in order]
    return Pool((len(layer.weight), layer.weight.shape[1]), relations[:count], relations[count:], mix[:, order])


def _closure(weight: Labels, label: int) -> Relation | None:
    """The relation of the connected parts of a class; None where the signs along a cycle contradict each other."""
    # Exports of other kinds do without it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    outputs, inputs = np.nonzero(abs(weight) == label)
    d_out, d_in = weight.shape
    flips = weight[outputs, inputs] < 0
    # Each node has two copies, one for each sign: they are apart where signs can be chosen.
    count = d_out + d_in
    start = np.concatenate([outputs, outputs + count])
    end = np.concatenate([d_out + inputs + count * flips, d_out + inputs + count * ~flips])
    graph = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(2 * count, 2 * count))
    component = connected_components(graph, directed=False)[1].reshape(2, count)
    if (component[0] == component[1])[np.concatenate([outputs, d_out + inputs])].any():
        return None
    first = component.min(axis=0)
    signs = np.where(component[0] == first, 1, -1)
    touched = np.zeros(count, dtype=bool)
    touched[outputs], touched[d_out + inputs] = True, True
    parts = np.zeros(count, dtype=np.int64)
    parts[touched] = np.unique(first[touched], return_inverse=True)[1] + 1
    parts *= signs
    return Relation(parts[d_out:], parts[:d_out])


def _classes_inside(relation: Relation, weight: Labels, classes: NDArray[np.int32]) -> NDArray[np.float64] | None:
    """The value 0, 1 or -1 of a relation on each class, (classes,); None where it is no combination of classes."""
    matrix = relation.matrix * np.sign(weight).astype(np.int8)
    held = np.zeros(int(classes[-1]) + 1, dtype=np.int8)
    held[abs(weight)] = matrix
    held[0] = 0
    # A zero entry, or an entry of another value in the same class, rules a combination out.
    if not np.array_equal(held[abs(weight)] * np.sign(weight), relation.matrix):
        return None
    return np.asarray(held[classes], dtype=np.float64)
