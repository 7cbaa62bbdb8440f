"""A linear layer as `layers.standalone_linear` reads it: what is shared, and the form in which it is computed.

In an exported module each attribute is a constant.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.blocks import Blocks
from sharefind.architectures.forms.choice import AUTO, check_form, choose, is_light
from sharefind.architectures.forms.form import Dense, Form, Gather, TiedLayer
from sharefind.architectures.forms.fourier import Fourier
from sharefind.architectures.forms.pool import Pool
from sharefind.architectures.sharing import Sharing
from sharefind.architectures.spec import SharingSpec

Known = TypeVar("Known", Pool, Fourier, Blocks)


class LinearSharing(Sharing):
    """The shared space of a layer W x [+ b], and the form in which it is computed.

    Attributes:
        form: The form in which the layer is computed.
        is_dense: Whether `entries` makes the whole matrix.
        is_light: Whether one row costs less in this form than in a product with a matrix that is kept.
        has_places: Whether the layer itself reads entries from the coefficients.
        is_gathered: Whether the matrix is read from the coefficients by columns.
        is_pooled: Whether outputs are combinations of inputs and of sums over parts.
        is_fourier: Whether the layer is a convolution over a periodic grid.
        is_blocked: Whether the matrix is block-diagonal in other coordinates.
        is_one_copy: Whether inputs and outputs are one copy of the grid each.
        is_plain_sum: Whether W x is a x + b sum(x).
        has_matches: Whether outputs take single inputs by a table.
        has_sums: Whether outputs take sums over parts by a table.

    Args:
        spec: The specification of a matrix unit.
        form: The name of a form; "auto" takes the form with the lowest estimated cost.

    Raises:
        ConfigError: There is no such form, or it does not fit.
    """

    form: Form
    is_dense: bool
    is_gathered: bool

    def __init__(self, spec: SharingSpec, form: str = AUTO) -> None:
        super().__init__(spec)
        check_form(form)
        self.form = self._chosen(form)
        self.is_dense, self.is_gathered = type(self.form) is Dense, isinstance(self.form, Gather)
        self.is_pooled = isinstance(self.form, Pool)
        self.is_fourier = isinstance(self.form, Fourier)
        self.is_blocked = isinstance(self.form, Blocks)
        self.is_one_copy = self.is_fourier and len(self.fourier.inputs) == len(self.fourier.outputs) == 1
        self.is_light = is_light(self.form, self.d_out * self.d_in)
        self.has_places = self.is_gathered or (self.has_bias and not self.is_dense)
        self.is_plain_sum = self.is_pooled and self.pool.keeps_places and self.pool.is_total
        self.has_matches = self.is_pooled and bool(self.pool.matches) and not self.is_plain_sum
        self.has_sums = self.is_pooled and bool(self.pool.sums) and not self.is_plain_sum

    def _chosen(self, form: str) -> Form:
        labels, shape = self.labels, (self.d_out, self.d_in)
        if labels is None or self.dim == 0:
            return choose(TiedLayer(np.zeros(shape, dtype=np.int32), None, 0), "dense" if form == AUTO else form)
        count = self.d_out * self.d_in
        bias = labels[count:] if self.has_bias else None
        return choose(TiedLayer(labels[:count].reshape(shape), bias, self.dim), form)

    @property
    def pool(self) -> Pool:
        """The form of a layer that adds up parts."""
        return self._form_of(Pool)

    @property
    def mix(self) -> NDArray[np.float64]:
        """Contribution of each coefficient to each rate, shape (dim, relations)."""
        return self.pool.mix

    @cached_property
    def matches(self) -> list[list[int]]:
        """Relations in which each output takes one input: for each output the number of its input, counted from 1 and
        with the sign of the weight; 0 for none.
        """
        return [relation.sources.tolist() for relation in self.pool.matches]

    @cached_property
    def input_parts(self) -> list[list[int]]:
        """The part of each input in each sum, counted from 1 and with its sign; 0 for no part."""
        return [relation.inputs.tolist() for relation in self.pool.sums]

    @cached_property
    def output_parts(self) -> list[list[int]]:
        """The part of each output in each sum, counted from 1 and with its sign; 0 for no part."""
        return [relation.outputs.tolist() for relation in self.pool.sums]

    @property
    def fourier(self) -> Fourier:
        """The form of a convolution."""
        return self._form_of(Fourier)

    @property
    def grid(self) -> tuple[int, ...]:
        """The lengths of the grid."""
        return self.fourier.grid

    @cached_property
    def input_places(self) -> list[list[int]]:
        """The input at each place of each copy of the grid, by rows of the grid."""
        return _listed(self.fourier.inputs)

    @cached_property
    def output_places(self) -> list[list[int]]:
        """The output at each place of each copy of the grid, by rows of the grid."""
        return _listed(self.fourier.outputs)

    @property
    def blocks_of(self) -> Blocks:
        """The form of a block-diagonal layer."""
        return self._form_of(Blocks)

    @property
    def kinds(self) -> list[tuple[int, int, int]]:
        """Kinds of one size: how many there are, how often the block of each acts, and on how many coordinates."""
        return self.blocks_of.kinds

    @property
    def basis_rows(self) -> NDArray[np.float64]:
        """The coordinates of functions on the group, by rows."""
        return self.blocks_of.basis

    @cached_property
    def input_orbits(self) -> list[list[int]]:
        """The input to which each group element takes the first one of each orbit."""
        return _listed(self.blocks_of.inputs)

    @cached_property
    def output_orbits(self) -> list[list[int]]:
        """The output to which each group element takes the first one of each orbit."""
        return _listed(self.blocks_of.outputs)

    @cached_property
    def differences(self) -> list[list[int]]:
        """The element g^-1 h for each g and h."""
        return _listed(self.blocks_of.differences)

    def _form_of(self, kind: type[Known]) -> Known:
        if not isinstance(self.form, kind):
            raise TypeError(f"the form is {self.form.name}")
        return self.form


def _listed(table: NDArray[np.int64]) -> list[list[int]]:
    return [list(map(int, row)) for row in table]
