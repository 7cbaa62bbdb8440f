"""The live view, drawn on a terminal that only exists in memory."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sharefind.report.text.live_progress import LineView, LiveView, NotebookView, distance_bar
from sharefind.report.text.runs import RunView, load_run


@pytest.fixture
def view(finished: Path) -> RunView:
    return load_run(finished)


def _shown(live: LiveView) -> str:
    console = Console(file=io.StringIO(), width=110, color_system=None)
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
