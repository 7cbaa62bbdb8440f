"""A pair of signed permutations, of inputs and of outputs, and the points that stand for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.recognition.layout import Axis, Layout
from sharefind.typing import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class SignedMap:
    """Moves e_a to signs[a] e_{images[a]}, inputs and outputs apart: (g x)[images[a]] = signs[a] x[a].

    Attributes:
        out_images: Image of each output, int64 (d_out,).
        out_signs: Its sign, int64 (d_out,).
        in_images: Image of each input, int64 (d_in,).
        in_signs: Its sign, int64 (d_in,).
    """

    out_images: IntArray
    out_signs: IntArray
    in_images: IntArray
    in_signs: IntArray

    @property
    def is_identity(self) -> bool:
        """Whether nothing moves."""
        return not (self.moved_outputs.any() or self.moved_inputs.any())

    @property
    def moved_outputs(self) -> BoolArray:
        """Whether each output moves or changes sign, bool (d_out,)."""
        return _moved(self.out_images, self.out_signs)

    @property
    def moved_inputs(self) -> BoolArray:
        """Whether each input moves or changes sign, bool (d_in,)."""
        return _moved(self.in_images, self.in_signs)

    def points(self) -> tuple[int, ...]:
        """Return the permutation of the points of `mirror_layout`."""
        outputs = _as_points(self.out_images, self.out_signs)
        inputs = _as_points(self.in_images, self.in_signs)
        return (*outputs.tolist(), *(len(outputs) + inputs).tolist())


def _moved(images: IntArray, signs: IntArray) -> BoolArray:
    return np.asarray((images != np.arange(len(images))) | (signs < 0))


def _as_points(images: IntArray, signs: IntArray) -> IntArray:
    size = len(images)
    plus = np.where(signs > 0, images, images + size)
    return np.concatenate([plus, (plus + size) % (2 * size)])


def mirror_layout(d_out: int, d_in: int) -> Layout:
    """Return the layout of the weight (d_out, d_in) whose outputs and inputs are moved separately, with signs.

    Args:
        d_out: Number of outputs.
        d_in: Number of inputs.
    """
    return Layout((Axis("out", d_out, "signed"), Axis("in", d_in, "signed")), ((0, 1),))


def from_points(points: Sequence[int] | IntArray, layout: Layout) -> SignedMap:
    """Return the map of a permutation of the points of `mirror_layout`.

    Args:
        points: The permutation.
        layout: The layout.
    """
    return SignedMap(*layout.signed_move(points, 0), *layout.signed_move(points, 1))
