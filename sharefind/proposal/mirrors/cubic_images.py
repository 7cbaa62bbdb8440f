"""Which images products of three inputs leave to others, as images of labels and inputs are tried one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from sharefind.proposal.mirrors.cubes import CubicLines, Line
from sharefind.proposal.mirrors.partial_images import Image
from sharefind.proposal.mirrors.search_effort import SearchEffort
from sharefind.proposal.mirrors.terms import Terms
from sharefind.typing import BoolArray

Settled = tuple[tuple[int, Image], ...]
"""Columns with their images."""


@dataclass(frozen=True, eq=False)
class CubicImages:
    """The images of inputs that products of three refute.

    Attributes:
        lines: Lines of products that are compared.
        effort: How near coefficients must come.
        by_label: Findings for images of labels.
        by_input: The same for images of one or two inputs beside those of labels.
    """

    lines: CubicLines
    effort: SearchEffort
    by_label: dict[tuple[int, Image], BoolArray] = field(default_factory=dict, repr=False)
    by_input: dict[tuple[Settled, Settled], BoolArray | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, terms: Terms, effort: SearchEffort) -> CubicImages:
        """Return the images for some coefficients.

        Args:
            terms: The coefficients.
            effort: Limits of the search.
        """
        return cls(CubicLines(terms.cubes, terms.compared_cubes), effort)

    @property
    def is_empty(self) -> bool:
        """Whether no product of three entered."""
        return not len(self.lines.cubes.entered)

    def lost_by_label(self, j: int, image: Image) -> BoolArray:
        """Return images of inputs that are refuted when a label has an image, bool (2, d_in, d_in), for the signs + and
        -.

        Args:
            j: Number of the label.
            image: Its image.
        """
        if self.is_empty:
            return self._nothing()
        key = (j, image)
        if key not in self.by_label:
            far = self.lines.misfits(j, image[0])[0] > self.effort.largest**2
            back = self.effort.largest**2 < self.lines.misfits(image[0], j)[0].T
            self.by_label[key] = self._lost(self.lines.of_output(j, image)) | far | back
        return self.by_label[key]

    def lost_by_input(
        self, outputs: Mapping[int, Image], inputs: Mapping[int, Image], a: int, image: Image
    ) -> BoolArray:
        """Return images of other inputs that are refuted when one more input has an image, as `lost_by_label`.

        Args:
            outputs: Images of labels.
            inputs: Images of inputs.
            a: Number of the input.
            image: Its image.
        """
        found = self._nothing()
        if self.is_empty:
            return found
        settled = tuple(outputs.items())
        for others in ((), *(((c, on),) for c, on in inputs.items())):
            lost = self._kept(settled, ((a, image), *others))
            if lost is not None:
                found |= lost
        found[:, a, :] = False
        return found

    def _kept(self, outputs: Settled, inputs: Settled) -> BoolArray | None:
        key = (outputs, tuple(sorted(inputs)))
        if key not in self.by_input:
            (a, image), *others = inputs
            labels = dict(outputs)
            lines = list(
                self.lines.of_two(labels, (a, image), *others) if others else self.lines.of_one(labels, a, image)
            )
            self.by_input[key] = self._lost(lines) if lines else None
        return self.by_input[key]

    def _lost(self, lines: Iterable[Line]) -> BoolArray:
        """Return images that any coefficient refutes, or all together."""
        lost, d = self._nothing(), self.lines.cubes.size
        cost, count = np.zeros((2, d, d)), np.zeros((d, d))
        for line in lines:
            counted = line.known & np.isfinite(np.add.outer(line.here[1], line.there[1]))
            z_here, z_there = (values / np.sqrt(variances) for values, variances in (line.here, line.there))
            for side, sign in enumerate((1, 1 if line.is_even else -1)):
                z2 = np.where(counted, line.squares(sign), 0.0)
                missing = self.effort.either_misses(z_here, sign * z_there, self.lines.cubes.critical)
                lost[side] |= (z2 > self.effort.largest**2) | (missing & counted)
                cost[side] += z2
            count += counted
        return np.asarray(lost | (cost > self.effort.limit(count)))

    def _nothing(self) -> BoolArray:
        d = self.lines.cubes.size
        return np.zeros((2, d, d), dtype=bool)
