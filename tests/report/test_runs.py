"""A run read back: its nodes by name, its particles, and clear refusals."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from sharefind.errors import RunFolderError
from sharefind.report.text.runs import load_run


def test_nodes_are_found_by_number_and_name(make) -> None:
    view = make()
    assert view.find("3").key == view.find("E^C3").key == "E^C3"
    with pytest.raises(RunFolderError, match=r"0 \(\{0\}\), 1 \(E\^S3\)"):
        view.find("E^A3")


def test_growths_come_with_the_most_explained_first(make) -> None:
    view = make()
    assert [g.target for g in view.growths_from(view.find("1"))] == ["E^C3", "E^C2:<(0 1)>"]
    assert [node.key for node in view.open_nodes] == ["Z"]
    assert [node.key for node in view.chain] == ["{0}", "E^S3", "E^C3"]


def test_particles_are_rows(make, tmp_path: Path) -> None:
    view = make()
    object.__setattr__(view, "path", tmp_path)
    (tmp_path / "particles").mkdir()
    start, final = np.zeros((1, 9, 7)), np.arange(2 * 9 * 7, dtype=np.float32).reshape(2, 9, 7)
    save_file({"start": start, "final": final}, tmp_path / "particles" / "node-0003.safetensors")
    before, after = view.particles(view.find("3"))
    assert before.shape == after.shape == (7, 9)
    assert np.array_equal(after, final[0].T)
    with pytest.raises(RunFolderError, match="cannot be read"):
        view.particles(view.find("1"))
    with pytest.raises(RunFolderError, match="never visited"):
        view.particles(view.find("Z"))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no run"):
        load_run(tmp_path)
