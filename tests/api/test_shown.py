"""How the estimator is seen: in notebooks, as pictures, and while it works."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sharefind.api import SharingSearch
from sharefind.errors import ConfigError

PICTURES = ("plot_lattice", "plot_tying", "plot_chain", "plot_symmetries")


def _rows(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 3) and y (n, 3) of a convolution on three points."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 3))
    return x, 0.5 + 0.1 * x - 0.05 * np.roll(x, 1, axis=1) + 0.01 * rng.standard_normal((n, 3))


def _search(**settings) -> SharingSearch:
    return SharingSearch("C3", unit="matrix", copies=19, alpha=0.1, particles=8, replicates=2, **settings)


@pytest.fixture(scope="module")
def found() -> SharingSearch:
    return _search().fit(*_rows())


def test_before_the_fit_scikit_learn_shows_it(found: SharingSearch) -> None:
    fresh = clone(found)
    assert "sk-" in fresh._repr_mimebundle_()["text/html"] and "sk-" in fresh._repr_html_()
    assert repr(fresh) == repr(found) and "C3" in repr(found)


def test_after_the_fit_a_notebook_shows_what_was_found(found: SharingSearch) -> None:
    bundle = found._repr_mimebundle_()
    assert bundle["text/html"] == found._repr_html_()
    assert "E_* = E^C3, dimension 3 of 9" in bundle["text/html"]
    assert re.findall(r'<td class="class-\d">([a-z])</td>', bundle["text/html"]) == [*"abc", *"cab", *"bca"]
    assert bundle["text/plain"] == repr(found)
    with config_context(display="text"):
        assert "text/html" not in found._repr_mimebundle_()
        assert not hasattr(found, "_repr_html_")


def test_a_run_folder_that_is_gone_does_not_hide_what_was_found(tmp_path: Path) -> None:
    search = _search(run_dir=tmp_path / "run").fit(*_rows())
    before = search._repr_html_()
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert search._repr_html_() == before


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_go_to_files_to_axes_and_to_notebooks(found: SharingSearch, name: str, tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    plot = getattr(found, name)
    assert plot(tmp_path / "drawn.svg") is None and (tmp_path / "drawn.svg").stat().st_size > 1000
    left, right = Figure().subplots(1, 2)
    assert plot(left) is None
    assert left.get_children() and len(left.child_axes) + len(left.lines) + len(left.collections) > 0
    assert not right.collections and not right.child_axes
    figure = plot()
    assert isinstance(figure, Figure)
    picture, size = figure._repr_png_()
    assert picture.startswith(b"\x89PNG") and set(size) == {"width", "height"}
    figure.savefig(io.BytesIO())
    assert "matplotlib.pyplot" not in matplotlib.sys.modules or not matplotlib.pyplot.get_fignums()


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_need_a_fit(name: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(SharingSearch("C3"), name)()


def test_it_says_nothing_unless_it_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    _search().fit(*_rows())
    silent = capsys.readouterr()
    assert silent.out == silent.err == ""
    search = _search(verbose=1).fit(*_rows())
    told = capsys.readouterr()
    assert told.out == ""
    assert "candidate C3" in told.err and "sharefind-" not in told.err
    assert re.search(r"^time  about .* exact test.* then .* trained spaces$", told.err, re.MULTILINE)
    nodes = [line for line in told.err.splitlines() if line.startswith("node ")]
    assert len(nodes) == len(search.evidence_) and len(told.err.splitlines()) < 10


@pytest.mark.parametrize("verbose", [-1, 0.5, "yes", None])
def test_what_is_no_verbosity_is_refused_before_anything_is_written(verbose: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"verbose is .*; give 0"):
        _search(verbose=verbose, run_dir=tmp_path / "run").fit(*_rows())
    assert not (tmp_path / "run").exists()
