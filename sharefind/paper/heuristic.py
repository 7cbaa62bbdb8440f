"""The poster's heuristic on laws of known symmetry: E_* must be E^G for WI and SI teachers, Z for an arbitrary one."""

from __future__ import annotations

from typing import Any

from sharefind.datasets import Task, fresh_task, load_task
from sharefind.paper.context import Cell, Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.grid import Piece, compute_cells
from sharefind.paper.setting import KINDS, TEACHER_NAMES, Kind, Setting, setting
from sharefind.search import Engine, SearchNode, SearchOutcome, build_problem, search_config

SEEDS, QUICK_SEEDS = 10, 1
"""Seeds of every task, counted from the request's."""

MEAN_GROWTH: dict[str, Any] = {"growth": "mean", "preset": "paper"}
"""The paper's own growth by the mean displacement; its chain has the dimensions 0, 1, 2 on the paper's task only."""

MEAN_DIMS = (0, 1, 2)


def heuristic(context: Context) -> Outcome:
    """Start on {0}, grow while particles leave E_j: it ends on E^G, or on Z where the law has no symmetry."""
    place = setting(context.request)
    seeds = [context.request.seed + k for k in range(QUICK_SEEDS if context.request.quick else SEEDS)]
    asked: list[tuple[Kind, int, bool]] = [(kind, seed, False) for kind in KINDS for seed in seeds]
    if place.is_paper:
        asked += [("wi", seed, True) for seed in seeds]
    cells = compute_cells(context, "heuristic", [_piece(context, place, *one) for one in asked])
    rows: list[Row] = []
    for (kind, seed, is_mean), cell in zip(asked, cells, strict=True):
        rows += _rows(kind, seed, is_mean, cell)
    cases = dict.fromkeys((kind, is_mean) for kind, _, is_mean in asked)
    checks = [_check(place, kind, is_mean, asked, cells) for kind, is_mean in cases]
    right = sum(_is_right(place, kind, is_mean, cell) for (kind, _, is_mean), cell in zip(asked, cells, strict=True))
    panels = tuple(_panel(kind, is_mean, cells[k]) for k, (kind, seed, is_mean) in enumerate(asked) if seed == seeds[0])
    return Outcome(tuple(rows), tuple(checks), panels, f"{right} of {len(asked)} searches end where they should", NOTES)


NOTES = (
    "the defaults of `sharefind discover`: growth by exact invariant subspaces, exact randomisation tests, alpha .01",
    "delta is the quantile of dist^2 over randomised copies of the data, for comparison: the p-value decides",
)


def _piece(context: Context, place: Setting, kind: Kind, seed: int, is_mean: bool) -> Piece:
    unit = place.unit
    identity = {
        "piece": "search", "teacher": kind, "seed": seed, "mean": is_mean, "group": place.group.name,
        "in": unit.in_rep.name, "out": unit.out_rep.name, "unit": unit.name, "x_scale": place.x_scale,
    }  # fmt: skip
    return Piece(identity, search_once, (kind, seed, is_mean))


def search_once(request: Any, kind: Kind, seed: int, is_mean: bool) -> Cell:
    """One search, with the numbers of its chain."""
    place = setting(request)
    config = search_config(group=place.group.name, seed=seed, **(MEAN_GROWTH if is_mean else {}))
    problem = build_problem(config, _task(place, kind), place.group)
    return Cell(_chain(Engine(problem).run(), problem.fixed_space.dim))


def _task(place: Setting, kind: Kind) -> Task:
    """The named task of the paper's C2, or fresh samples of the group's teacher."""
    if place.is_paper:
        return load_task(f"c2-{kind}")
    unit = place.unit
    return fresh_task(
        f"{place.group.name}-{kind}",
        _Law(place, kind),
        unit.d_in,
        unit.d_out,
        description=f"the {kind} teacher of {place.group.name}",
        in_rep=unit.in_rep.name,
        out_rep=unit.out_rep.name,
        unit=unit.name,
    )


class _Law:
    """A teacher's samples in the shape that a fresh task reads."""

    def __init__(self, place: Setting, kind: Kind) -> None:
        self._sampler = place.sampler(kind)

    def sample(self, rng: Any, n: int) -> Any:
        """x (n, d_in) and y (n, d_out)."""
        return self._sampler(rng, n)


def _chain(outcome: SearchOutcome, fixed_dim: int) -> dict[str, Any]:
    visited = [node for node in outcome.chain if node.evidence is not None]
    return {
        "e_star": outcome.e_star.label,
        "is_fixed_space": outcome.e_star.space == outcome.problem.fixed_space,
        "is_full": outcome.e_star.space.is_full,
        "fixed_dim": fixed_dim,
        "chain": [_node(node) for node in visited],
    }


def _node(node: SearchNode) -> dict[str, Any]:
    e = node.evidence
    if e is None:
        return {}
    return {
        "space": node.label, "dim": node.space.dim, "dist2": e.dist2, "rmd2": e.rmd2, "delta": e.delta, "p": e.p_value,
        "p_adjusted": e.p_adjusted, "decision": e.decision.value,
    }  # fmt: skip


def _rows(kind: Kind, seed: int, is_mean: bool, cell: Cell) -> list[Row]:
    growth = "mean" if is_mean else "invariant"
    return [
        {"teacher": kind, "growth": growth, "seed": seed, "step": k, **_plain(node)}
        for k, node in enumerate(cell.numbers["chain"])
    ]


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    return {key: "" if value is None else value for key, value in node.items()}


def _is_right(place: Setting, kind: Kind, is_mean: bool, cell: Cell) -> bool:
    if is_mean:
        return tuple(node["dim"] for node in cell.numbers["chain"]) == MEAN_DIMS
    return bool(cell.numbers["is_full" if kind == "arbitrary" else "is_fixed_space"])


def _check(place: Setting, kind: Kind, is_mean: bool, asked: list[tuple[Kind, int, bool]], cells: list[Cell]) -> Check:
    chosen = [c for one, c in zip(asked, cells, strict=True) if (one[0], one[2]) == (kind, is_mean)]
    share = sum(_is_right(place, kind, is_mean, cell) for cell in chosen) / len(chosen)
    if is_mean:
        return Check("growth mean, WI teacher: share of chains with dimensions 0, 1, 2", share, ">=", 1.0)
    truth = "Z" if kind == "arbitrary" else f"E^{place.group.name}"
    return Check(f"{TEACHER_NAMES[kind]} teacher: share of searches that end on {truth}", share, ">=", 1.0)


def _panel(kind: Kind, is_mean: bool, cell: Cell) -> Panel:
    chain = cell.numbers["chain"]
    steps = tuple(float(k) for k in range(len(chain)))
    names = tuple(f"{node['space']}, dim {node['dim']}" for node in chain)
    measured = Series("dist^2", steps, tuple(float(node["dist2"]) for node in chain))
    known = [(s, float(node["delta"])) for s, node in zip(steps, chain, strict=True) if node["delta"] is not None]
    threshold = Series("delta", tuple(s for s, _ in known), tuple(d for _, d in known))
    title = f"{TEACHER_NAMES[kind]} teacher" + (", growth mean" if is_mean else "")
    return Panel(title, "space", "dist^2", (measured, threshold), "linear", "log", True, names)
