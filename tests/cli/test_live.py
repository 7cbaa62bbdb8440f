"""The live view, drawn on a terminal that only exists in memory."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sharefind.architectures.layers.training_record import Epoch
from sharefind.durations import Estimate, Part
from sharefind.report.text.live_progress import training_progress
from sharefind.report.text.live_views import LineView, LiveView, NotebookView, distance_bar
from sharefind.report.text.runs import RunView, load_run
from sharefind.search import RunFolder
from sharefind.search.expected_time import _unfinished
from sharefind.search.forecast import Forecast


@pytest.fixture
def view(finished: Path) -> RunView:
    return load_run(finished)


def _shown(live: LiveView, width: int = 110) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(live.render())
    return console.file.getvalue()


def test_live_view_follows_a_search(view: RunView) -> None:
    live = LiveView(Console(file=io.StringIO(), force_terminal=True, width=110), "headline")
    zero, space = view.chain
    live.on_node_start(zero)
    live.on_progress(zero, "escape", 30, 120)
    shown = _shown(live)
    assert "E_0 = {0}" in shown
    assert "{0}: escape" in shown
    assert "25%" in shown
    live.on_node_end(zero)
    live.on_growth(list(view.lattice.growths()))
    live.on_node_start(space)
    live.on_node_end(space)
    shown = _shown(live)
    assert "E_0 = {0} -> E_1 = E^C2" in shown
    assert "stay" in shown


def test_live_view_shows_what_is_tested_and_the_time_that_is_left(view: RunView) -> None:
    now = [0.0]
    expected = Estimate((Part("tests", 10, 10, 1, 3), Part("trainings", 10, 10, 2, 2)), holds=True)
    live = LiveView(Console(file=io.StringIO(), force_terminal=True), "headline", Forecast(expected, lambda: now[0]))
    now[0] = 5.0
    live.on_progress(view.chain[0], "in test of S3: correlogram, 100 copies", 0, 3)
    shown = _shown(live, 80)
    assert "test of S3: correlogram, 100 copies" in shown and " 25%" in shown
    assert "5 s, about 15 s left" in shown


def test_a_long_training_says_how_long_it_takes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    console, now = Console(file=io.StringIO(), width=200), [0.0]
    monkeypatch.setattr("sharefind.report.text.live_progress.time.monotonic", lambda: now[0])
    with training_progress(console, 400, is_silent=False) as told:
        for number in range(5):
            now[0] = 0.5 * number
            told("shared", Epoch(number, number, 1.0, None))
    assert console.file.getvalue() == (
        "time  up to 7 min: at most 400 epochs of each of 2 networks; training stops early\n"
    )


def test_what_the_seconds_will_not_suffice_for_is_named(run: Path) -> None:
    parts = (Part("tests", 5, 5, 1, 1), Part("trainings", 10, 10, 2, 2), Part("yardstick", 1, 1))
    (line,) = _unfinished(Estimate(parts, holds=True), 9, 2, RunFolder.open(run))
    assert "end the search before the trainings and yardstick are finished; go on with: " in line
    assert _unfinished(Estimate(parts, holds=True), 9, 2, None) == (line.partition("; go on")[0],)
    assert _unfinished(Estimate(parts, holds=True), 99, 2, RunFolder.open(run)) == ()


def test_names_are_no_markup(view: RunView) -> None:
    live = LiveView(Console(file=io.StringIO(), force_terminal=True, width=110), "[/x]")
    node = replace(view.chain[0], label="[/x]")
    live.on_node_start(node)
    live.on_note("[/x] is told")
    live.on_progress(node, "escape", 30, 120)
    assert "[/x]: escape" in _shown(live)


def test_terminal_gets_the_live_view_and_the_result_stays_clean(discover, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=110)
    monkeypatch.setattr("sharefind.cli.discover.progress_console", lambda: terminal)
    ending = discover("--group", "C2")
    assert ending.status == 0
    assert ending.err == ""
    assert "dist^2 / delta" in terminal.file.getvalue()
    assert "\x1b" not in ending.out


def test_line_view_ignores_nodes_without_evidence(view: RunView) -> None:
    console = Console(file=io.StringIO(), width=200)
    for node in view.lattice.nodes():
        LineView(console).on_node_end(node)
    assert console.file.getvalue().count("\n") == 2


@pytest.mark.parametrize(
    ("dist2", "delta", "filled"),
    [(0.0, 1.0, 0), (0.4, 1.0, 4), (2.0, 1.0, 19), (9.0, 1.0, 19), (0.0, 0.0, 0), (1.0, 0.0, 19)],
)
def test_distance_bar_is_to_scale(dist2: float, delta: float, filled: int) -> None:
    """20 characters reach to 2 delta; the mark at delta hides one of them."""
    bar = distance_bar(dist2, delta, width=20).plain
    assert len(bar) == 20
    assert bar[10] == "|"
    assert bar.count("#") == filled


def test_distance_bar_without_delta() -> None:
    assert distance_bar(1.0, None).plain == "-"


def test_in_a_notebook_one_output_is_drawn_again_in_its_place(view: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    display = pytest.importorskip("IPython.display")
    drawn: list[tuple[dict[str, str], str, bool]] = []

    def publish(bundle: dict[str, str], *, transient: dict[str, str], update: bool) -> None:
        drawn.append((bundle, transient["display_id"], update))

    monkeypatch.setattr(display, "publish_display_data", publish)
    live = NotebookView(Console(file=io.StringIO()), "<b>headline</b>", pause=3600)
    zero, space = view.chain
    live.on_node_start(zero)
    for step in range(1000):
        live.on_progress(zero, "escape", step, 1000)
    live.on_node_end(zero)
    live.on_growth(list(view.lattice.growths()))
    live.on_node_start(space)
    live.on_node_end(space)
    live.finish()
    (first, one, is_first_update), (last, other, is_last_update) = drawn
    assert one == other and not is_first_update and is_last_update
    assert "&lt;b&gt;headline" in last["text/html"] and "<b>headline" not in last["text/html"]
    assert "starting" in first["text/plain"] and "starting" not in last["text/plain"]
    assert "E_0 = {0} -> E_1 = E^C2" in last["text/plain"]
    assert "\x1b" not in last["text/html"] + last["text/plain"]
