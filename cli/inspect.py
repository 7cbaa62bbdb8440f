"""`sharefind inspect`: what a finished run found, its nodes, and pictures of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sharefind.cli.console import print_json, progress_console, result_console
from sharefind.cli.options import MaxFileSize, PlainJson, Run
from sharefind.errors import ConfigError
from sharefind.limits import limits_of

if TYPE_CHECKING:
    from sharefind.report.text.runs import RunView
    from sharefind.search import SearchNode


def inspect(
    run: Run,
    node: Annotated[str | None, typer.Option(metavar="ID", help="A node, by its number or its name.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw a picture, .png or .svg.")] = None,
    figure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What --plot draws: lattice, distances, p-values, verdicts, tying, spectra or particles; default "
            "lattice and distances, or with --node lattice and particles.",
        ),
    ] = None,
    all_tests: Annotated[bool, typer.Option("--all", help="Show all tests, not the 20 nearest to the level.")] = False,
    max_file_size: MaxFileSize = None,
    json: PlainJson = False,
) -> None:
    """Show what a run found and every node that it visited, or all that is known about one node."""
    from sharefind.report.text.runs import load_run

    if figure is not None and plot is None:
        raise ConfigError("--figure chooses what --plot draws; give --plot FILE, too")
    view = load_run(run, limits_of({"max_file_size": max_file_size}))
    chosen = None if node is None else view.find(node)
    if plot is not None:
        _plot(view, chosen, plot, figure)
    if json:
        print_json(_record(view) if chosen is None else _node_record(view, chosen))
    elif plot is not None:
        print(plot)
    else:
        _print(view, chosen, is_all=all_tests)


def _plot(view: RunView, chosen: SearchNode | None, plot: Path, figure: str | None) -> None:
    from sharefind.report.pictures.drawing import draw_node, draw_run, draw_single

    if figure is not None:
        draw_single(view, figure, plot, chosen)
    elif chosen is None:
        draw_run(view, plot)
    else:
        draw_node(view, chosen, plot)
    progress_console().print(f"wrote {plot}", soft_wrap=True)


def _print(view: RunView, chosen: SearchNode | None, *, is_all: bool) -> None:
    from sharefind.cli.notes import kept_layout, print_layout
    from sharefind.report.text.lattice_tables import lattice_view, node_view
    from sharefind.report.text.tables import summary
    from sharefind.search import RunFolder

    console = result_console()
    if chosen is not None:
        console.print(node_view(view, chosen))
        return
    console.print(summary(view))
    print_layout(kept_layout(RunFolder.open(view.path).config()), console)
    console.print()
    console.print(lattice_view(view, is_all=is_all))


def _record(view: RunView) -> dict[str, Any]:
    """Return the result with all nodes; a node that was not visited has no number and no evidence."""
    return {**view.result.to_json(), "nodes": [_node_summary(node) for node in view.lattice.nodes()]}


def _node_record(view: RunView, node: SearchNode) -> dict[str, Any]:
    growths = [*view.growths_to(node), *view.growths_from(node)]
    return {
        "schema": "sharefind.node/1",
        "run": str(view.path),
        **_node_summary(node),
        "space": node.space.to_json(),
        "growths": [{key: getattr(g, key) for key in ("source", "target", "rule", "explained")} for g in growths],
    }


def _node_summary(node: SearchNode) -> dict[str, Any]:
    evidence = None if node.evidence is None else node.evidence.to_json()
    return {"node": node.number, "key": node.key, "label": node.label, "dim": node.space.dim, "evidence": evidence}
