"""A run for a terminal: the verdict, the chain with its evidence, the space found, the nodes of the lattice.

Everything is built from rich, reads well without colours and fits into 100 columns.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sharefind.groups import cycle_notation
from sharefind.report.numbers import NOTHING, number, order, packed, plural, shortened
from sharefind.report.runs import RunView
from sharefind.report.spaces import space_view
from sharefind.search import Decision, Evidence, Growth, SearchNode

MAX_OPEN = 20
"""Most open nodes, and most growths of a node, that are listed."""

MAX_CYCLES = 80
"""Longest generator in cycle notation, in characters."""

DECISION_STYLES = {Decision.STAY: "bold green", Decision.GROW: "yellow"}


def summary(view: RunView) -> RenderableType:
    """The whole result: verdict, warnings, chain, space, groups, and what to do next."""
    good = view.is_finished and not _is_zero(view)
    colour = "green" if good else "red"
    parts: list[RenderableType] = [Panel(Text(verdict(view)), border_style=colour, expand=False)]
    parts += [Text(f"! {line}", style="bold red") for line in warnings(view)]
    parts += [Text(f"! {line}", style="yellow") for line in (*saddles(view), *doubts(view.result))]
    parts += [node_table(view.chain, "Chain"), reasons(view.chain)]
    if view.e_star is not None:
        parts += [Text(f"\n{_title(view)}", style="bold"), space_view(view.e_star.space, view.blocks)]
    parts += [groups_view(view.result), *diagnosis_view(view.result)]
    return Group(*parts, next_commands(view))


def verdict(view: RunView) -> str:
    """What was found, in one sentence."""
    last = view.e_star
    if last is None:
        return "Nothing was visited: the search was stopped before its first node was done."
    where = f"dimension {last.space.dim} of {view.ambient}"
    if not view.is_finished:
        return f"Not finished: the search ended at {last.label}, {where}, which does not hold."
    return f"E_* = {star_name(view)}, {where}: {_meaning(view)}"


def star_name(view: RunView) -> str:
    """{0}, Z, the name E^H, or what a numerical space is called."""
    last = view.e_star
    if last is None:
        return NOTHING
    if last.space.is_zero or last.space.is_full:
        return "{0}" if last.space.is_zero else "Z"
    return str(view.result["e_star"]["candidate"] or last.label)


def _meaning(view: RunView) -> str:
    e_star, candidate = view.result["e_star"], view.result["group"]["name"]
    if _is_zero(view):
        if e_star["stabiliser"] is not None:
            return "no parameter of this unit is left free by the symmetries that are not rejected."
        if _rests_at_saddle(view):
            return "training rests at a saddle of this unit; the labels may carry signal."
        return "the data show nothing that could be learned."
    named = [n for n in view.result.get("maximal", []) if candidate == "SO2" and n != "SO2"]
    if e_star["dim"] == view.ambient and named:
        turn = f"{360 / int(named[0][1:]):.4g} degrees"
        return f"no space of SO2 holds; {named[0]} (turns by {turn}) is not rejected: see --group R{named[0][1:]}."
    if e_star["dim"] == view.ambient:
        rejected = f"; {candidate} is rejected" if candidate in view.result["rejected"] else ""
        return f"no sharing of parameters is supported by the data{rejected}."
    if e_star["stabiliser"] is None:
        return _without_group(view)
    stabiliser = e_star["stabiliser"]
    if last_rule(view) != "randomisation" and not view.result.get("symmetries"):
        return f"training stays on the space of {stabiliser['name']} (order {order(stabiliser['order'])})."
    maximal, label = view.result.get("maximal", []), str(e_star["candidate"]).removeprefix("E^")
    if maximal and label in view.result["rejected"] and not view.holds_by_tolerance:
        return f"the symmetry {maximal[0]} is not rejected; {label} has the same space, but is rejected."
    how = "holds within the tolerance only" if view.holds_by_tolerance else "is not rejected"
    return f"the symmetry {stabiliser['name']} (order {order(stabiliser['order'])}) {how}."


def _without_group(view: RunView) -> str:
    """The same for a space that no candidate group fixes."""
    if view.result.get("blind"):
        return f"{view.result['blind']['name']}; its ties are not rejected."
    kind = "exact" if view.result["e_star"]["exact"] else "numerical"
    last = None if view.e_star is None else view.e_star.evidence
    if last is not None and last.reason.startswith("no direction"):
        return f"no direction of the escape from this {kind} space is significant; more data may show one."
    return f"training stays on this {kind} space; no candidate group names it."


def warnings(view: RunView) -> Iterator[str]:
    """What must not be overlooked, a line each."""
    if not view.is_finished:
        yield "No space held: the last one is no answer. Try another --growth, a longer --horizon, more data."
    elif _is_zero(view) and view.result["e_star"]["stabiliser"] is not None:
        yield "E_* = {0}: this unit is too poor for what was accepted. Use one with a hidden layer: --unit two-layer."
    elif _is_zero(view) and _rests_at_saddle(view):
        yield "E_* = {0} is a saddle of this unit, no answer. Use --growth invariant with a candidate group."
    elif _is_zero(view):
        yield "E_* = {0}: the labels look independent of the inputs. Check them, or try more data."


def saddles(view: RunView) -> Iterator[str]:
    """The nodes where particles stay although a free start learns more, a line each."""
    for node in view.lattice.visited():
        if node.evidence is not None and node.evidence.stationary_not_optimal:
            is_left = node.evidence.decision is Decision.GROW
            if not is_left and node.evidence.rule == "randomisation" and not node.space.is_zero:
                yield f"At {node.label} the unit learns nothing: that it holds rests on the exact test alone."
                continue
            follows = ", so the search went on" if is_left else ": do not trust that it stays"
            yield f"At {node.label} training is stationary but not optimal (a saddle){follows}."


def last_rule(view: RunView) -> str | None:
    """The stopping rule that decided at the last node."""
    last = view.e_star
    return None if last is None or last.evidence is None else last.evidence.rule


def _rests_at_saddle(view: RunView) -> bool:
    last = view.e_star
    return last is not None and last.evidence is not None and last.evidence.stationary_not_optimal


def _is_zero(view: RunView) -> bool:
    return view.e_star is not None and view.e_star.space.is_zero


def node_table(nodes: Sequence[SearchNode], title: str, chain: Iterable[str] = ()) -> Table:
    """Visited nodes with their evidence; those whose key is in `chain` are marked."""
    table = _titled_table(title)
    table.add_column("node", justify="right")
    table.add_column("space", overflow="fold", min_width=5)
    for heading in ("dim", "dist^2", "RMD^2", "delta", "p", "adj. p"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("decision", overflow="fold")
    marked = set(chain)
    for node in nodes:
        if node.evidence is not None:
            table.add_row(*_node_cells(node, node.evidence, node.key in marked))
    return table


def _titled_table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _node_cells(node: SearchNode, evidence: Evidence, is_marked: bool) -> list[Text]:
    values = (evidence.dist2, evidence.rmd2, evidence.delta, evidence.p_value, evidence.p_adjusted)
    cells = [
        f"{node.number}{'*' if is_marked else ''}",
        node.label,
        str(node.space.dim),
        *map(number, values),
    ]
    decision = Text(evidence.decision.value, style=DECISION_STYLES[evidence.decision])
    return [*map(Text, cells), decision]


def reasons(nodes: Sequence[SearchNode]) -> Table:
    """Why each node was left or kept, a sentence a node."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    for node in nodes:
        if node.evidence is not None:
            sentence = f"{node.label}: {node.evidence.reason} [{node.evidence.rule}]"
            table.add_row(Text(str(node.number)), Text(sentence))
    return table


