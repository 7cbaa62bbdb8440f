"""In which words a node says that particles leave: dist^2 and the most telling direction may disagree."""

import numpy as np
import pytest

from sharefind.search.experiments import CopiesResult
from sharefind.search.rules.stop_randomisation import escapes, leaving
from tests.search.problems import problem, teacher_task

SETTINGS = problem(teacher_task("C3", 3, 60, 0), "S3").settings


@pytest.mark.parametrize(
    ("toward", "in_all", "words"),
    [(9.0, 5.0, "particles leave"), (9.0, 0.5, "particles leave towards a larger space")],
)
def test_the_words_follow_the_distances(toward: float, in_all: float, words: str) -> None:
    """Row 0 is the data; copies go up to 1 in each direction and in all together."""
    copies = np.random.default_rng(0).uniform(size=(39, 1, 2))
    components = np.concatenate([[[[toward, 0.5]]], copies])
    dist2 = np.concatenate([[in_all], np.linspace(0, 1, 39)])[:, None]
    result = CopiesResult(components, dist2, ())
    assert escapes(result, SETTINGS)
    assert leaving(result, SETTINGS).partition(" (")[0] == words
