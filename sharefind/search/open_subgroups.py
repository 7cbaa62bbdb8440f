"""Questions that a search leaves open although a space holds: subgroups that it did not test may be symmetries, too."""

from __future__ import annotations

from sharefind.groups import FiniteGroup
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference import Verdict
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.search_outcome import SearchOutcome
from sharefind.search.turned import TurnedStart


def subgroups_undecided(outcome: SearchOutcome) -> str | None:
    """Return why other symmetries than those of E_* may hold; None where all candidates are decided, or nothing holds
    at all.

    Where the whole candidate is accepted no question remains: all of its subgroups hold with it.

    Args:
        outcome: The outcome of the search.
    """
    problem = outcome.problem
    if not outcome.finished or problem.family is None:
        return None
    if problem.blind is not None and not problem.blind.proposed.is_exhaustive:
        return "the search for moves was cut short"
    whole = problem.candidate.group
    is_rejected = problem.family.verdicts.get(problem.label_of(whole)) is Verdict.REJECTED
    if not is_rejected or not isinstance(whole, FiniteGroup) or whole.order <= MAX_SUBGROUP_ORDER:
        return None
    return _of_subgroups(problem, whole.name)


def _of_subgroups(problem: TestedProblem, name: str) -> str | None:
    """The same for a group that is too large to list, and was rejected."""
    start = problem.inside
    if start is None or isinstance(start, TurnedStart):
        return f"the subgroups of {name} are too many to list, and none was looked at"
    if start.finding is None:
        return f"the data are too few to propose subgroups of {name}"
    if not start.finding.has_signal:
        return f"the rows that could propose subgroups of {name} show no signal"
    return None if start.finding.is_exhaustive else f"the search for subgroups of {name} was cut short"
