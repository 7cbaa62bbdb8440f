"""The quick look itself: every candidate group, tied and free models side by side, ranked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.rng import named_stream
from sharefind.suggestion.actions import SuggestedAction
from sharefind.suggestion.candidates import candidates
from sharefind.suggestion.held_out import Comparison, Level, compared, is_seen, label_weights, level_of
from sharefind.suggestion.judgement import Judgement
from sharefind.suggestion.likeness import likeness, look_at, picture_contrast
from sharefind.suggestion.moments import linear, quadratic
from sharefind.suggestion.sheet import Sheet
from sharefind.typing import FloatArray


def judgements(sheet: Sheet, rows: int = 1500, seed: int = 0) -> list[Judgement]:
    """All candidate groups of a data set, the best ones first.

    Args:
        sheet: The data.
        rows: Most rows that are looked at.
        seed: Of their choice.
    """
    part = sheet.sampled(rows, named_stream(seed, "suggested rows"))
    look = look_at(part.x)
    actions = candidates(part, look)
    levels = levels_of(part, seed)
    fits = [_Fits.of(level, actions) for level in levels]
    seen = any(fit.is_seen() for fit in fits)
    judged = [
        Judgement(
            action, tuple(c for fit in fits if (c := fit.comparison(k)) is not None),
            likeness(look, action.inputs), picture_contrast(look, action.layout), len(part.x), seen,
        )
        for k, action in enumerate(actions)
    ]  # fmt: skip
    return sorted(judged, key=lambda one: one.rank)


def levels_of(sheet: Sheet, seed: int = 0) -> list[Level]:
    """Rows cut into folds, with linear and with quadratic features."""
    width = sheet.x.shape[1]
    kinds = [linear(width), quadratic(width)]
    return [level_of(kind, sheet.x, sheet.y, named_stream(seed, "suggestion folds")) for kind in kinds]


@dataclass(frozen=True, eq=False)
class _Fits:
    """All models with one kind of features.

    Attributes:
        level: Rows and features.
        actions: The groups.
        tied: Squared errors of each group's model, with its coefficients; None for one with too many.
        reference: Squared errors of the free model; of the best tied one where there are too few rows for a free one;
            None where there is neither.
    """

    level: Level
    actions: list[SuggestedAction]
    tied: list[tuple[FloatArray, int] | None]
    reference: FloatArray | None

    @classmethod
    def of(cls, level: Level, actions: list[SuggestedAction]) -> _Fits:
        """Fit all groups."""
        tied = [level.tied(action) for action in actions]
        scale = 1 / np.maximum((level.y**2).mean(axis=0), 1e-300)
        found = [errors for errors, _ in (fit for fit in tied if fit is not None)]
        if level.free is not None:
            found.append(level.free)
        best = min(found, key=lambda errors: float((errors @ scale).mean()), default=None)
        return cls(level, actions, tied, level.free if level.free is not None else best)

    def is_seen(self) -> bool:
        """Whether the reference predicts better than the mean."""
        return self.reference is not None and is_seen(self.level, self.reference)

    def comparison(self, k: int) -> Comparison | None:
        """A group beside the reference."""
        fit = self.tied[k]
        if fit is None or self.reference is None:
            return None
        errors, coefficients = fit
        return compared(self.level, errors, self.reference, coefficients, label_weights(self.actions[k], self.level.y))
