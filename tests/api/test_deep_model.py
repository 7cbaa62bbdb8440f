"""Deep networks of fitted estimators: they predict in the user's units, train as torch modules, and are written."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.api import SharingClassifier, SharingSearch
from sharefind.api.deep_model import DeepModel
from sharefind.architectures.deep.files import read_deep
from sharefind.errors import ConfigError, ExportError, UnitError
from tests.api.test_sharing_search import circulant
from tests.architectures.deep.test_choosing import QUICK

FAST: dict[str, Any] = {"copies": 19, "alpha": 0.05, "particles": 8, "replicates": 2, "explain": False}
SMALL: dict[str, Any] = {"layers": (1,), "widths": (4,)}


@pytest.fixture(scope="module", autouse=True)
def _brief_trainings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sharefind.api.deep_model.Plan", lambda: QUICK)
        yield


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    x, y = circulant(60)
    return 300 + 5 * x, 7 * y - 2


@pytest.fixture(scope="module")
def search(rows: tuple[np.ndarray, np.ndarray]) -> SharingSearch:
    return SharingSearch("C4", **FAST).fit(*rows)


@pytest.fixture(scope="module")
def model(search: SharingSearch) -> DeepModel:
    return search.deep_network("deep:relu", **SMALL)


def test_it_is_a_network_on_the_group_that_was_found(
    model: DeepModel, search: SharingSearch, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    assert (model.choice.group, model.network.unit.name) == (search.e_star_.label.removeprefix("E^"), "deep:relu")
    x, _ = rows
    y = model.predict(x)
    assert y.shape == (60, 4)
    np.testing.assert_allclose(model.predict(np.roll(x, 1, axis=1)), np.roll(y, 1, axis=1), atol=1e-9)
    with pytest.raises(ValueError, match="features"):
        model.predict(x[:, :3])


def test_trainings_are_kept(search: SharingSearch, model: DeepModel) -> None:
    again = search.deep_network("deep:relu", **SMALL)
    assert again.choice == model.choice  # seconds of trainings, too
    np.testing.assert_array_equal(again.network.particle, model.network.particle)


def test_the_module_trains_and_keeps_its_symmetry(model: DeepModel, rows: tuple[np.ndarray, np.ndarray]) -> None:
    module = model.to_module(dtype=torch.float64)
    x, y = map(torch.from_numpy, rows)
    np.testing.assert_allclose(module(x).detach().numpy(), model.predict(rows[0]), atol=1e-9)
    optimiser, losses = torch.optim.SGD(module.parameters(), lr=1e-7), []
    for _ in range(3):
        optimiser.zero_grad()
        loss = (module(x) - y).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]
    turned = module(torch.roll(x, 1, dims=1)) - torch.roll(module(x), 1, dims=1)
    assert float(turned.detach().abs().max()) < 1e-9


def test_files_have_a_card(model: DeepModel, rows: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    path = model.export(tmp_path / "net.safetensors")
    np.testing.assert_allclose(read_deep(path).predict(rows[0]), model.predict(rows[0]), atol=1e-9)
    card = (tmp_path / "net.safetensors.md").read_text()
    assert "Deep network on data, C4" in card and "Accepted: C4" in card and "300" in card
    model.export(tmp_path / "net.py")
    model.export(tmp_path / "net_escnn.py", "escnn")
    assert {one.name for one in tmp_path.iterdir()} == {
        "net.safetensors",
        "net.safetensors.md",
        "net.py",
        "net_escnn.py",
    }
    with pytest.raises(ConfigError, match="deep networks are written as"):
        model.export(tmp_path / "net.json")


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"unit": "deep:sine"}, UnitError, "'sine' is unknown"),
        ({"layers": ()}, ConfigError, "layers is"),
        ({"widths": (0,)}, ConfigError, "widths is"),
        ({"restarts": 0}, ConfigError, "restarts is"),
        ({"lr": 0.0}, ConfigError, "lr is"),
        ({"max_seconds": 1e-9}, ConfigError, "max_seconds 1e-09: they are spent"),
    ],
)
def test_bad_parameters(search: SharingSearch, parameters: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        search.deep_network(**{**SMALL, "seed": 5, **parameters})


def test_a_copy_has_no_rows(search: SharingSearch, rows: tuple[np.ndarray, np.ndarray]) -> None:
    twin = copy.deepcopy(search)
    with pytest.raises(ConfigError, match="fit it again"):
        twin.deep_network(**SMALL)
    np.testing.assert_array_equal(twin.predict(rows[0]), search.predict(rows[0]))


def test_classes_have_logits(rows: tuple[np.ndarray, np.ndarray]) -> None:
    x, _ = rows
    found = SharingClassifier("C4", **FAST).fit(x, np.where(x.sum(axis=1) > x.sum(axis=1).mean(), "high", "low"))
    model = found.deep_network(**SMALL)
    assert model.network.classes == ("high", "low")
    assert model.choice.best.accuracy is not None
    shares = np.mean(model.predict(x).argmax(axis=1) == (x.sum(axis=1) <= x.sum(axis=1).mean()))
    assert shares > 0.7


@pytest.mark.slow
def test_an_infinite_group_has_no_hidden_types() -> None:
    x = np.random.default_rng(0).standard_normal((80, 2))
    search = SharingSearch("SO2", **FAST).fit(x, x * (x**2).sum(axis=1, keepdims=True))
    with pytest.raises(ExportError, match="is infinite"):
        search.deep_network(**SMALL)
