"""One place resolves data and candidate, whoever asks."""

import json
from pathlib import Path

import numpy as np
import pytest

from sharefind.api import SharingSearch
from sharefind.api.resolve import resolve_problem
from sharefind.datasets import finite_task
from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural
from sharefind.search import ActingGroup, search_config

CYCLE = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_a_candidate_is_the_same_however_it_is_given(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    task = finite_task("rows", rng.standard_normal((40, 3)), rng.standard_normal((40, 3)))
    file = tmp_path / "c3.json"
    file.write_text(json.dumps({"name": "C3", "generators": [{"in": CYCLE, "out": CYCLE}]}))
    group = named_group("C3")
    problems = [
        resolve_problem(search_config(group="C3"), task),
        resolve_problem(search_config(generators=str(file)), task),
        resolve_problem(search_config(), task, group),
        resolve_problem(search_config(), task, ActingGroup(group, natural(group), natural(group))),
    ]
    spaces = [[node.space for node in problem.lattice.nodes] for problem in problems if problem.lattice is not None]
    assert len(spaces) == 4 and all(found == spaces[0] for found in spaces)


def test_what_says_how_it_acts_takes_no_representation(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((40, 3))
    group = named_group("C3")
    given = ActingGroup(group, natural(group), natural(group))
    with pytest.raises(ConfigError, match=r"^a candidate says how the group acts; drop in_rep and out_rep"):
        resolve_problem(search_config(in_rep="natural"), finite_task("rows", rows, rows), given)
    for settings in ({"group": given}, {"generators": tmp_path / "none.json"}):
        with pytest.raises(ConfigError, match="says how the group acts; drop in_rep and out_rep"):
            SharingSearch(**settings, out_rep="natural").fit(rows, rows)