def _title(view: RunView) -> str:
    return f"{'E_*' if view.is_finished else 'The last space, which does not hold,'} = {star_name(view)}"


def groups_view(result: dict[str, Any]) -> Table:
    """The stabiliser with its generators, and what was concluded about the candidate's subgroups."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", "")
    candidate, stabiliser = result["group"], result["e_star"]["stabiliser"]
    if result.get("blind"):
        table.add_row("proposed", Text(_proposal(result["blind"])))
    table.add_row("candidate", Text(f"{candidate['name']}, order {order(candidate['order'])}"))
    if stabiliser is not None:
        table.add_row("stabiliser", Text(_stabiliser(stabiliser)))
    table.add_row("accepted", Text(packed(result["accepted"])))
    table.add_row("rejected", Text(packed(result["rejected"])))
    if result.get("undecided"):
        table.add_row("undecided", Text(packed(result["undecided"])))
    return table


def _proposal(blind: dict[str, Any]) -> str:
    """What the proposing samples of a blind search speak for."""
    order_text = "" if blind["order"] in (None, 1) else f" (order {order(blind['order'])})"
    odd = ", and odd: turning all signs is a symmetry too" if blind["odd"] and blind["name"] != "C2" else ""
    algebra = blind["lie_algebra"]
    turns = f", fixed by {algebra['name']} (dimension {algebra['dim']})" if algebra and algebra["dim"] else ""
    share = f"posterior share {blind['share']:.3g}"
    return f"{blind['name']}{order_text}{turns} by {blind['samples']:,} samples, {share}{odd}"


def doubts(result: dict[str, Any]) -> Iterator[str]:
    """What a blind search leaves open, a line each."""
    blind = result.get("blind")
    if not blind:
        return
    rivals = ", ".join(f"{r['name']} (dim {r['dim']}, {r['share']:.2g})" for r in blind["rivals"])
    if blind["status"] == "undecided":
        yield (
            f"Undecided: of the posterior the likeliest space has {blind['share']:.2g}; others: {rivals}. "
            "E_* contains what is likely; more data would tell."
        )
    if not blind["exhaustive"] and blind["is_group"]:
        yield "The search for moves was cut short: symmetries may have been missed. Fewer inputs make it complete."
    smaller = blind["smaller"]
    if smaller and smaller["log_odds"] < 0:
        odds = f"log odds {-smaller['log_odds']:.2g}"
        yield f"As far as the data show, {smaller['what']} ({odds}), though no group says so."


def diagnosis_view(result: dict[str, Any]) -> list[RenderableType]:
    """Why the rejected groups nearest to E_* fail and by how much, with a sentence each; nothing when none was."""
    rows = result.get("diagnosis", {})
    if not rows:
        return []
    table = _titled_table("\nDiagnosis of what was rejected")
    for heading in ("group", "broken"):
        table.add_column(heading, overflow="fold")
    for heading in ("p, inputs alone", "tied model loses (95 %)", "R^2 tied", "R^2 free"):
        table.add_column(heading, justify="right", overflow="fold")
    for name, row in rows.items():
        low, high = (f"{100 * v:.2g}" for v in row["risk_gap_interval"])
        loss = f"{100 * row['risk_gap']:.2g} % [{low}, {high}]"
        numbers = (f"{row['tied_r2']:.3f}", f"{row['free_r2']:.3f}")
        table.add_row(Text(name), row["cause"], number(row["inputs_p_value"]), loss, *numbers)
    return [table, *(Text(line) for line in map(_diagnosis_sentence, rows, rows.values()) if line)]


def _diagnosis_sentence(name: str, row: dict[str, Any]) -> str:
    if row["cause"] == "inputs":
        return f"{name}: the inputs are not invariant; nothing says that the relation is not equivariant."
    if row["approximate"]:
        high = 100 * max(0.0, row["risk_gap_interval"][1])
        return f"{name}: an approximate symmetry: tying loses at most {high:.2g} % of the labels' variance."
    return ""


def symmetry_table(result: dict[str, Any], seconds: Mapping[str, float]) -> list[RenderableType]:
    """Every candidate group with its verdict, its exact p-value and what the test cost."""
    rows = result.get("symmetries", [])
    if not rows:
        return []
    statistic = next((row["statistic"] for row in rows if row["statistic"] is not None), "none")
    table = _titled_table(f"\n{plural(len(rows), 'candidate group')}: exact tests, statistic {statistic}")
    table.add_column("group", overflow="fold")
    for heading in ("order", "p", "adj. p", "z", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in rows:
        cost = seconds.get(row["group"])
        cells = (order(row["order"]), *(number(row[key]) for key in ("p_value", "p_adjusted", "z")))
        table.add_row(Text(row["group"]), *cells, NOTHING if cost is None else f"{cost:.2f}", row["verdict"])
    return [table]


def _stabiliser(stabiliser: dict[str, Any]) -> str:
    cycles = [shortened(cycle_notation(g), MAX_CYCLES) for g in stabiliser["generators"]]
    generators = f", generated by {', '.join(cycles)} (points counted from 0)" if cycles else ""
    return f"{stabiliser['name']}, order {order(stabiliser['order'])}{generators}"


def next_commands(view: RunView) -> Text:
    """Where the run is and what can be done with it."""
    run = shlex.quote(str(view.path))
    lattice = view.result["lattice"]
    size = f"{plural(lattice['nodes'], 'node')}, {plural(lattice['edges'], 'growth')}"
    text = Text(f"\nrun folder {view.path}: {size}, {view.result['wall_s']:.1f} s, seed {view.result['seed']}\n")
    text.append("next  ", style="bold").append(f"sharefind inspect {run}")
    if view.is_finished:
        text.append(f"\n      sharefind export {run} --format torch --out net.py")
    return text


def lattice_view(view: RunView) -> RenderableType:
    """Every node of the search: those visited with their evidence, then those left open."""
    chain = [node.key for node in view.chain]
    visited, left = view.lattice.visited(), view.open_nodes
    parts: list[RenderableType] = [
        node_table(visited, f"{plural(len(visited), 'visited node')} (* = chain)", chain),
        reasons([node for node in visited if node.key not in chain]),
    ]
    if left:
        parts.append(_open_table(view, left))
    return Group(*parts, *symmetry_table(view.result, view.seconds))


def _open_table(view: RunView, nodes: Sequence[SearchNode]) -> Table:
    more = f", the first {MAX_OPEN}" if len(nodes) > MAX_OPEN else ""
    title = f"\n{plural(len(nodes), 'open node')} (proposed, never visited{more})"
    table = _titled_table(title)
    table.add_column("space", overflow="fold")
    table.add_column("dim", justify="right")
    table.add_column("proposed from", overflow="fold")
    table.add_column("explained", justify="right")
    for node in nodes[:MAX_OPEN]:
        best = view.growths_to(node)[0]
        source = view.lattice.node(best.source).label
        table.add_row(Text(node.label), str(node.space.dim), Text(source), _share(best))
    return table


def node_view(view: RunView, node: SearchNode) -> RenderableType:
    """One node: all of its evidence, its space, the growths that led to it and from it."""
    place = "visited as number " + str(node.number) if node.number is not None else "proposed, never visited"
    title = f"{node.label}, dimension {node.space.dim} of {view.ambient}, {place}"
    parts: list[RenderableType] = [Text(title, style="bold")]
    if node.evidence is not None:
        parts.append(_evidence_table(node.evidence))
    parts += [Text("space", style="bold"), space_view(node.space, view.blocks)]
    for title, growths, end in (
        ("proposed by", view.growths_to(node), "source"),
        ("growths from here", view.growths_from(node), "target"),
    ):
        if growths:
            parts.append(_growth_table(view, title, growths, end))
    return Group(*parts)


def _evidence_table(evidence: Evidence) -> Table:
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
    more = f" (the first {MAX_OPEN} of {len(growths)})" if len(growths) > MAX_OPEN else ""
    table = _titled_table(f"\n{title}{more}")
    table.add_column("space", overflow="fold")
    table.add_column("dim", justify="right")
    table.add_column("rule")
    table.add_column("explained", justify="right")
    for growth in growths[:MAX_OPEN]:
        other = view.lattice.node(growth.source if end == "source" else growth.target)
        table.add_row(Text(other.label), str(other.space.dim), growth.rule, _share(growth))
    return table


def _share(growth: Growth) -> str:
    return f"{round(100 * growth.explained)} %"
