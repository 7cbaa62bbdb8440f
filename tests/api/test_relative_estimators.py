"""Estimators on rows relative to the mean of their points predict rows wherever they lie."""

import numpy as np
import pytest

from sharefind.api import SharingSearch
from sharefind.errors import InputError

QUICK = {"copies": 39, "training_copies": 19, "alpha": 0.05, "particles": 8, "explain": False}


def distances(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Three points in the plane, far from the origin, and the sum of their distances."""
    x = np.random.default_rng(1).normal(0.0, 1.0, (n, 3, 2)) + 30.0
    return x, sum(np.linalg.norm(x[:, a] - x[:, b], axis=1) for a, b in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.slow
def test_estimators_predict_rows_wherever_they_lie() -> None:
    x, y = distances()
    model = SharingSearch("O2", out_rep="trivial", axes="points coords", relative_to_mean="coords", **QUICK).fit(x, y)
    assert model.accepted_ == ["O2"]
    np.testing.assert_allclose(model.predict(x + 5.0), model.predict(x), atol=1e-9)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(model.predict(x @ turn.T), model.predict(x), atol=1e-9)
    with pytest.raises(InputError, match="name one of them"):
        SharingSearch("O2", out_rep="trivial", axes="points coords", relative_to_mean="points:9x").fit(x, y)
