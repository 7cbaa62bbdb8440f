"""The rules that settings can name: one line each. A rule of one's own needs none, see `run_search`."""

from __future__ import annotations

from sharefind.search.own_groups import own_key
from sharefind.search.rule_traits import StopTraits
from sharefind.search.rules.growth import Proposal, RegisteredGrowth, numerical_names
from sharefind.search.rules.growth_escape import EscapeGrowth
from sharefind.search.rules.growth_invariant import InvariantGrowth
from sharefind.search.rules.growth_mean import MeanGrowth
from sharefind.search.rules.stop_calibrated import CalibratedRule
from sharefind.search.rules.stop_fixed import ThresholdRule
from sharefind.search.rules.stop_randomisation import RandomisationRule
from sharefind.search.rules.stopping import RegisteredStop
from sharefind.search.search_lattice import SearchNode

GROWTH_RULES: dict[str, RegisteredGrowth] = {
    "mean": MeanGrowth(),
    "escape": EscapeGrowth(),
    "invariant": InvariantGrowth(),
}

STOPPING_RULES: dict[str, RegisteredStop] = {
    "fixed": ThresholdRule(),
    "calibrated": CalibratedRule(),
    "randomisation": RandomisationRule(),
}


def stop_traits(name: str | None) -> StopTraits:
    """Return the traits of the stopping rule that a record names; default traits for a rule of the user.

    Args:
        name: Name of the rule, or None.
    """
    return STOPPING_RULES[name].traits if name in STOPPING_RULES else StopTraits()


def is_named(proposal: Proposal, source: SearchNode) -> bool:
    """Return whether a proposal that was read is named as one of these rules names it; any name is valid for other
    rules.

    Args:
        proposal: The proposal.
        source: The node that it grows from.
    """
    rule, child = GROWTH_RULES.get(proposal.growth.rule), proposal.node
    if rule is None:
        return True
    if rule.traits.keeps_to_candidates:
        return child.candidate is not None
    if rule.traits.snaps:
        return child.candidate is not None or child.key == own_key(child.space)
    key, label = numerical_names(source, rule.name)
    return (child.key, child.candidate) == (key, None) and child.label in (label, "Z")
