"""The quick look: it compares tied and free models for every candidate group and ranks the groups."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sharefind.rng import named_stream
from sharefind.suggestion.actions import SuggestedAction
from sharefind.suggestion.candidates import candidates
from sharefind.suggestion.held_out import Comparison, Fitted, Level, compared, is_seen, label_weights, level_of
from sharefind.suggestion.judgement import Judgement
from sharefind.suggestion.likeness import likeness, look_at, picture_contrast
from sharefind.suggestion.moments import linear, quadratic
from sharefind.suggestion.sheet import Sheet


def judgements(sheet: Sheet, rows: int = 1500, seed: int = 0) -> list[Judgement]:
    """Return a judgement on each candidate group of a data set, best group first.

    Args:
        sheet: The data.
        rows: Largest number of rows used.
        seed: Seed of the choice of rows and of the folds.
    """
    part = sheet.sampled(rows, named_stream(seed, "suggested rows"))
    look = look_at(part.x)
    actions = candidates(part, look)
    fits = list[_Fits]()
    is_worth = [True] * len(actions)
    for level in levels_of(part, seed):
        fits.append(_Fits.of(level, actions, is_worth))
        is_worth = [_is_open(fits[-1].comparison(k)) for k in range(len(actions))]
    seen = any(fit.is_seen() for fit in fits)
    compared_with = [tuple(c for fit in fits if (c := fit.comparison(k)) is not None) for k in range(len(actions))]
    most = max((found.best for each in compared_with for found in each), default=0.0)
    judged = [
        Judgement(
            action, compared_with[k], likeness(look, action.inputs), picture_contrast(look, action.layout),
            len(part.x), seen, most=most,
        )
        for k, action in enumerate(actions)
    ]  # fmt: skip
    return sorted(_with_repeats(sorted(judged, key=lambda one: one.rank)), key=lambda one: one.rank)


def _is_open(found: Comparison | None, kept: float = 0.9, errors: float = 8.0) -> bool:
    """Return whether more features may still change what a comparison says about a group."""
    return found is None or found.kept > kept or found.deviation < errors


def _with_repeats(judged: list[Judgement]) -> list[Judgement]:
    """Return the same judgements; one with the same columns and models as an earlier group refers to that group."""
    seen = dict[tuple[object, ...], str]()
    found = list[Judgement]()
    for one in judged:
        counts = tuple(found.coefficients for found in one.comparisons)
        key = (one.action.layout, one.action.settings["out_rep"], *counts)
        first = seen.setdefault(key, one.action.group) if counts else one.action.group
        found.append(one if first == one.action.group else replace(one, same_as=first))
    return found


def levels_of(sheet: Sheet, seed: int = 0) -> list[Level]:
    """Return the rows split into folds, once with linear and once with quadratic features.

    Args:
        sheet: The data.
        seed: Seed of the folds.
    """
    width = sheet.x.shape[1]
    kinds = [linear(width), quadratic(width)]
    return [level_of(kind, sheet.x, sheet.y, named_stream(seed, "suggestion folds")) for kind in kinds]


@dataclass(frozen=True, eq=False)
class _Fits:
    """All models with one kind of features.

    Attributes:
        level: Rows and features.
        actions: The groups.
        tied: The model of each group; None if it has too many coefficients or was ruled out.
        reference: The best model, tied or free; None if there are too few rows for any.
    """

    level: Level
    actions: list[SuggestedAction]
    tied: list[Fitted | None]
    reference: Fitted | None

    @classmethod
    def of(cls, level: Level, actions: list[SuggestedAction], is_worth: list[bool]) -> _Fits:
        """Fit the groups that were not ruled out."""
        tied = [level.tied(action) if worth else None for action, worth in zip(actions, is_worth, strict=True)]
        scale = 1 / np.maximum((level.y**2).mean(axis=0), 1e-300)
        found = [fit for fit in tied if fit is not None]
        if level.free is not None:
            found.append(Fitted(level.free, level.features.count * level.y.shape[1]))
        return cls(level, actions, tied, min(found, key=lambda fit: float((fit.errors @ scale).mean()), default=None))

    def is_seen(self) -> bool:
        """Whether the reference predicts better than the mean."""
        return self.reference is not None and is_seen(self.level, self.reference.errors)

    def comparison(self, k: int) -> Comparison | None:
        """Return the comparison of a group with the reference."""
        fit = self.tied[k]
        if fit is None or self.reference is None:
            return None
        return compared(self.level, fit, self.reference, label_weights(self.actions[k], self.level.y))
