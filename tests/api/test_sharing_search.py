"""The search as a scikit-learn estimator: its conventions, what it says, predicts, writes and draws."""

from __future__ import annotations

import builtins
import copy
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

import sharefind
from sharefind.api import SharingSearch
from sharefind.architectures import TrainedNetwork, read_spec
from sharefind.architectures.formats.tensors import read_safetensors
from sharefind.architectures.layers import SharedLinear, SharedShallowNetwork, SharedTwoLayer
from sharefind.cli import main
from sharefind.errors import ConfigError, InputError, NotConvergedError, RepresentationError, RunFolderError
from sharefind.groups import FiniteGroup, named_group, natural, trivial
from sharefind.limits import SETTINGS
from sharefind.search import ActingGroup, Observer, RunFolder, SearchConfig, SearchNode, StopSearch
from sharefind.spaces import fixed_space, matrix_space

FAST: dict[str, Any] = {"copies": 19, "alpha": 0.1, "particles": 8, "replicates": 2}


EXPLAINING = {"diagnosis", "yardstick", "yardstick_missing", "warnings", "run", "wall_s"}
"""Entries of a result that differ where nothing is explained, or from run to run."""


def circulant(n: int = 200, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 4) and y (n, 4) of a convolution on four points, which reflections do not commute with."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 4))
    kernel = [0.9, -0.4, 0.1, 0.3]
    y = sum(k * np.roll(x, shift, axis=1) for shift, k in enumerate(kernel))
    return x, 0.5 + 0.1 * y + noise * rng.standard_normal((n, 4))


@pytest.fixture(scope="module")
def found() -> SharingSearch:
    return SharingSearch(group="C4", unit="matrix", alpha=0.05, particles=16).fit(*circulant())


def test_the_package_offers_it_and_stays_light() -> None:
    assert sharefind.SharingSearch is SharingSearch
    assert "SharingSearch" in dir(sharefind)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = sharefind.Nothing
    code = "import sys, sharefind; print([m for m in ('torch', 'sklearn', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_finds_what_the_data_have(found: SharingSearch) -> None:
    group = named_group("C4")
    expected = fixed_space(matrix_space(natural(group), natural(group)).action)
    assert found.subspace_ == expected == found.e_star_.space
    assert found.stabiliser_.order == 4
    assert (found.accepted_, found.rejected_) == (["C4", "C2"], [])
    assert found.is_finished_ and found.n_features_in_ == 4
    assert found.result_.e_star.dim == found.spec_.space.dim == 4
    assert found.result_.seed == 0
    assert [row.label for row in found.evidence_] == [node.label for node in found.lattice_.visited()]


def test_predictions_are_those_of_the_model_of_the_search(found: SharingSearch, tmp_path: Path) -> None:
    x, y = circulant()
    predicted = found.predict(x)
    assert np.array_equal(predicted, found.network_.predict(x))
    assert found.score(x, y) == r2_score(y, predicted) > 0.5
    assert np.allclose(found.predict(np.roll(x, 1, axis=1)), np.roll(predicted, 1, axis=1), atol=1e-12)
    # The particles are the projections of those in the folder of the run.
    final = RunFolder.open(found.run_dir_).particles(found.e_star_.number)[1]
    assert np.allclose(found.network_.particles, found.subspace_.project(final), atol=1e-14)
    module = found.to_module(dtype=torch.float64)
    assert isinstance(module, SharedShallowNetwork)
    assert np.allclose(module(torch.from_numpy(x)).detach(), predicted, atol=1e-12)
    assert found.to_module().coefficient.dtype == torch.float32
    layer = found.layer()
    assert isinstance(layer, SharedLinear) and layer.spec == found.spec_


def test_evidence_is_a_table(found: SharingSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = found.evidence_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.index) == [row.number for row in found.evidence_]
    assert frame["dist2"].tolist() == [row.evidence.dist2 for row in found.evidence_]
    assert frame.iloc[-1]["decision"] == "stay" and frame.iloc[-1]["dim"] == 4
    real = builtins.__import__

    def without_pandas(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ConfigError, match=r"sharefind\[pandas\]"):
        found.evidence_frame()


