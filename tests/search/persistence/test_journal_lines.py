"""Finished work as lines of journals and back."""

import json
from typing import Any

import pytest

from sharefind.inference import Diagnosis, RandomisationTest, RiskGap
from sharefind.search import Decision, Growth, NodeEvidence, SearchNode
from sharefind.search.memory import DIAGNOSIS, TEST, Kind
from sharefind.search.node_record import NODE, NodeRecord
from sharefind.search.persistence.journal_lines import CODECS
from sharefind.search.rules.growth import Proposal
from sharefind.spaces import Subspace

DONE = RandomisationTest(0.02, "correlogram", 199, 3, 2.5, 0.1, True)
SEEN = NodeEvidence(0.5, 0.1, 0.2, 0.01, 0.02, 0.5, 0.01, 1.0, 10, Decision.GROW, "fixed", "because", rejected=("S3",))
NEXT = SearchNode("E^C2", Subspace.from_tying([1, 2, 2, 1]), 3, "E^C2")

RISK = {"gap": 0.1, "low": 0.0, "high": 0.2, "free_r2": 0.9, "tied_r2": 0.8, "free_low": 0.7}

WORK: list[tuple[Kind[Any], Any]] = [
    (NODE, NodeRecord("{0}", SEEN, (Proposal(NEXT, Growth("{0}", "E^C2", "invariant", 0.7)),))),
    (TEST, DONE),
    (DIAGNOSIS, Diagnosis(DONE, RiskGap(**RISK), 0.01)),
]

KNOWN = Diagnosis(None, RiskGap(**RISK, free_accuracy=0.98, tied_accuracy=0.97), 0.01, False, True)
"""A price where the inputs were accepted under a larger group, and the relation was tested."""


@pytest.mark.parametrize(("kind", "work"), [*WORK, (DIAGNOSIS, KNOWN)], ids=[*(kind.name for kind, _ in WORK), "known"])
def test_work_survives_its_line(kind: Kind[Any], work: Any) -> None:
    line = json.loads(json.dumps(CODECS[kind].line("{0}", work)))
    assert CODECS[kind].value({**line, "later": 1}) == ("{0}", work)


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        (TEST, {"p_value": 0.0}, "greater than 0"),
        (TEST, {"p_value": "0.5"}, "valid number"),
        (TEST, {"exceeding": 200}, "200 of 199 copies exceed the data"),
        (TEST, {"z": 1e301}, "is not between"),
        (TEST, {"statistic": "\x1b"}, "cannot be printed"),
        (DIAGNOSIS, {"alpha": 1.0}, "less than 1"),
        (
            DIAGNOSIS,
            {"risk": {"gap": 0.3, "low": 0.0, "high": 0.2, "free_r2": 0.9, "tied_r2": 0.8, "free_low": 0.7}},
            "gap",
        ),
        (
            DIAGNOSIS,
            {"risk": {"gap": 0.1, "low": 0.0, "high": 0.2, "free_r2": 0.9, "tied_r2": 0.8, "free_low": 1.0}},
            "above",
        ),
        (DIAGNOSIS, {"risk": {**RISK, "tied_accuracy": 1.5}}, "less than or equal to 1"),
        (NODE, {"key": True}, "valid string"),
        (NODE, {"evidence": {}}, "required"),
    ],
)
def test_what_no_search_writes_is_refused(kind: Kind[Any], changes: dict[str, Any], told: str) -> None:
    line = CODECS[kind].line("{0}", dict(WORK)[kind])
    with pytest.raises(ValueError, match=told):
        CODECS[kind].value({**line, **changes})
