"""Evidence as JSON and back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sharefind.search import Decision, NodeEvidence

SEEN = NodeEvidence(0.5, 0.1, None, None, 0.02, 0.5, 0.01, 1.0, 10, Decision.GROW, "fixed", "because", groups=("C3",))


def test_evidence_survives_json() -> None:
    record = SEEN.to_json()
    assert list(record)[:3] == ["dist2", "rmd2", "delta"]
    assert record["decision"] == "grow" and record["groups"] == ["C3"]
    assert NodeEvidence.from_json(json.loads(json.dumps(record))) == SEEN
    numbers = replace(SEEN, dist2=np.float64(0.1) + np.float64(0.2)).to_json()
    assert json.dumps(numbers["dist2"]) == repr(0.1 + 0.2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dist2": -1.0}, "greater than or equal to 0"),
        ({"risk": 1e301}, r"is not between -1e\+300 and 1e\+300"),
        ({"risk": float("inf")}, "finite number"),
        ({"p_value": 1.5}, "less than or equal to 1"),
        ({"replicates": 10**9 + 1}, "less than or equal to 1000000000"),
        ({"decision": "wait"}, "'stay' or 'grow'"),
        ({"reason": "\x1b[2J"}, "cannot be printed"),
        ({"more": 1}, "Unexpected keyword argument"),
    ],
)
def test_what_no_search_writes_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        NodeEvidence.from_json({**SEEN.to_json(), **changes})
