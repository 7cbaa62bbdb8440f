"""A run on a terminal: the verdict, the chain with its evidence, the space found, and the nodes of the lattice.

Everything is built from rich, is readable without colours, and fits into 100 columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sharefind.report.text import verdict as words
from sharefind.report.text.diagnosis_words import diagnosis_sentences
from sharefind.report.text.mirror_words import (
    MIRROR_HEADINGS,
    aside_lines,
    mirror_name,
    mirror_title,
    moved_cells,
    rest_lines,
)
from sharefind.report.text.number_words import packed
from sharefind.report.text.relation_words import relation_sentences
from sharefind.report.text.rows import (
    DIAGNOSIS_HEADINGS,
    NODE_HEADINGS,
    SYMMETRY_HEADINGS,
    diagnosis_cells,
    nearest,
    node_cells,
    origin_cells,
    statistic_name,
    symmetry_cells,
    tests_title,
    verdict_rows,
    yardstick_headings,
    yardstick_note,
    yardstick_rows,
)
from sharefind.report.text.runs import RunView
from sharefind.report.text.space_words import space_view
from sharefind.report.text.text_style import STYLE
from sharefind.search import Decision, SearchNode
from sharefind.search.map_words import MAP_HEADINGS, MAP_NOTE, MAP_TEXTS, map_cells, map_sentences, map_title
from sharefind.search.result import Result
from sharefind.search.three_verdicts import (
    VERDICT_NOTE,
    VERDICT_TEXTS,
    has_relation,
    has_verdicts,
    verdict_table,
)
from sharefind.storage import shell_word
from sharefind.written import plural

DECISION_STYLES = {Decision.STAY: "bold green", Decision.GROW: "yellow"}


def summary(view: RunView) -> RenderableType:
    """Show the whole result: verdict, warnings, chain, space, groups, and the next commands.

    Args:
        view: The run.

    Returns:
        Something that a rich console can print.
    """
    colour = "green" if words.is_answer(view) else "red"
    parts: list[RenderableType] = [Panel(Text(words.verdict(view)), border_style=colour, expand=False)]
    parts += [Text(f"! {line}", style="bold red") for line in words.warnings(view)]
    parts += [Text(f"! {line}", style="yellow") for line in words.remarks(view)]
    parts += mirror_view(view.result)
    parts += [node_table(view.chain, "Chain"), reasons(view.chain)]
    if view.e_star is not None:
        parts.append(Text(f"\n{words.star_title(view)}", style="bold"))
        parts.append(space_view(view.e_star.space, view.blocks, view.names))
    parts.append(groups_view(view.result))
    if has_relation(view.result.symmetries):
        parts += verdict_view(view, is_all=False)
    parts += [*diagnosis_view(view.result), *map_view(view), *yardstick_view(view.result)]
    return Group(*parts, next_commands(view))


def mirror_view(result: Result) -> list[RenderableType]:
    """Return each generator of the mirror maps as a table, by the names of columns; empty for other searches.

    Args:
        result: The result of a search.
    """
    found = result.mirror
    if found is None:
        return []
    parts: list[RenderableType] = [Text(f"\n{mirror_title(found)}", style="bold")]
    for place, one in enumerate(found.generators, start=1):
        table = titled_table(f"\n{mirror_name(one, place, len(found.generators))}")
        for heading in MIRROR_HEADINGS:
            table.add_column(heading, overflow="fold")
        for cells in moved_cells(one):
            table.add_row(*map(Text, cells))
        parts += [table, _facts(rest_lines(one, result))]
    return [*parts, Text(""), _facts(aside_lines(found))]


def _facts(lines: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, cell in lines:
        table.add_row(name, Text(cell))
    return table


def node_table(nodes: Sequence[SearchNode], title: str, chain: Iterable[str] = ()) -> Table:
    """Return visited nodes with their evidence.

    Args:
        nodes: The nodes.
        title: Title of the table.
        chain: Keys of the nodes that are marked.
    """
    table = titled_table(title)
    number_heading, space_heading, *headings, last_heading = NODE_HEADINGS
    table.add_column(number_heading, justify="right")
    table.add_column(space_heading, overflow="fold", min_width=5)
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column(last_heading, overflow="fold")
    marked = set(chain)
    for node in nodes:
        if node.evidence is not None:
            *cells, decision = node_cells(node, node.evidence, "*" if node.key in marked else "")
            table.add_row(*map(Text, cells), Text(decision, style=DECISION_STYLES[node.evidence.decision]))
    return table


def titled_table(title: str) -> Table:
    """Return an empty table of the usual form under a title.

    Args:
        title: The title.
    """
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def reasons(nodes: Sequence[SearchNode]) -> Table:
    """Return why each node was left or kept, one sentence per node.

    Args:
        nodes: The nodes.
    """
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    for node in nodes:
        if node.evidence is not None:
            sentence = f"{node.label}: {node.evidence.reason} [{node.evidence.rule}]"
            table.add_row(Text(str(node.number)), Text(sentence))
    return table


def groups_view(result: Result) -> Table:
    """Return the stabiliser with its generators, and the conclusions about the candidate's subgroups.

    Args:
        result: The result of a search.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", "")
    for name, cell in origin_cells(result).items():
        table.add_row(name, Text(cell))
    table.add_row("accepted", Text(_accepted(result)))
    table.add_row("rejected", Text(packed(result.rejected)))
    if result.undecided:
        table.add_row("undecided", Text(packed(result.undecided)))
    return table


def _accepted(result: Result) -> str:
    """Return the accepted groups; for mirror maps, whose subgroups have long names, the largest ones and a number."""
    others = len(result.accepted) - len(result.maximal)
    if result.mirror is None or not result.maximal or others < 1:
        return packed(result.accepted)
    return f"{packed(result.maximal)}, and {plural(others, 'subgroup')} with it"


