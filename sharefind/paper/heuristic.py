"""The paper's heuristic on laws of known symmetry: E_* must be E^G for WI and SI teachers, and Z for
an arbitrary one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sharefind.datasets import Task, fresh_task, load_task
from sharefind.meanfield.objectives.sources import Sampler
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.demonstration import Check, Demonstration, Outcome, Panel, Row, Series, at_least
from sharefind.paper.grid import Piece, compute_cells
from sharefind.paper.setting import KINDS, TEACHER_NAMES, Kind, Setting, setting
from sharefind.search import Engine, NodeEvidence, SearchNode, build_problem, search_config

INVARIANT, MEAN = "invariant", "mean"

GROWTHS: Mapping[str, Mapping[str, Any]] = {INVARIANT: {}, MEAN: {"growth": "mean", "preset": "paper"}}
"""Settings of a search by growth rule: the default rule, and the paper's own rule by the mean displacement."""

NOTES = (
    "the defaults of `sharefind discover`: growth by exact invariant subspaces, exact randomisation tests, alpha .01",
    "delta is the quantile of dist^2 over randomised copies of the data, for comparison: the p-value decides",
)


@dataclass(frozen=True)
class Case:
    """One search.

    Attributes:
        kind: Kind of the teacher.
        growth: "invariant" or "mean".
        seed: Seed of the search.
    """

    kind: Kind
    growth: str
    seed: int

    @property
    def title(self) -> str:
        """Title of its picture."""
        return f"{TEACHER_NAMES[self.kind]} teacher" + (", growth mean" if self.growth == MEAN else "")


@dataclass(frozen=True)
class Heuristic:
    """Start on {0} and grow while particles leave E_j: the search ends on E^G, or on Z if the law has no symmetry.

    Attributes:
        seeds: Number of seeds for every task, starting at the seed of the request.
        mean_dims: Dimensions of the chain visited by growth by the mean displacement, on the paper's task only.
        share: Share of the searches that must end on the right space.
    """

    seeds: int = 10
    mean_dims: tuple[int, ...] = (0, 1, 2)
    share: float = 1.0

    def __call__(self, context: Context) -> Outcome:
        """The verdict in the setting of a request."""
        place = setting(context.request)
        seeds = [context.request.seed + k for k in range(self.seeds)]
        tasks: list[tuple[Kind, str]] = [(kind, INVARIANT) for kind in KINDS]
        if place.is_paper:
            tasks.append(("wi", MEAN))
        cases = [Case(*task, seed) for task in tasks for seed in seeds]
        cells = compute_cells(context, "heuristic", [_piece(place, case) for case in cases])
        chains = dict(zip(cases, cells, strict=True))
        rows = [row for case, cell in chains.items() for row in _rows(case, cell)]
        right = {case: self._is_right(case, cell) for case, cell in chains.items()}
        checks = [self._check(place, *task, [right[Case(*task, seed)] for seed in seeds]) for task in tasks]
        panels = [_panel(Case(*task, seeds[0]).title, chains[Case(*task, seeds[0])]) for task in tasks]
        figure = f"{sum(right.values())} of {len(cases)} searches end where they should"
        return Outcome(rows, checks, panels, figure, NOTES)

    def _is_right(self, case: Case, cell: Cell) -> bool:
        if case.growth == MEAN:
            return tuple(node["dim"] for node in cell.numbers["chain"]) == self.mean_dims
        return bool(cell.numbers["is_full" if case.kind == "arbitrary" else "is_fixed_space"])

    def _check(self, place: Setting, kind: Kind, growth: str, right: Sequence[bool]) -> Check:
        truth = "Z" if kind == "arbitrary" else f"E^{place.group.name}"
        name = f"{TEACHER_NAMES[kind]} teacher: share of searches that end on {truth}"
        if growth == MEAN:
            dims = ", ".join(map(str, self.mean_dims))
            name = f"growth mean, WI teacher: share of chains with dimensions {dims}"
        return at_least(name, sum(right) / len(right), self.share)


def _piece(place: Setting, case: Case) -> Piece:
    identity = {
        "piece": "search", "teacher": case.kind, "seed": case.seed, "mean": case.growth == MEAN, **place.names,
        "x_scale": place.x_scale,
    }  # fmt: skip
    return Piece(identity, search_once, (case,))


def search_once(request: Request, case: Case) -> Cell:
    """Return the numbers of the chain of one search.

    Args:
        request: The user's choices.
        case: The search.
    """
    place = setting(request)
    config = search_config(group=place.group.name, seed=case.seed, **GROWTHS[case.growth])
    problem = build_problem(config, _task(place, case.kind), place.group)
    outcome = Engine(problem).run()
    numbers = {
        "e_star": outcome.e_star.label,
        "is_fixed_space": outcome.e_star.space == outcome.problem.fixed_space,
        "is_full": outcome.e_star.space.is_full,
        "fixed_dim": problem.fixed_space.dim,
        "chain": [_node(node, node.evidence) for node in outcome.chain if node.evidence is not None],
    }
    return Cell(numbers)


def _task(place: Setting, kind: Kind) -> Task:
    """Return the named task of the paper's C2, or fresh samples of the group's teacher."""
    if place.is_paper:
        return load_task(f"c2-{kind}")
    unit = place.unit
    return fresh_task(
        f"{place.group.name}-{kind}", _Law(place.sampler(kind)), unit.d_in, unit.d_out,
        description=f"the {kind} teacher of {place.group.name}", in_rep=unit.in_rep.name, out_rep=unit.out_rep.name,
        unit=unit.name,
    )  # fmt: skip


@dataclass(frozen=True)
class _Law:
    """Samples x (n, d_in) and y (n, d_out) of a teacher, in the form that a fresh task needs."""

    sample: Sampler


def _node(node: SearchNode, e: NodeEvidence) -> dict[str, Any]:
    return {
        "space": node.label, "dim": node.space.dim, "dist2": e.dist2, "rmd2": e.rmd2, "delta": e.delta, "p": e.p_value,
        "p_adjusted": e.p_adjusted, "decision": e.decision.value,
    }  # fmt: skip


def _rows(case: Case, cell: Cell) -> list[Row]:
    return [
        {
            "teacher": case.kind, "growth": case.growth, "seed": case.seed, "step": k,
            **{key: "" if value is None else value for key, value in node.items()},
        }
        for k, node in enumerate(cell.numbers["chain"])
    ]  # fmt: skip


def _panel(title: str, cell: Cell) -> Panel:
    chain = cell.numbers["chain"]
    names = tuple(f"{node['space']}, dim {node['dim']}" for node in chain)
    series = []
    for key, label in (("dist2", "dist^2"), ("delta", "delta")):
        known = [(float(k), float(node[key])) for k, node in enumerate(chain) if node[key] is not None]
        series.append(Series(label, tuple(k for k, _ in known), tuple(value for _, value in known)))
    return Panel(title, "space", "dist^2", series, "linear", "log", True, names)


DEMONSTRATION = Demonstration(
    "heuristic", "Heuristic for parameter sharing",
    "growing from {0} while particles leave E_j ends at E^G, or at Z for data without the symmetry",
    "search", Heuristic(), Heuristic(seeds=1),
)  # fmt: skip