def test_exports_hold_the_same_network(found: SharingSearch, tmp_path: Path) -> None:
    x, _ = circulant(5)
    for name in ("net.json", "net.py", "net.safetensors", "net.onnx"):
        assert found.export(tmp_path / name) == tmp_path / name
    assert read_spec(tmp_path / "net.json") == found.spec_
    assert np.array_equal(read_safetensors(tmp_path / "net.safetensors").predict(x), found.predict(x))
    with safe_open(tmp_path / "net.safetensors", framework="numpy") as tensors:
        assert tensors.metadata()["seed"] == str(found.result_.seed)
    assert "class SharedLinear" in (tmp_path / "net.py").read_text()
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    assert np.allclose(session.run(None, {session.get_inputs()[0].name: x})[0], found.predict(x), atol=1e-12)
    assert found.export(tmp_path / "spec", "json").read_text() == (tmp_path / "net.json").read_text()
    with pytest.raises(ConfigError, match=r"the ending of net\.pt is unknown"):
        found.export(tmp_path / "net.pt")
    with pytest.raises(ConfigError, match="format 'pickle'"):
        found.export(tmp_path / "net.json", "pickle")


def test_pictures_and_reports(found: SharingSearch, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    assert found.plot_lattice(tmp_path / "lattice.png") is None
    assert (tmp_path / "lattice.png").read_bytes().startswith(b"\x89PNG")
    figure = found.plot_lattice()
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO())
    axes = Figure().subplots()
    found.plot_lattice(axes)
    texts = [text.get_text() for text in axes.texts]
    assert any("E^C4" in text for text in texts), texts
    with pytest.raises(ConfigError) as refused:
        found.plot_lattice(tmp_path / "lattice.doc")
    assert "--" not in str(refused.value)
    page = found.report(tmp_path / "run.html").read_text()
    assert "E^C4" in page or "E<sup>C4" in page
    assert "200" in page


def test_hooks_are_called_and_a_stop_ends_cleanly() -> None:
    seen: list[tuple[str, str]] = []

    class Watch(Observer):
        def on_node_end(self, node: SearchNode) -> None:
            seen.append(("watch", node.label))

    def start(node: SearchNode) -> None:
        seen.append(("start", node.label))

    def stop(node: SearchNode) -> None:
        seen.append(("end", node.label))
        raise StopSearch

    x, y = circulant(60)
    search = SharingSearch("C4", on_node_start=start, observer=Watch(), **FAST).fit(x, y)
    labels = [node.label for node in search.lattice_.visited()]
    assert [label for what, label in seen if what == "start"] == labels
    assert [label for what, label in seen if what == "watch"] == labels
    seen.clear()
    search.set_params(on_node_start=None, on_node_end=stop, observer=None).fit(x, y)
    assert seen == [("end", "{0}")]
    assert not search.is_finished_ and search.subspace_.dim == 0
    assert not hasattr(search, "spec_") and len(search.evidence_) == 1
    for use in (lambda: search.predict(x), search.to_module, search.layer, lambda: search.export("net.json")):
        with pytest.raises(NotConvergedError, match=r"ended undecided, at \{0\}"):
            use()
    assert len(search.evidence_frame()) == 1


def test_errors_reach_the_hook_and_leave() -> None:
    seen: list[Exception] = []

    def fail(node: SearchNode) -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        SharingSearch("C4", on_node_start=fail, on_error=seen.append, **FAST).fit(*circulant(60))
    assert [str(error) for error in seen] == ["no disk"]


