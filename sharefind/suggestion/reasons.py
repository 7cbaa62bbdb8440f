"""The reason for a suggestion, in words."""

from __future__ import annotations

from sharefind.suggestion.held_out import Comparison
from sharefind.suggestion.judgement import Judgement
from sharefind.written import plural


def reason(judged: Judgement) -> str:
    """Return why a group is suggested, in one or two sentences.

    Args:
        judged: The judgement on the group.
    """
    parts = [_columns(judged)]
    if judged.is_picture:
        parts.append(f"neighbouring pixels are correlated ({judged.contrast:.2f} above those far apart)")
    if judged.best is not None:
        parts.append(_relation(judged, judged.best))
    if judged.same_as:
        parts.append(f"its models are those of {judged.same_as}")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _columns(judged: Judgement) -> str:
    like, words = judged.likeness, judged.action.layout.words
    if not like.holds():
        return f"{words}: means or spreads differ by up to {like.effect:.2g} standard deviations"
    if not like.is_correlated_alike():
        return f"{words}: like means and spreads, but unlike correlations"
    correlations = " and correlations" if like.correlations < 2 else ""
    return f"{words}: like means{',' if correlations else ' and'} spreads{correlations}"


def _relation(judged: Judgement, found: Comparison) -> str:
    numbers = f"{plural(found.coefficients, 'number')} instead of {found.of}"
    group = judged.action.group
    if not judged.is_seen:
        return f"no model sees y in x, so that nothing speaks for or against {group} there ({numbers})"
    both = f"R^2 {_short(found.tied)} / {_short(found.best)}"
    if judged.is_blind:
        return (
            f"its {found.words} model sees little of y ({both}), and tied by {group} the one that sees more (R^2 "
            f"{_short(judged.most)}) has too many numbers for these rows, so that little speaks for or against {group}"
        )
    if judged.holds:
        return (
            f"a {found.words} model tied by {group} predicts held-out rows as well as any other ({both}) with {numbers}"
        )
    worst = max(judged.comparisons, key=lambda one: one.deviation)
    both = f"R^2 {_short(worst.tied)} / {_short(worst.best)}"
    return (
        f"a {worst.words} model tied by {group} predicts held-out rows less well than the best one ({both}), with "
        f"{plural(worst.coefficients, 'number')} instead of {worst.of}: {group} may hold in part"
    )


def _short(value: float) -> str:
    return f"{max(value, 0.0):.3f}".lstrip("0") if value < 0.9995 else "1.000"


def filter_reason(found: Comparison) -> str:
    """Return why a filter suggests a search without a candidate.

    Args:
        found: The comparison of the filter with free coefficients.
    """
    both = f"R^2 {_short(found.tied)} / {_short(found.best)}"
    return (
        "The columns are a sequence with a filter that is the same at every position but at the borders: away from "
        f"them it predicts held-out rows as well as free coefficients ({both}) with {found.coefficients} numbers "
        f"instead of {found.of}; no group of permutations has it, and a search without a candidate finds it"
    )