def verdict_view(view: RunView, *, is_all: bool) -> list[RenderableType]:
    """Return inputs, relation and price of the candidate groups; empty if only the law was tested.

    Args:
        view: The run.
        is_all: Whether to show every group, or only the most informative ones.
    """
    rows = view.result.symmetries
    if not has_verdicts(rows):
        return []
    shown = rows if is_all else verdict_rows(rows, view.alpha, STYLE.verdicts)
    headings, cells = verdict_table(rows, shown)
    table = titled_table("\nInputs, relation, price")
    for heading in headings:
        is_text = heading in VERDICT_TEXTS
        table.add_column(_broken(heading), justify="left" if is_text else "right", overflow="fold")
    for line in cells:
        table.add_row(*(Text(_broken(cell)) for cell in line))
    parts: list[RenderableType] = [table, Text(VERDICT_NOTE, style="dim")]
    parts += map(Text, relation_sentences(view.result))
    if len(shown) < len(rows):
        more = f"{len(shown)} of {len(rows)} groups; all of them: sharefind inspect {shell_word(view.path)} --all"
        parts.append(Text(more, style="dim"))
    return parts


def _broken(text: str) -> str:
    """Break a text into lines at commas or headings, so that nine columns fit into a terminal."""
    return text if "[" in text or ":" in text else text.replace(", ", ",\n").replace("break seen", "break\nseen")


def diagnosis_view(result: Result) -> list[RenderableType]:
    """Return why the rejected groups nearest to E_* fail and by how much, with sentences; empty if none was rejected.

    Args:
        result: The result of a search.
    """
    rows = result.diagnosis
    if not rows:
        return []
    table = titled_table("\nDiagnosis of what was rejected")
    for heading in DIAGNOSIS_HEADINGS[:2]:
        table.add_column(heading, overflow="fold")
    for heading in DIAGNOSIS_HEADINGS[2:]:
        table.add_column(heading, justify="right", overflow="fold")
    for name, row in rows.items():
        table.add_row(*map(Text, diagnosis_cells(name, row)))
    return [table, *map(Text, diagnosis_sentences(result))]


def map_view(view: RunView) -> list[RenderableType]:
    """Return what is wrong with given maps of columns, column by column, and the nearest map to each.

    Args:
        view: The run.
    """
    result, parts = view.result, list[RenderableType]()
    for row in result.maps:
        cells = map_cells(row, result.inputs, result.outputs)
        if cells:
            table = titled_table(f"\n{map_title(row, len(result.maps))}")
            for heading in MAP_HEADINGS:
                table.add_column(heading, justify="left" if heading in MAP_TEXTS else "right", overflow="fold")
            for line in cells:
                table.add_row(*map(Text, line))
            parts += [table, Text(MAP_NOTE, style="dim")]
        parts += map(Text, map_sentences(row, result.inputs, result.outputs, str(view.path)))
    return parts


def yardstick_view(result: Result) -> list[RenderableType]:
    """Return how well E_* predicts held-out rows, compared with least squares and the free unit.

    Args:
        result: The result of a search.
    """
    rows, note = yardstick_rows(result), yardstick_note(result)
    if not rows:
        return [Text(f"\n{note}")] if note else []
    table = titled_table("\nYardstick")
    model, quality = yardstick_headings(result)
    table.add_column(model)
    table.add_column(quality, justify="right")
    for row in rows:
        table.add_row(*map(Text, row))
    return [table, Text(note, style="dim")]


def symmetry_table(view: RunView, *, is_all: bool) -> list[RenderableType]:
    """Return the candidate groups, all or those nearest to the level, with verdicts, exact p-values and durations.

    Args:
        view: The run.
        is_all: Whether to show every group.
    """
    rows, seconds = view.result.symmetries, view.seconds
    if not rows:
        return []
    title = f"{plural(len(rows), 'candidate group')}: {tests_title(view.result)}, statistic {statistic_name(rows)}"
    table = titled_table(f"\n{title}")
    group_heading, *headings, last_heading = SYMMETRY_HEADINGS
    table.add_column(group_heading, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column(last_heading)
    shown = rows if is_all else nearest(rows, view.alpha, STYLE.tests)
    for row in shown:
        table.add_row(*map(Text, symmetry_cells(row, seconds.get(row.group))))
    if len(shown) == len(rows):
        return [table]
    return [
        table,
        Text(f"the {len(shown)} tests nearest to the level of {len(rows)}; all of them: add --all", style="dim"),
    ]


def next_commands(view: RunView) -> Text:
    """Return where the run is and which commands can follow.

    Args:
        view: The run.
    """
    run = shell_word(view.path)
    lattice = view.result.lattice
    size = f"{plural(lattice.nodes, 'node')}, {plural(lattice.edges, 'growth')}"
    text = Text(f"\nrun folder {view.path}: {size}, {view.result.wall_s:.1f} s, seed {view.result.seed}\n")
    text.append("next  ", style="bold").append(f"sharefind inspect {run}")
    if view.result.stopped:
        text.append(f"\n      sharefind discover --resume {run}{_larger(view.result.stopped)}")
    if view.is_exportable:
        text.append(f"\n      sharefind export {run} --format torch --out net.py")
    return text


def _larger(stopped: str) -> str:
    """Return the option that ended the search, to be given with a larger number."""
    name = stopped.partition(" ")[0].removeprefix("--").replace("_", "-")  # the estimator wrote `max_nodes`
    return f" --{name} ..." if name in ("max-nodes", "max-seconds") else ""
