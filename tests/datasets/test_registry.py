"""Names of tasks: all of them load, and a wrong one is answered with the right ones."""

import subprocess
import sys

import numpy as np
import pytest

from sharefind.datasets import load_data, load_task, task_names
from sharefind.errors import DataError


@pytest.mark.parametrize("name", task_names())
def test_every_name_loads_and_samples(name: str) -> None:
    if name.startswith("texture:"):
        pytest.importorskip("skimage")
    if name == "elnino":
        pytest.importorskip("statsmodels")
    task = load_task(name)
    assert task.name == name and task.description
    x, y = task.sample(np.random.default_rng(0), 7)
    assert x.shape == (7, task.d_in) and y.shape == (7, task.d_out)
    assert x.dtype == y.dtype == np.float64


def test_the_names() -> None:
    textures = ("texture:gravel", "texture:brick", "texture:grass")
    assert task_names() == ("c2-wi", "c2-si", "c2-arbitrary", *textures, "elnino")


def test_data_takes_names_too() -> None:
    assert load_data("c2-si").is_fresh


@pytest.mark.parametrize(
    ("load", "name", "words"),
    [
        (load_task, "c2-w", "did you mean c2-wi"),
        (load_task, "texture:bricks", "did you mean texture:brick"),
        (load_task, "zzz", "use one of c2-wi, c2-si"),
        (load_task, "", "use one of c2-wi"),
        (load_data, "texture:gravle", "did you mean texture:gravel"),
        (load_data, "zzz", "or use one of c2-wi"),
    ],
)
def test_wrong_names(load: object, name: str, words: str) -> None:
    assert callable(load)
    with pytest.raises(DataError) as caught:
        load(name)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_importing_datasets_loads_nothing_heavy() -> None:
    code = "import sys, sharefind.datasets; print({'torch', 'sklearn', 'skimage', 'ot'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