@pytest.mark.slow
def test_groups_are_given_in_many_ways(tmp_path: Path) -> None:
    x, y = circulant(60)
    group = named_group("C4")
    by_name = SharingSearch("C4", **FAST).fit(x, y)
    file = tmp_path / "c4.json"
    cycle = [[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    file.write_text(json.dumps({"name": "C4", "generators": [{"in": cycle, "out": cycle}]}))
    others: list[dict[str, Any]] = [
        {"group": group},
        {"group": ActingGroup(group, natural(group), natural(group))},
        {"generators": file},
    ]
    for given in others:
        assert SharingSearch(**given, **FAST).fit(x, y).subspace_ == by_name.subspace_
    fixed = SharingSearch(group=ActingGroup(group, natural(group), trivial(group, 4)), **FAST).fit(x, y)
    assert fixed.subspace_ != by_name.subspace_


def test_without_a_group_it_proposes_one() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    search = SharingSearch(**FAST).fit(x, x.sum(1) + 0.1 * rng.standard_normal(300))
    assert search.result_.blind is not None
    assert search.stabiliser_.order == 6
    assert search.predict(x).shape == (300,)


def test_one_output_may_be_flat() -> None:
    x, y = circulant(80)
    flat = SharingSearch("C4", out_rep="trivial", **FAST).fit(x, y.sum(1))
    column = SharingSearch("C4", out_rep="trivial", **FAST).fit(x, y.sum(1, keepdims=True))
    assert flat.predict(x).shape == (80,) and column.predict(x).shape == (80, 1)
    assert np.array_equal(flat.predict(x), column.predict(x)[:, 0])


@pytest.mark.slow
def test_hidden_layers_and_rotations() -> None:
    x, y = circulant(60)
    two = SharingSearch("C2xC2", unit="two-layer:tanh", **FAST).fit(x, y)
    assert isinstance(two.layer(), SharedTwoLayer)
    points = np.random.default_rng(0).standard_normal((120, 3))
    labels = 2 * points / (1 + (points**2).sum(1, keepdims=True))
    radial = SharingSearch("SO3", unit="radial", **FAST).fit(points, labels)
    assert radial.stabiliser_.order is None and radial.spec_.unit == "radial:algebraic"
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    turn *= np.linalg.det(turn)
    assert np.allclose(radial.predict(points @ turn.T), radial.predict(points) @ turn.T, atol=1e-10)
    assert radial.score(points, labels) > 0.2
    network = radial.to_module().double()
    exported = network(torch.from_numpy(points)).detach().numpy()
    assert np.allclose(exported, radial.predict(points), atol=1e-10)


def test_it_follows_scikit_learn(found: SharingSearch) -> None:
    x, y = circulant(60)
    again = clone(found)
    assert again.get_params() == found.get_params()
    with pytest.raises(NotFittedError):
        again.predict(x)
    assert again.set_params(alpha=0.1).alpha == 0.1 and found.alpha == 0.05
    # rows_of: `groups` of fit. inputs ... decimal: of files. SETTINGS: the fields of `limits`.
    of_files = {"inputs", "outputs", "drop", "categorical", "delimiter", "decimal"}
    left_out = {"blind", "task", "data", "seed", "rows_of", *of_files, *SETTINGS}
    assert set(SearchConfig.model_fields) - left_out <= set(found.get_params())
    pipe = make_pipeline(FunctionTransformer(), SharingSearch("C4", **FAST))
    assert cross_val_score(pipe, x, y, cv=2).shape == (2,)
    frame = pd.DataFrame(x, columns=list("abcd"))
    assert list(SharingSearch("C4", **FAST).fit(frame, y).feature_names_in_) == list("abcd")


def test_fits_are_reproducible_and_alike_for_any_number_of_workers() -> None:
    x, y = circulant(60)
    first, second = (SharingSearch("C4", random_state=5, n_jobs=n, **FAST).fit(x, y) for n in (None, 2))
    drawn = SharingSearch("C4", random_state=np.random.RandomState(0), **FAST).fit(x, y)
    assert np.array_equal(first.network_.coefficient, second.network_.coefficient)
    assert first.result_.seed == 5 != drawn.result_.seed


@pytest.mark.slow
def test_what_explains_the_result_may_be_left_out() -> None:
    x, y = circulant(60)
    whole, brief = (SharingSearch("C2xC2", explain=wanted, **FAST).fit(x, y) for wanted in (True, False))
    assert whole.result_.diagnosis and whole.result_.yardstick is not None
    assert not brief.result_.diagnosis and brief.result_.yardstick is None
    assert brief.result_.yardstick_missing == "it was left out"
    assert np.array_equal(brief.predict(x), whole.predict(x)) and brief.subspace_ == whole.subspace_
    kept = [
        {key: value for key, value in search.result_.to_json().items() if key not in EXPLAINING}
        for search in (whole, brief)
    ]
    prices = [[row.pop("price") for row in each["symmetries"]] for each in kept]
    assert any(prices[0]) and not any(prices[1])
    assert kept[0] == kept[1]


@pytest.mark.parametrize("how", ["joblib", "deepcopy"])
def test_copies_carry_the_run_along(how: str, tmp_path: Path) -> None:
    x, y = circulant(60)
    search = SharingSearch("C4", **FAST).fit(x, y)
    expected, run = search.predict(x), search.run_dir_
    if how == "joblib":
        joblib.dump(search, tmp_path / "search.joblib")
        twin = joblib.load(tmp_path / "search.joblib")
    else:
        twin = copy.deepcopy(search)
    assert twin.run_dir_ != run and run.is_dir()
    del search
    assert not run.exists()
    assert np.array_equal(twin.predict(x), expected)
    twin.plot_lattice(tmp_path / "lattice.svg")
    second = twin.run_dir_
    twin.fit(x, y)
    assert not second.exists() and twin.run_dir_.is_dir()


def test_a_run_can_be_kept(tmp_path: Path) -> None:
    x, y = circulant(60)
    search = SharingSearch("C4", run_dir=tmp_path / "run", **FAST).fit(x, y)
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == search.result_.to_json()
    assert main(["export", str(tmp_path / "run"), "--format", "json", "--out", str(tmp_path / "spec.json")]) == 0
    assert read_spec(tmp_path / "spec.json").space == search.subspace_
    with pytest.raises(RunFolderError, match=r"run_dir .* is not an empty folder"):
        search.fit(x, y)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert search.predict(x).shape == (60, 4)
    with pytest.raises(RunFolderError, match="gone"):
        search.plot_lattice()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"group": "C3"}, RepresentationError, "natural of C3 has dimension 3; use group C4, or choose in_rep"),
        ({"group": "C4", "out_rep": "trivial"}, RepresentationError, "choose out_rep"),
        ({"group": "Q8x"}, InputError, "Q8x"),
        ({"group": 4}, ConfigError, "group is a int"),
        ({"group": "C4", "generators": "x.json"}, ConfigError, "exclude"),
        ({"group": "C4", "alpha": 2.0}, ConfigError, "alpha"),
        ({"group": "C4", "stop": "fixed"}, ConfigError, "give delta"),
        ({"group": "C4", "copies": 3}, ConfigError, "copies 3 cannot reject"),
        ({"group": "C4", "replicates": 100}, ConfigError, "fewer replicates"),
        ({"group": "C4", "random_state": -1}, ConfigError, "random_state"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message) as refused:
        SharingSearch(**settings).fit(*circulant(40))
    assert "--" not in str(refused.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x, y: (np.where(x > 1, np.nan, x), y),
        lambda x, y: (x, np.where(y > 0.5, np.inf, y)),
        lambda x, y: (x[:5], y),
        lambda x, y: (x[:, 0], y),
        lambda x, y: (x + 1j, y),
    ],
)
def test_rows_that_cannot_be_used_are_refused(spoil: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"NaN|infinity|inconsistent|2D|Complex"):
        SharingSearch("C4", **FAST).fit(*spoil(*circulant(40)))


