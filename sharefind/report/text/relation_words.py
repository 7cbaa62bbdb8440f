"""The tests of the relation E[Y | X] in sentences: which test decided, what is undecided, and what was seen.

`sharefind.search.three_verdicts` has the cells of tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from sharefind.report.text.runs import RunView
from sharefind.search.result import Result
from sharefind.search.result_parts import SymmetryRow
from sharefind.search.three_verdicts import price_words
from sharefind.written import number


def decides_by_relation(result: Result) -> bool:
    """Return whether E_* follows from the relation, not from the law of (X, Y).

    Args:
        result: The result of a search.
    """
    return result.decided_by == "relation"


def one_sided(result: Result) -> list[SymmetryRow]:
    """Return the groups that are undecided because the inputs show only one side of them, largest first.

    Args:
        result: The result of a search.
    """
    found = [row for row in result.symmetries if row.relation is not None and row.relation.one_sided]
    return sorted(found, key=lambda row: -(row.order or 0))


def undecided_words(result: Result) -> str:
    """Return the headline if the inputs show only one side of a group.

    Args:
        result: A result with `is_one_sided`.
    """
    row = one_sided(result)[0]
    cost = "what tying by it costs is not known"
    if row.price is not None and row.price.fits:
        verb, _, amount = price_words(row.price).partition(" ")
        cost = f"tying by it would {'cost' if verb == 'loses' else 'gain'} {amount}"
    return f"undecided: the inputs show one side of {row.group} only; {cost}: see docs/relation"


def equivariance_words(result: Result, name: str, label: str) -> str:
    """Return what was found if the relation decides and a group was accepted.

    Args:
        result: The result of a search.
        name: Name of the group in the sentence.
        label: Name of the group among the candidates.
    """
    row = next((row for row in result.symmetries if row.group == label), None)
    inputs = None if row is None or row.inputs is None else row.inputs.verdict
    words = {
        "rejected": "the inputs are not invariant",
        "accepted": "nor is invariance of the inputs",
    }.get(inputs or "", "")
    return f"the relation is equivariant under {name} (not rejected{f'; {words}' if words else ''})"


def rejection_words(result: Result) -> str:
    """Return what was rejected if the relation decides and no group was accepted; "" if the candidate was not rejected.

    Args:
        result: The result of a search.
    """
    name = result.group.name
    if name not in result.rejected:
        return ""
    row = next((row.relation for row in result.symmetries if row.group == name and row.relation is not None), None)
    doubt = "" if row is None or row.level_assured else ", at a level that is not assured"
    return f"; the relation under {name} is rejected{doubt}"


def relations_rejected(result: Result) -> set[str]:
    """Return the groups for which a test of their own rejected the relation.

    Args:
        result: The result of a search.
    """
    return {r.group for r in result.symmetries if r.relation is not None and r.relation.verdict == "rejected"}


def relation_sentences(result: Result, most: int = 3) -> list[str]:
    """Return which breaks the tests of the relation would have detected, for the accepted groups.

    Args:
        result: The result of a search.
        most: Largest number of groups with a sentence.
    """
    found = [
        f"{row.group}: a break of {row.relation.detectable:.2g} standard deviations of the signal would have been seen "
        "with probability .8."
        for row in result.symmetries
        if row.relation is not None and row.relation.detectable is not None and row.relation.verdict == "accepted"
    ]
    return found[:most]


def promised_of_inputs(view: RunView) -> Iterator[str]:
    """Yield what holds for the inputs under any law.

    Args:
        view: The run.
    """
    if any(row.inputs is not None for row in view.result.symmetries):
        yield (
            f"The inputs: if the samples are independent, then with probability at least {number(1 - view.alpha)} none "
            "of the groups whose inputs are called rejected leaves the law of X invariant. Exact for every sample size."
        )


def not_promised_of_relation(view: RunView) -> Iterator[str]:
    """Yield what the relation, the price and the likeliest group do not guarantee, one sentence each.

    Args:
        view: The run.
    """
    result = view.result
    if any(row.relation is not None for row in result.symmetries):
        yield (
            f"The relation: that a group that holds is rejected with probability {view.alpha:g} at most is known by "
            "simulation, not by a proof; no exact test of E[Y | X] exists for any law of continuous inputs. The "
            "hypothesis is about the whole space, also where there are no rows."
        )
    if any(row.price is not None for row in result.symmetries):
        yield (
            "The price of tying is a 95 % interval from rows kept apart: an estimate for rows like these, one group at "
            "a time, and no test."
        )
    if result.likeliest is not None:
        yield (
            "The shares of the likeliest groups weigh Gaussian processes by their evidence and a prior: they have no "
            "error rate, and are calibrated on simulated data alone. They ask which group holds exactly: with enough "
            "rows a small break gives a smaller group, or no symmetry, a share near 1."
        )
