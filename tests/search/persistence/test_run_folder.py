"""A run folder is read as it was left, and says what it cannot use."""

from pathlib import Path

import pytest
import torch

from sharefind.errors import RunFolderError
from sharefind.inference import RandomisationTest
from sharefind.search import Decision, NodeEvidence, RunFolder, search_config
from sharefind.search.experiments import Training
from sharefind.search.memory import TEST
from sharefind.search.node_record import NODE, NodeRecord

DONE = RandomisationTest(0.5, "known", 199, 99, 0.0, 0.1)
STAYED = NodeEvidence(0.5, 0.1, 0.2, None, None, 0.5, 0.01, 1.0, 10, Decision.STAY, "fixed", "because")


def folder(path: Path) -> RunFolder:
    """A new run."""
    return RunFolder.create(path / "run", search_config(group="C2", seed=3))


def test_what_is_put_is_got_again_by_another(tmp_path: Path) -> None:
    made = folder(tmp_path)
    assert made.get(TEST, "C2") is None and made.seconds() == 0
    made.put(TEST, "C2", DONE)
    made.keep_particles(0, Training(torch.zeros(1, 2, 3), torch.ones(1, 2, 3), torch.zeros(1)))
    made.put(NODE, "{0}", NodeRecord("{0}", STAYED, ()))
    made.keep_seconds(2.5)
    again = RunFolder.open(made.path)
    assert again.get(TEST, "C2") == made.get(TEST, "C2") == DONE
    assert again.get(NODE, "{0}") == NodeRecord("{0}", STAYED, ())
    assert (again.seconds(), again.notes, again.config().seed) == (2.5, [], 3)
    assert [cloud.tolist() for cloud in again.particles(0)] == [[[0.0, 0.0]] * 3, [[1.0, 1.0]] * 3]


def test_a_node_with_damaged_particles_is_done_again(tmp_path: Path) -> None:
    made = folder(tmp_path)
    made.keep_particles(0, Training(torch.zeros(1, 2, 3), torch.ones(1, 2, 3), torch.zeros(1)))
    made.put(NODE, "{0}", NodeRecord("{0}", STAYED, ()))
    (made.path / "particles" / "node-0000.safetensors").write_bytes(b"other")
    again = RunFolder.open(made.path)
    assert again.get(NODE, "{0}") is None
    (note,) = again.notes
    assert "'{0}' cannot be used: particles/node-0000.safetensors is missing or damaged" in note
    with pytest.raises(RunFolderError, match="cannot be read"):
        again.particles(0)


def test_what_others_finish_is_seen_when_work_begins(tmp_path: Path) -> None:
    made = folder(tmp_path)
    assert made.get(TEST, "C2") is None
    RunFolder.open(made.path).put(TEST, "C2", DONE)
    assert made.get(TEST, "C2") is None
    with made.working():
        assert made.get(TEST, "C2") == DONE


def test_seconds_that_cannot_be_read_are_counted_from_0(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made.path / "spent.json").write_text('{"seconds": -1}')
    assert made.seconds() == 0 and "spent.json cannot be used" in made.notes[0]


def test_an_unfinished_run_has_no_result(tmp_path: Path) -> None:
    made = folder(tmp_path)
    assert not made.is_finished and not made.is_claimed
    with pytest.raises(RunFolderError, match="the run is not finished; go on with"):
        made.result()
    with pytest.raises(RunFolderError, match="holds no run"):
        RunFolder.open(tmp_path)
