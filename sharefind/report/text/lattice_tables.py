"""Tables of the nodes of a search: all of them, or one with its evidence, its space and its growths."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sharefind.report.text.number_words import packed
from sharefind.report.text.rows import OPEN_HEADINGS, open_cells, share
from sharefind.report.text.runs import RunView
from sharefind.report.text.space_words import space_view
from sharefind.report.text.tables import node_table, reasons, symmetry_table, titled_table, verdict_view
from sharefind.report.text.text_style import STYLE
from sharefind.search import Growth, NodeEvidence, SearchNode
from sharefind.search.three_verdicts import has_relation, has_verdicts
from sharefind.written import number, plural


def lattice_view(view: RunView, *, is_all: bool = True) -> RenderableType:
    """Show every node of the search: visited ones with their evidence, then open ones.

    Args:
        view: The run.
        is_all: Whether to show every test.

    Returns:
        Something that a rich console can print.
    """
    chain = [node.key for node in view.chain]
    visited, left = view.lattice.visited(), view.open_nodes
    parts: list[RenderableType] = [
        node_table(visited, f"{plural(len(visited), 'visited node')} (* = chain)", chain),
        reasons([node for node in visited if node.key not in chain]),
    ]
    if left:
        parts.append(_open_table(view, left))
    if has_verdicts(view.result.symmetries) and (is_all or not has_relation(view.result.symmetries)):
        parts += verdict_view(view, is_all=is_all)  # the summary has the relation's, cut short
    return Group(*parts, *symmetry_table(view, is_all=is_all))


def _open_table(view: RunView, nodes: Sequence[SearchNode]) -> Table:
    more = f", the first {STYLE.open_nodes}" if len(nodes) > STYLE.open_nodes else ""
    title = f"\n{plural(len(nodes), 'open node')} (proposed, never visited{more})"
    table = titled_table(title)
    for heading in OPEN_HEADINGS:
        is_text = heading in ("space", "proposed from")
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold" if is_text else "ellipsis")
    for node in nodes[: STYLE.open_nodes]:
        table.add_row(*map(Text, open_cells(view, node)))
    return table


def node_view(view: RunView, node: SearchNode) -> RenderableType:
    """Show one node: its evidence, its space, the growths that led to it and from it.

    Args:
        view: The run.
        node: The node.

    Returns:
        Something that a rich console can print.
    """
    place = "visited as number " + str(node.number) if node.number is not None else "proposed, never visited"
    title = f"{node.label}, dimension {node.space.dim} of {view.ambient}, {place}"
    parts: list[RenderableType] = [Text(title, style="bold")]
    if node.evidence is not None:
        parts.append(_evidence_table(node.evidence))
    parts += [Text("space", style="bold"), space_view(node.space, view.blocks, view.names)]
    for title, growths, end in (
        ("proposed by", view.growths_to(node), "source"),
        ("growths from here", view.growths_from(node), "target"),
    ):
        if growths:
            parts.append(_growth_table(view, title, growths, end))
    return Group(*parts)


def _evidence_table(evidence: NodeEvidence) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "decision": f"{evidence.decision.value} ({evidence.rule})",
        "reason": evidence.reason,
        "dist^2": number(evidence.dist2),
        "delta": number(evidence.delta),
        "RMD^2": number(evidence.rmd2),
        "relative escape": number(evidence.relative_escape),
        "p": number(evidence.p_value),
        "adjusted p": number(evidence.p_adjusted),
        "saddle": "yes: stationary, not optimal" if evidence.stationary_not_optimal else "no",
        "risk": number(evidence.risk),
        "horizon": number(evidence.horizon),
        "trainings": str(evidence.replicates),
        "accepted here": packed(evidence.groups),
        "rejected here": packed(evidence.rejected),
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _growth_table(view: RunView, title: str, growths: Sequence[Growth], end: str) -> Table:
    more = f" (the first {STYLE.open_nodes} of {len(growths)})" if len(growths) > STYLE.open_nodes else ""
    table = titled_table(f"\n{title}{more}")
    table.add_column("space", overflow="fold")
    table.add_column("dim", justify="right")
    table.add_column("rule")
    table.add_column("explained", justify="right")
    for growth in growths[: STYLE.open_nodes]:
        other = view.lattice.node(growth.source if end == "source" else growth.target)
        table.add_row(Text(other.label), str(other.space.dim), growth.rule, share(growth))
    return table
