"""Names of tasks: all of them load, and a wrong one is answered with the right ones."""

import subprocess
import sys

import numpy as np
import pytest

from sharefind.datasets import load_data, load_task, task_names
from sharefind.errors import DataError
from sharefind.groups import named_group, parse_representation

NEEDS = {
    "texture": "skimage",
    "elnino": "statsmodels",
    "dna": "cogent3",
    "methane": "ase",
    "molecule": "ase",
    "cluster": "ase",
    "elasticity": "ase",
    "robot": "mujoco",
}
MOLECULES = ("ammonia", "methane", "ethane", "carbon-dioxide", "water-forces")
SLOW = ("elasticity:Cu-stretched", "robot:ant", "cluster", *(f"molecule:{name}" for name in MOLECULES))


@pytest.mark.parametrize(
    # The atoms of stretched copper are also moved in test_elasticity.py, clusters in test_clusters.py, the robot in
    # test_ant.py.
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * name.startswith(SLOW)) for name in task_names()],
)
def test_every_name_loads_and_samples(name: str) -> None:
    pytest.importorskip("numpy" if name == "robot:pendulum" else NEEDS.get(name.partition(":")[0], "numpy"))
    task = load_task(name)
    assert task.name == name and task.description
    x, y = task.sample(np.random.default_rng(0), 7)
    assert x.shape == (7, task.d_in) and y.shape == (7, task.d_out)
    assert x.dtype == y.dtype == np.float64
    if task.group is not None:
        group = named_group(task.group)
        reps = [parse_representation(text or "natural", group) for text in (task.in_rep, task.out_rep)]
        assert [rep.dim for rep in reps] == [task.d_in, task.d_out]


def test_the_names() -> None:
    textures = ("texture:gravel", "texture:brick", "texture:grass")
    dna = ("dna:brca1-exchangeabilities", "dna:brca1-rates")
    five = ("water", "ammonia", "methane", "ethane", "carbon-dioxide")
    molecules = tuple(f"molecule:{name}{what}" for name in five for what in ("", "-forces"))
    clusters = tuple(f"cluster:{shape}" for shape in ("methane", "octahedron", "icosahedron", "octahedron-gold"))
    atoms = ("methane", "methane:stretched", *molecules, *clusters, "elasticity:Cu", "elasticity:Cu-stretched")
    robots = ("robot:ant", "robot:ant-ground", "robot:ant-gait", "robot:pendulum")
    classes = ("digits:turned", "mnist1d", "mnist1d:shuffled", "quadrant-digits", "quadrant-digits:position")
    others = ("tic-tac-toe", "ising:4x4", *classes, *robots)
    assert task_names() == ("c2-wi", "c2-si", "c2-arbitrary", *textures, "elnino", *dna, *atoms, *others)


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
    heavy = "torch", "sklearn", "skimage", "ot", "ase", "cogent3", "statsmodels", "mujoco", "gymnasium"
    code = f"import sys, sharefind.datasets; print({set(heavy)} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
