"""A search with its folder: what is kept, what is repeated, and rules of one's own."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sharefind.errors import ConfigError, NotConvergedError, RunFolderError
from sharefind.parallel import Workers
from sharefind.search import (
    Decision,
    Growth,
    Observer,
    RunFolder,
    SearchNode,
    StopSearch,
    ThresholdRule,
    run_search,
)
from sharefind.search.node_record import NODE
from sharefind.search.rules.growth import Proposal
from tests.search.problems import problem, teacher_task

BRIEF: dict[str, Any] = {"copies": 19, "alpha": 0.1, "particles": 8, "replicates": 2}
"""Settings of tests of what is kept, whatever is found."""


class _StopAfter(Observer):
    def __init__(self, nodes: int) -> None:
        self.left = nodes

    def on_node_end(self, node: SearchNode) -> None:
        self.left -= 1
        if self.left == 0:
            raise StopSearch


def stable(path: Path) -> dict[str, object]:
    """A result without what may differ between runs."""
    record = json.loads(path.read_text())
    return {k: v for k, v in record.items() if k not in ("wall_s", "versions", "run")}


def test_a_stopped_run_keeps_its_nodes_and_resumes_to_the_same_result(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 120, 0), "S3", **BRIEF)
    whole = RunFolder.create(tmp_path / "whole", case.resolved)
    run_search(case, whole)
    part = RunFolder.create(tmp_path / "part", case.resolved)
    outcome, _ = run_search(case, part, _StopAfter(1))
    assert not outcome.finished
    opened = RunFolder.open(tmp_path / "part")
    assert opened.get(NODE, "{0}") is not None
    run_search(case, opened)
    assert stable(tmp_path / "part" / "result.json") == stable(tmp_path / "whole" / "result.json")
    assert opened.config() == case.resolved


class _StopWithin(Observer):
    """Stops the search in the first stage whose name begins with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.has_stopped = prefix, False

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        if stage.startswith(self.prefix):
            self.has_stopped = True
            raise StopSearch


def test_a_search_that_is_stopped_among_its_diagnoses_has_its_answer(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=19, alpha=0.1)
    watcher = _StopWithin("diagnosis")
    outcome, result = run_search(case, RunFolder.create(tmp_path / "run", case.resolved), watcher)
    assert watcher.has_stopped
    assert outcome.finished and result.e_star.candidate == "E^C3" and result.diagnosis == {}


def test_a_rule_of_ones_own_decides(tmp_path: Path) -> None:
    class Always:
        name = "always"

        def assess(self, problem, node, progress):
            found = ThresholdRule("fixed", 1e9).assess(problem, node, progress)
            return replace(found, evidence=replace(found.evidence, decision=Decision.STAY, rule=self.name))

    case = problem(teacher_task("C2", 2, 60, 0), symmetry="law", **BRIEF)
    outcome, result = run_search(case, RunFolder.create(tmp_path / "run", case.resolved), stop=Always())
    assert outcome.e_star.space.is_zero and result.chain[-1].rule == "always"


def test_a_rule_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    class Round:
        name = "round"

        def propose(self, problem, node, escape, lattice):
            return [Proposal(node, Growth(node.key, node.key, self.name, 1.0))]

    case = problem(teacher_task("C2", 2, 120, 0), symmetry="law", **BRIEF)
    with pytest.raises(ConfigError, match=r"the growth rule round proposed \{0\} \(dimension 0\) from \{0\}"):
        run_search(case, RunFolder.create(tmp_path / "run", case.resolved), growth=Round())


def test_a_divergence_names_the_node(tmp_path: Path) -> None:
    class Diverging:
        name = "diverging"

        def assess(self, problem, node, progress):
            raise NotConvergedError("training diverged in replicate 1 of 4")

    case = problem(teacher_task("C2", 2, 60, 0), symmetry="law", **BRIEF)
    with pytest.raises(NotConvergedError, match=r"^\{0\}: training diverged in replicate 1 of 4$"):
        run_search(case, RunFolder.create(tmp_path / "run", case.resolved), stop=Diverging())


def test_a_run_that_ends_among_its_exact_tests_repeats_none_of_them(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 100, 0), "S3", **BRIEF)
    whole = run_search(case, RunFolder.create(tmp_path / "whole", case.resolved))[1].to_json()
    path = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        run_search(case, RunFolder.create(path, case.resolved), Tests(end_after=3))
    finished = RunFolder.open(path).tests()
    assert len(finished) == 2
    counting = Tests()
    resumed = run_search(case, RunFolder.open(path), counting)[1].to_json()
    assert counting.begun and not set(counting.begun) & set(finished)
    assert RunFolder.open(path).tests()["S3"] == finished["S3"]
    for key in ("run", "wall_s"):
        del whole[key], resumed[key]
    assert resumed == whole


class Tests(Observer):
    """Which exact tests were begun; a Ctrl-C at the beginning of one of them."""

    __test__ = False

    def __init__(self, end_after: int | None = None) -> None:
        self.begun: list[str] = []
        self.end_after = end_after

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        if stage.startswith("test of "):
            self.begun.append(stage.removeprefix("test of "))
            if len(self.begun) == self.end_after:
                raise KeyboardInterrupt


def test_a_run_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 120, 0), "S3", **BRIEF)
    folder = RunFolder.create(tmp_path / "run", case.resolved)
    run_search(case, folder, _StopAfter(1))
    with pytest.raises(RunFolderError, match="other data"):
        run_search(problem(teacher_task("C3", 3, 120, 1), "S3", **BRIEF), RunFolder.open(folder.path))


@pytest.mark.slow
def test_workers_do_not_change_the_result(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3")
    for jobs in (1, 2):
        run_search(case, RunFolder.create(tmp_path / str(jobs), case.resolved), workers=Workers(jobs))
    assert stable(tmp_path / "1" / "result.json") == stable(tmp_path / "2" / "result.json")