def test_widths_at_prediction_are_those_of_fit(found: SharingSearch) -> None:
    with pytest.raises(ValueError, match="3 features"):
        found.predict(np.zeros((2, 3)))
    assert isinstance(found.stabiliser_, FiniteGroup) and isinstance(found.network_, TrainedNetwork)


TOO_FEW = "a search without a group refuses the ten rows of this check: it cannot propose one from them"


@pytest.mark.slow
def test_the_checks_of_scikit_learn_pass() -> None:
    # One check sets alpha = 0.01, for which a test needs 99 copies.
    expected = {
        "check_estimators_nan_inf": TOO_FEW,
        "check_regressor_multioutput": TOO_FEW,
        "check_regressors_no_decision_function": TOO_FEW,
        "check_fit2d_1feature": f"{TOO_FEW}, and says so in words of its own",
    }
    # Some have whole numbers as labels, which they mean to be numbers.
    search = SharingSearch(labels="numbers", particles=4, replicates=2, copies=99, alpha=0.2)
    checks = check_estimator(search, expected_failed_checks=expected, on_skip=None, on_fail="raise")
    failed = {check["check_name"] for check in checks if check["status"] == "xfail"}
    assert failed == set(expected)
    assert sum(check["status"] == "passed" for check in checks) > 40
