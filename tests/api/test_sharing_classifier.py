"""Classes of any type, frames, rows with axes and pipelines: what both estimators take and how they name it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import sharefind
from sharefind.api import SharingClassifier, SharingSearch
from sharefind.api.resolve import chosen_task
from sharefind.cli import main
from sharefind.errors import ConfigError, DataError, InputError, LabelsWarning
from sharefind.search import RunFolder

FAST: dict[str, Any] = {"copies": 19, "alpha": 0.1, "particles": 8, "replicates": 2}

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4))
NAMES = ["well a", "well,b", '5" pipe', "Ünï"]
FRAME = pd.DataFrame(300 + 10 * X, columns=NAMES)
Y = X + 0.5 * np.roll(X, 1, axis=1) + 0.1 * RNG.standard_normal(X.shape)
WORDS = np.array(["low", "mid", "high"])[np.digitize(X.sum(1), [-1, 1])]


@pytest.fixture(scope="module")
def found() -> SharingClassifier:
    return SharingClassifier("C4", train_epochs=60, **FAST).fit(FRAME, pd.Series(WORDS, name="quality"))


def test_the_package_offers_it() -> None:
    assert sharefind.SharingClassifier is SharingClassifier
    assert {"SharingClassifier", "SharingSearch"} <= set(dir(sharefind))


def test_it_classifies_by_the_shared_network(found: SharingClassifier) -> None:
    assert found.classes_.tolist() == ["high", "low", "mid"] and found.accepted_ == ["C4", "C2"]
    chances, logits = found.predict_proba(FRAME), found.decision_function(FRAME)
    assert chances.shape == logits.shape == (120, 3)
    assert np.allclose(chances.sum(1), 1) and np.allclose(np.log(chances), found.predict_log_proba(FRAME))
    assert np.allclose(chances, np.exp(logits) / np.exp(logits).sum(1, keepdims=True))
    assert np.array_equal(found.predict(FRAME), found.classes_[chances.argmax(1)])
    assert found.score(FRAME, WORDS) == np.mean(found.predict(FRAME) == WORDS) > 0.8
    rolled = pd.DataFrame(np.roll(FRAME, 1, axis=1), columns=NAMES)
    assert np.allclose(found.predict_proba(rolled), chances, atol=1e-9)  # C4 leaves classes as they are


def test_full_training_is_what_predicts_and_is_exported(found: SharingClassifier) -> None:
    assert found.training_.best_epoch > 0
    assert np.array_equal(found.decision_function(FRAME), found.network_.predict(FRAME.to_numpy()))
    module = found.to_module(dtype=torch.float64)
    assert np.allclose(module(torch.tensor(FRAME.to_numpy())).detach(), found.decision_function(FRAME))
    brief = SharingClassifier("C4", **FAST).fit(FRAME, WORDS)
    assert not hasattr(brief, "training_")
    losses = [log_loss(WORDS, search.predict_proba(FRAME)) for search in (found, brief)]
    assert losses[0] < losses[1]


def test_names_of_columns_and_classes_reach_the_search(found: SharingClassifier) -> None:
    assert found.feature_names_in_.tolist() == NAMES and found.n_features_in_ == 4
    assert found.spec_.classes == ("high", "low", "mid")
    swapped = FRAME[NAMES[::-1]]
    with pytest.raises(ValueError, match="feature names should match"):
        found.predict(swapped)
    same = (FRAME, pl.DataFrame(FRAME))
    assert np.array_equal(*(found.predict(frame) for frame in same))


def test_it_is_copied_and_pickled(found: SharingClassifier) -> None:
    again = clone(found)
    assert again.get_params() == found.get_params()
    with pytest.raises(NotFittedError):
        again.predict(FRAME)
    twin = copy.deepcopy(found)  # by its pickle
    assert np.array_equal(twin.predict_proba(FRAME), found.predict_proba(FRAME))


def mostly_slow(kinds: Iterable[str], quick: int) -> list[Any]:
    """Parameters of a test, of which only the first are quick."""
    return [kind if k < quick else pytest.param(kind, marks=pytest.mark.slow) for k, kind in enumerate(kinds)]


CODED = np.digitize(X.sum(1), [0.0])
LABELS: dict[str, tuple[Any, list[Any]]] = {
    "digits as words": (np.array(["9", "10"])[CODED], ["10", "9"]),
    "flags": (CODED > 0, [False, True]),
    "integers": (CODED * 5 - 2, [-2, 3]),
    "tensor": (torch.tensor(CODED), [0, 1]),
    "category": (pd.Series(np.array(["b", "a"])[CODED], dtype="category"), ["a", "b"]),
    "polars": (pl.Series(np.array(["b", "a"])[CODED]), ["a", "b"]),
}


@pytest.mark.parametrize("kind", mostly_slow(LABELS, quick=2))
def test_classes_keep_the_type_of_their_labels(kind: str) -> None:
    labels, classes = LABELS[kind]
    search = SharingClassifier("C4", **FAST).fit(X, labels)
    assert search.classes_.tolist() == classes
    values = np.asarray(labels)
    assert np.mean(search.predict(X) == values) > 0.8 and search.predict(X).dtype == search.classes_.dtype
    margin = search.decision_function(X)
    assert margin.shape == (120,) and np.array_equal(margin > 0, search.predict(X) == classes[1])


def test_a_group_may_permute_the_classes() -> None:
    labels = np.array(["first", "second"])[(X[:, 0] + 0.2 * X[:, 2] < X[:, 1] + 0.2 * X[:, 3]).astype(int)]
    search = SharingClassifier("C2", in_rep="2*natural", out_rep="natural", **FAST).fit(X, labels)
    assert search.accepted_ == ["C2"]
    swapped = search.predict_proba(X[:, [1, 0, 3, 2]])
    assert np.allclose(swapped, search.predict_proba(X)[:, ::-1], atol=1e-9)


def test_rows_with_axes_keep_their_shape() -> None:
    x = RNG.standard_normal((120, 2, 2))
    y = x + 0.1 * RNG.standard_normal(x.shape)
    search = SharingSearch("C2", in_rep="points:natural coords:trivial", out_rep="points:natural coords:trivial",
                           axes="points coords", out_axes="points coords", **FAST).fit(x, y)  # fmt: skip
    assert search.predict(x).shape == x.shape and search.n_features_in_ == 4
    assert np.array_equal(search.predict(torch.tensor(x)), search.predict(x.reshape(120, 4)))
    assert search.score(x, y) == search.score(x.reshape(120, 4), y.reshape(120, 4)) > 0.5
    with pytest.raises(DataError, match="X has rows of shape 4 x 1, and fit had 2 x 2"):
        search.predict(x.reshape(120, 4, 1))
    with pytest.raises(DataError, match=r'a row of x has shape 2x2; name its axes.* such as axes "points coords"'):
        clone(search).set_params(axes=None).fit(x, y)


def test_whole_numbers_that_look_like_classes_are_told_of() -> None:
    search = SharingSearch("C4", out_rep="trivial", **FAST)
    with pytest.warns(LabelsWarning, match="y looks like 2 classes"):
        search.fit(X, CODED)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LabelsWarning)
        search.set_params(labels="numbers").fit(X, CODED)


KEPT: dict[str, tuple[Any, Any, Any]] = {
    "classes": (SharingClassifier("C4"), FRAME, pd.Series(np.array(["9", "10"])[CODED], name="y, of")),
    "names": (SharingSearch("C4"), FRAME, pd.DataFrame(Y, columns=["file", NAMES[0], "groups", "5..6"])),
    "axes": (SharingSearch("C2", in_rep="natural*trivial:2", out_rep="trivial", axes="p c"), X.reshape(-1, 2, 2),
             np.rint(3 * X.sum(1))),
    "flags": (SharingClassifier("C4"), X, CODED > 0),
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", [*list(KEPT)[:2], *(pytest.param(kind, marks=pytest.mark.slow) for kind in list(KEPT)[2:])]
)
def test_a_kept_run_is_read_again_with_its_names(kind: str, tmp_path: Path) -> None:
    search, x, y = KEPT[kind]
    run, units = tmp_path / "run", np.arange(120) // 2
    search = clone(search).set_params(run_dir=run, **FAST).fit(x, y, groups=units)
    task = chosen_task(RunFolder.open(run).config())
    assert np.array_equal(task.units, units)
    assert task.inputs == {"names": tuple(NAMES), "classes": tuple(NAMES)}.get(kind, task.inputs)
    expected = {
        "names": ("file", "well a_y", "groups", "5..6"),
        "classes": ("y, of=9", "y, of=10"),
        "axes": ("y0",),
        "flags": ("y=False", "y=True"),
    }
    assert task.outputs == expected[kind]
    for command in (["export", "--format", "json", "--out", "net.json"], ["train", "--out", "w.safetensors"]):
        first, *rest = command
        rest[-1] = str(tmp_path / rest[-1])
        assert main([first, str(run), *rest]) == 0  # the run is refused if its data are not those that were searched


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "one class": (lambda: _classify(["a"] * 120), DataError, "give rows of two classes"),
    "no label": (lambda: _classify([None, *WORDS[1:]]), DataError, "without a label.* row 0"),
    "numbers": (lambda: _classify(X[:, 0]), ValueError, "continuous"),
    "columns": (lambda: _classify(X > 0), ValueError, "1d array"),
    "blanks": (lambda: _classify(np.where(CODED > 0, "a", np.where(X[:, 0] > 0, "b", "b "))), DataError, "blanks"),
    "labels": (lambda: SharingClassifier("C4", labels="numbers").fit(X, WORDS), ConfigError, "for SharingSearch"),
    "labels of numbers": (lambda: SharingSearch("C4", labels="classes").fit(X, Y), ConfigError, "SharingClassifier"),
    "axes of classes": (lambda: SharingClassifier("C4", out_axes="a").fit(X, WORDS), ConfigError, "out_axes"),
    "words": (lambda: SharingSearch("C4").fit(X, WORDS), InputError, "use SharingClassifier"),
    "words in x": (lambda: SharingSearch("C4").fit(FRAME.assign(a="b"), Y), InputError, "X column 'a' holds the text"),
    "epochs": (lambda: SharingSearch("C4", train_epochs=-1).fit(X, Y), ConfigError, "train_epochs is -1"),
    "part of an epoch": (lambda: SharingSearch("C4", train_epochs=0.5).fit(X, Y), ConfigError, r"train_epochs is 0\.5"),
    "width": (lambda: SharingSearch("C4", train_width=0).fit(X, Y), ConfigError, "train_width is 0"),
    "step": (lambda: SharingSearch("C4", train_lr=0.0).fit(X, Y), ConfigError, r"train_lr is 0\.0"),
    "shape alone": (lambda: SharingSearch("C4", shape="2x2").fit(X, Y), InputError, "shape 2x2 gives lengths"),
    "other size": (lambda: SharingSearch("C4", axes="a b", shape="3x2").fit(X, Y), InputError, "has 6 entries"),
    "flat": (lambda: SharingSearch("C4", axes="a b").fit(X, Y), InputError, 'axes "a b" names 2 axes of rows'),
    "no y": (lambda: SharingClassifier("C4").fit(X, None), DataError, "requires y"),
}


def _classify(labels: Any) -> Any:
    return SharingClassifier("C4").fit(X, labels)


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_uses_get_one_line(kind: str) -> None:
    use, error, message = WRONG[kind]
    with pytest.raises(error, match=message) as caught:
        use()
    assert "\n" not in str(caught.value) and "--" not in str(caught.value)


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_a_pipeline_encodes_a_mixed_frame(output: str) -> None:
    mixed = FRAME.assign(kind=np.where(RNG.random(120) > 0.5, "new", "old"))
    encoder = ColumnTransformer(
        [("kind", OneHotEncoder(sparse_output=False), ["kind"])],
        remainder=StandardScaler(),
        verbose_feature_names_out=False,
    ).set_output(transform=output)
    # Two kinds, then four wells: the group moves the wells.
    search = SharingClassifier("C4", in_rep="trivial:2 + natural", **FAST)
    pipe = make_pipeline(encoder, search).fit(mixed, WORDS)
    assert pipe.score(mixed, WORDS) > 0.7 and pipe.classes_.tolist() == ["high", "low", "mid"]
    if output == "pandas":
        assert pipe[-1].feature_names_in_.tolist() == ["kind_new", "kind_old", *NAMES]


def test_cross_validation_passes_groups_on() -> None:
    units = np.repeat(np.arange(60), 2)
    search = SharingClassifier("C4", **FAST)
    scores = cross_val_score(search, X, WORDS, groups=units, cv=GroupKFold(2), scoring="neg_log_loss")
    assert scores.shape == (2,) and np.isfinite(scores).all()
    with config_context(enable_metadata_routing=True):
        routed = clone(search).set_fit_request(groups=True)
        assert np.isfinite(cross_val_score(routed, X, WORDS, params={"groups": units}, cv=GroupKFold(2))).all()


CANDIDATES = [
    ("C4", "natural"),
    ("C2xC2", "regular"),
    ("D4", "natural"),
    ("S4", "natural"),
]
GRID = [{"group": [group], "in_rep": [rep], "out_rep": [rep]} for group, rep in CANDIDATES]
"""C4 is the true one; the others are no part of it. A part of it scores about as well, with more parameters."""


def turning(seed: int, n: int, noise: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 4) and y (n, 4) of a convolution on four points, which commutes with their rotations and nothing else."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4))
    y = sum(k * np.roll(x, shift, axis=1) for shift, k in enumerate([0.9, -0.4, 0.1, 0.3]))
    return x, y + noise * rng.standard_normal(y.shape)


def test_a_grid_compares_groups_that_are_imposed() -> None:
    x, y = turning(0, 60, noise=0.3)
    search = SharingSearch(scheme="ea", explain=False, **FAST)
    grid = GridSearchCV(search, {"group": ["S4", "C4"]}, cv=2, refit=False, error_score="raise").fit(x, y)
    assert grid.best_params_ == {"group": "C4"}
    assert grid.cv_results_["mean_test_score"][1] > 0.1 + grid.cv_results_["mean_test_score"][0]


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_a_grid_over_imposed_groups_picks_the_true_one(kind: str) -> None:
    x, y = turning(0, 90)
    settings: dict[str, Any] = {"scheme": "ea", "explain": False, "train_epochs": 200}
    if kind == "numbers":
        grid = GridSearchCV(SharingSearch(**settings), GRID, cv=3, error_score="raise").fit(x, y)
    else:
        labels = np.array(["east", "north", "south", "west"])[y.argmax(axis=1)]
        search = SharingClassifier(**settings)
        grid = GridSearchCV(search, GRID, cv=3, scoring="neg_log_loss", error_score="raise").fit(x, labels)
    assert grid.best_params_["group"] == "C4"
    assert grid.best_estimator_.subspace_.dim == 5 and grid.best_estimator_.e_star_.label == "E^C4"
    scores = np.delete(grid.cv_results_["mean_test_score"], grid.best_index_)
    assert grid.best_score_ > 0.02 + scores.max()


@pytest.mark.slow
def test_a_grid_over_groups_picks_the_true_one() -> None:
    # Three wells with a level and a pressure each, well by well: S3 permutes the wells. The others are not there, and
    # what a search falls back to has more parameters.
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 3, 2))
    own, shared = rng.standard_normal((2, 2, 2))
    y = x @ own + x.sum(1, keepdims=True) @ shared
    y += 0.7 * y.std() * rng.standard_normal(y.shape)
    reps = [("C6", "natural"), ("S3", "2*natural"), ("S3", "natural*trivial:2")]
    grid = [{"group": [group], "in_rep": [rep], "out_rep": [rep]} for group, rep in reps]
    search = SharingSearch(train_epochs=200, explain=False, **FAST)
    chosen = GridSearchCV(search, grid, cv=3).fit(x.reshape(60, 6), y.reshape(60, 6))
    assert chosen.best_params_["in_rep"] == "natural*trivial:2"
    assert chosen.best_estimator_.stabiliser_.order == 6


@pytest.mark.slow
def test_the_checks_of_scikit_learn_pass() -> None:
    too_few = "a search refuses the few rows of this check, in words of its own"
    expected = dict.fromkeys(
        ("check_estimators_nan_inf", "check_classifier_data_not_an_array", "check_fit2d_1feature"), too_few
    )
    search = SharingClassifier(particles=4, replicates=2, copies=99, alpha=0.2)
    checks = check_estimator(search, expected_failed_checks=expected, on_skip=None, on_fail="raise")
    assert {check["check_name"] for check in checks if check["status"] == "xfail"} == set(expected)
    assert sum(check["status"] == "passed" for check in checks) > 45
