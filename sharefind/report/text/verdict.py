"""A run in sentences: the verdict, warnings, and open questions.

Every presentation of a run takes its sentences from here; `tables` and `html_page` format them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sharefind.errors import setting
from sharefind.groups import cycle_notation
from sharefind.report.text.mirror_words import open_sentence
from sharefind.report.text.move_words import generator_words
from sharefind.report.text.relation_words import (
    decides_by_relation,
    equivariance_words,
    rejection_words,
    undecided_words,
)
from sharefind.report.text.runs import RunView
from sharefind.report.text.subgroup_words import axis_words
from sharefind.report.text.text_style import STYLE
from sharefind.search import Decision
from sharefind.search.engine import NO_DIRECTION, no_direction_advice
from sharefind.search.proposal_parts import BlindRow, Proposed, Rival
from sharefind.search.result import Result
from sharefind.search.result_parts import Stabiliser
from sharefind.search.rules.registry import stop_traits
from sharefind.written import NOTHING, number, order, share, shortened


def verdict(view: RunView) -> str:
    """Return what was found, in one sentence.

    Args:
        view: The run.
    """
    last = view.e_star
    stopped = view.result.stopped
    why = f" ({stopped})" if stopped else ""
    if last is None:
        return f"Undecided: the search was stopped before its first node was done{why}."
    where, before = f"dimension {last.space.dim} of {view.ambient}", _rejection(view.result.blind)
    if not view.is_finished:
        return f"{before}Undecided: the search ended at {last.label}, {where}, which does not hold{why}."
    open_subgroups = view.result.subgroups_undecided
    if open_subgroups and last.space.is_full:
        return f"{before}Undecided: E_* = Z, {where}, but symmetries may be missed, since {open_subgroups}."
    found = f"{before}E_* = {star_name(view)}, {where}: {_meaning(view)}"
    return f"{found} Undecided: a larger symmetry may hold, since {open_subgroups}." if open_subgroups else found


def _rejection(blind: BlindRow | None) -> str:
    """Return the first proposal of a blind search if the other rows reject it; else ""."""
    if not blind or blind.rejected_p is None:
        return ""
    p_value = number(blind.rejected_p)
    return f"Proposed {blind.name} ({share_words(blind)}); rejected on the other rows at p = {p_value}; "


"""Posterior shares above this are printed as "above .999": what is not among the spaces compared has a share too."""


def share_words(proposal: Proposed) -> str:
    """Return the posterior share of a proposal or a rival, in words.

    Args:
        proposal: The proposal or rival.
    """
    value = proposal.share
    if proposal.log_odds is not None:
        return f"log odds {number(proposal.log_odds)} against an accident"
    if value is None:
        return "search cut short, no share"
    return f"share {share(value, digits=3)}"


def star_name(view: RunView) -> str:
    """Return the name of the last space of the chain: {0}, Z, E^H, or the label of a numerical space.

    Args:
        view: The run.
    """
    last = view.e_star
    if last is None:
        return NOTHING
    if last.space.is_zero or last.space.is_full:
        return "{0}" if last.space.is_zero else "Z"
    return str(view.result.e_star.candidate or last.label)


def _meaning(view: RunView) -> str:
    e_star, mirror = view.result.e_star, view.result.mirror
    if mirror is not None and mirror.is_open:
        return open_sentence(mirror)
    if is_zero(view):
        if e_star.stabiliser is not None:
            return "no parameter of this unit is left free by the symmetries that are not rejected."
        if _rests_at_saddle(view):
            return "training rests at a saddle of this unit; the labels may carry signal."
        return "the data show nothing that could be learned."
    if e_star.dim == view.ambient:
        return _nothing_shared(view)
    if e_star.stabiliser is None:
        return _without_group(view)
    stabiliser = e_star.stabiliser
    if not stop_traits(last_rule(view)).decides_by_tests and not view.result.symmetries:
        return f"training stays on the space of {stabiliser.name} (order {order(stabiliser.order)})."
    maximal, label = view.result.maximal, str(e_star.candidate).removeprefix("E^")
    if decides_by_relation(view.result) and not view.holds_by_tolerance:
        return _by_relation(view, stabiliser, label)
    if maximal and label in view.result.rejected and not view.holds_by_tolerance:
        return f"the symmetry {maximal[0]} is not rejected; {label} has the same space, but is rejected."
    how = "holds within the tolerance only" if view.holds_by_tolerance else "is not rejected"
    of_weights = " of the weights" if _has_smaller_group(view.result) else ""
    about = axis_words(view.result, stabiliser.name)
    placed = f", which {about}," if about else ""
    return f"the symmetry {stabiliser.name} (order {order(stabiliser.order)}){placed}{of_weights} {how}."


def _nothing_shared(view: RunView) -> str:
    """Return what follows if the search ended at Z."""
    result, candidate = view.result, view.result.group.name
    named = [n for n in result.maximal if candidate == "SO2" and n != "SO2"]
    if named:
        turn = f"{360 / int(named[0][1:]):.4g} degrees"
        return (
            f"no space of SO2 holds; {named[0]} (turns by {turn}) is not rejected: see {setting('group')} "
            f"R{named[0][1:]}."
        )
    if result.is_one_sided:
        return f"{undecided_words(result)}."
    if result.mirror is not None and result.mirror.group is None and not result.mirror.exhaustive:
        return "undecided: the search for maps was cut short, and none was found as far as it came."
    rejected = f"; {candidate} is rejected" if candidate in result.rejected else ""
    if decides_by_relation(result):
        rejected = rejection_words(result)
    return f"no sharing of parameters is supported by the data{rejected}."


def _by_relation(view: RunView, stabiliser: Stabiliser, label: str) -> str:
    """Return what holds if the relation decides."""
    result = view.result
    if result.maximal and label in result.rejected:
        other = result.maximal[0]
        return f"{equivariance_words(result, other, other)}; {label} has the same space, but is rejected."
    return f"{equivariance_words(result, stabiliser.name, label)}."


def _without_group(view: RunView) -> str:
    """Return what holds for a space that no candidate group fixes."""
    if view.result.blind:
        blind = view.result.blind
        return f"{(blind.taken or blind).name}; its ties are not rejected."
    kind = "exact" if view.result.e_star.exact else "numerical"
    return f"training stays on this {kind} space; no candidate group names it."


def warnings(view: RunView) -> Iterator[str]:
    """Yield warnings, one line each; those of the search itself come first.

    Args:
        view: The run.
    """
    yield from (f"{line[:1].upper()}{line[1:].removesuffix('.')}." for line in view.result.warnings)
    if not view.is_finished and str(view.result.stopped).startswith(NO_DIRECTION):
        yield f"No space held: particles leave the last one, and nothing says where to; {no_direction_advice()}."
    elif not view.is_finished and " is open: " in str(view.result.stopped):
        yield "E_* is not decided: its test is open, at the very level."
    elif not view.is_finished:
        yield f"No space held so far: the last one is no answer. Go on with {setting('resume')} and a larger budget."
    elif is_zero(view) and view.result.e_star.stabiliser is not None:
        yield (
            "E_* = {0}: this unit is too poor for what was accepted. Use one with a hidden layer: "
            f"{setting('unit')} two-layer."
        )
    elif is_zero(view) and _rests_at_saddle(view):
        yield (
            f"E_* = {{0}} is a saddle of this unit, no answer. Use {setting('growth')} invariant with a "
            "candidate group."
        )
    elif is_zero(view):
        yield "E_* = {0}: the labels look independent of the inputs. Check them, or try more data."


def remarks(view: RunView) -> Iterator[str]:
    """Yield remarks, one line each: saddles, disagreements, and open questions of a blind search.

    Args:
        view: The run.
    """
    yield from (*saddles(view), *disagreements(view), *doubts(view.result))


def saddles(view: RunView) -> Iterator[str]:
    """Yield the nodes where particles stay although a free start learns more, one line each.

    Args:
        view: The run.
    """
    for node in view.lattice.visited():
        if node.evidence is not None and node.evidence.stationary_not_optimal:
            is_left = node.evidence.decision is Decision.GROW
            if not is_left and stop_traits(node.evidence.rule).decides_by_tests and not node.space.is_zero:
                yield f"At {node.label} the short trainings learn nothing: that it holds rests on the exact test alone."
                continue
            follows = ", so the search went on" if is_left else ": do not trust that it stays"
            yield f"At {node.label} training is stationary but not optimal (a saddle){follows}."


def disagreements(view: RunView) -> Iterator[str]:
    """Yield the nodes where dist^2 and the exact tests disagree, one line each.

    Args:
        view: The run.
    """
    for node in view.lattice.visited():
        if node.evidence is not None and node.evidence.exact_disagrees:
            says = "holds" if node.evidence.decision is Decision.STAY else "is left"
            yield f"{node.label} {says} by dist^2, and {node.evidence.reason.partition('; ')[2]}."


def last_rule(view: RunView) -> str | None:
    """Return the stopping rule that decided at the last node.

    Args:
        view: The run.
    """
    last = view.e_star
    return None if last is None or last.evidence is None else last.evidence.rule


def _rests_at_saddle(view: RunView) -> bool:
    last = view.e_star
    return last is not None and last.evidence is not None and last.evidence.stationary_not_optimal


def is_answer(view: RunView) -> bool:
    """Return whether a space holds that is informative: not {0}, and not Z for lack of a decision.

    Args:
        view: The run.
    """
    return view.is_finished and view.result.is_answer


def is_zero(view: RunView) -> bool:
    """Return whether the search ended at {0}.

    Args:
        view: The run.
    """
    return view.e_star is not None and view.e_star.space.is_zero


def star_title(view: RunView) -> str:
    """Return a title for the last space of the chain; a space that does not hold is not called E_*.

    Args:
        view: The run.
    """
    return f"{'E_*' if view.is_finished else 'The last space, which does not hold,'} = {star_name(view)}"


def proposal(blind: BlindRow) -> str:
    """Return what the proposing samples of a blind search suggest.

    Args:
        blind: The proposal.
    """
    order_text = "" if blind.order in (None, 1) else f" (order {order(blind.order)})"
    odd = ", and odd: turning all signs is a symmetry too" if blind.odd and blind.name != "C2" else ""
    algebra = blind.lie_algebra
    turns = f", fixed by {algebra.name} (dimension {algebra.dim})" if algebra and algebra.dim else ""
    of_weights = ", the symmetry of the weights," if blind.smaller_group else ""
    share = share_words(blind) if blind.share is None else f"posterior {share_words(blind)}"
    if blind.share is None and blind.log_odds is None and blind.exhaustive:
        share = "no map that is more than an accident"
    return f"{blind.name}{order_text}{turns}{of_weights} by {blind.samples:,} samples, {share}{odd}{_left(blind)}"


def _left(blind: BlindRow) -> str:
    """Return what was rejected, and what was tried after it."""
    if blind.rejected_p is None:
        return ""
    words = f"; rejected on the other rows at p = {number(blind.rejected_p)}"
    rejected = ", ".join(f"{t.name} (p = {number(t.p_value)})" for t in blind.tried[1:])
    if rejected:
        words += f", and so were {rejected}"
    return words + (f"; then {blind.taken.name}" if blind.taken else "")


def _has_smaller_group(result: Result) -> bool:
    """Return whether the data proposed the group that holds, and a smaller group has the same space."""
    return any(row is not None and row.smaller_group for row in (result.blind, result.subgroups))


def _of_weights(name: str, smaller: Sequence[str] = ()) -> str:
    """Return that only the space is known; smaller: names of groups with the same space, with generators or without."""
    kinds = ", ".join(dict.fromkeys(one.partition(":<")[0] for one in smaller))
    which = f"smaller groups have the same space ({kinds})" if kinds else "a smaller group has the same space"
    return f"{name} is the symmetry of the weights: {which}, and which of them the data have is undecided."


def doubts(result: Result) -> Iterator[str]:
    """Yield the open questions of a search for groups that the data propose, one line each.

    Args:
        result: The result of a search.
    """
    blind, stabiliser = result.blind, result.e_star.stabiliser
    if result.subgroups and result.subgroups.smaller_group and stabiliser and result.maximal[:1] == [stabiliser.name]:
        yield _of_weights(stabiliser.name, result.subgroups.same_space)
    if not blind:
        return
    rivals = ", ".join(f"{r.name} (dim {r.dim}{_share(r)})" for r in blind.rivals)
    if blind.status == "undecided":
        yield (
            f"Undecided: of the posterior the likeliest space has {blind.share:.2g}; others: {rivals}. "
            "E_* contains what is likely; more data would tell."
        )
    if not blind.exhaustive:
        yield (
            "The search for moves was cut short: not every move of inputs and outputs was looked at, so symmetries may "
            "have been missed and no space has a posterior share. Fewer inputs make it complete."
        )
    if blind.smaller_group:
        yield _of_weights((blind.taken or blind).name)
    smaller = blind.smaller
    if smaller and smaller.log_odds < 0:
        odds = f"log odds {-smaller.log_odds:.2g}"
        yield f"As far as the data show, {smaller.what} ({odds}), though no group says so."


def _share(rival: Rival) -> str:
    return "" if rival.share is None else f", {rival.share:.2g}"


def stabiliser_sentence(stabiliser: Stabiliser, result: Result) -> str:
    """Return name, order and generators of a stabiliser, on points and on columns that have names.

    Args:
        stabiliser: The stabiliser.
        result: The result of the search, which has the names.
    """
    cycles = [shortened(cycle_notation(g), STYLE.cycles) for g in stabiliser.generators]
    generators = f", generated by {', '.join(cycles)} (points counted from 0)" if cycles else ""
    on_columns = "; ".join(generator_words(stabiliser.moves, result))
    named = f"; on columns: {on_columns}" if on_columns else ""
    about = axis_words(result, stabiliser.name)
    placed = f"; {about}" if about else ""
    sentence = f"{stabiliser.name}, order {order(stabiliser.order)}{placed}{generators}{named}"
    if result.e_star.dim == 0 and stabiliser.name not in result.accepted:
        return f"{sentence}: every group keeps {{0}}, so that {{0}} shows no symmetry"
    return sentence
