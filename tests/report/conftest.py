"""A run made by hand: a chain {0} -> E^S3 -> E^C3 inside a lattice with a detour and an open node."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from sharefind.groups import FiniteGroup, hom, named_group, natural
from sharefind.report.text.runs import RunView
from sharefind.search import Decision, Growth, NodeEvidence, SearchLattice, SearchNode
from sharefind.search.result import Result
from sharefind.spaces import Subspace, fixed_space

REP = natural(named_group("S3"))
ACTION = hom(REP, REP)

Make = Callable[..., RunView]


def _evidence(decision: Decision, **changes: Any) -> NodeEvidence:
    values: dict[str, Any] = {
        "dist2": 0.5,
        "rmd2": 0.1,
        "delta": 0.25,
        "p_value": 0.005,
        "p_adjusted": 0.005,
        "relative_escape": 0.5,
        "risk": 0.01,
        "horizon": 1.0,
        "replicates": 20,
        "decision": decision,
        "rule": "randomisation",
        "reason": "because of the test",
    }
    return NodeEvidence(**{**values, **changes})


def _lattice(last: NodeEvidence) -> SearchLattice:
    cyclic = fixed_space(ACTION.restrict(FiniteGroup("C3", 3, ((1, 2, 0),))))
    mirror = fixed_space(ACTION.restrict(FiniteGroup("C2", 3, ((1, 0, 2),))))
    grow = _evidence(Decision.GROW, rejected=("S3",))
    lattice = SearchLattice()
    for key, space, evidence, number in (
        ("{0}", Subspace.zero(9), _evidence(Decision.GROW), 0),
        ("E^S3", fixed_space(ACTION), grow, 1),
        ("E^C2:<(0 1)>", mirror, _evidence(Decision.GROW, rejected=("C2:<(0 1)>",)), 2),
        ("E^C3", cyclic, last, 3),
        ("Z", Subspace.full(9), None, None),
    ):
        lattice.add(SearchNode(key, space, None, key, evidence, number))
    for source, target, explained in (
        ("{0}", "E^S3", 0.4),
        ("E^S3", "E^C2:<(0 1)>", 0.3),
        ("E^S3", "E^C3", 0.9),
        ("E^C2:<(0 1)>", "Z", 1.02),
    ):
        lattice.connect(Growth(source, target, "invariant", explained))
    return lattice


def _row(node: SearchNode) -> dict[str, Any]:
    assert node.evidence is not None
    shown = ("dist2", "rmd2", "delta", "p_value", "p_adjusted", "decision", "rule", "reason")
    return {"node": node.number, "dim": node.space.dim, **{k: node.evidence.to_json()[k] for k in shown}}


def _changed(view: RunView, **values: Any) -> RunView:
    """The run with other values in its result, as JSON has them; whole nested objects may be given in part."""
    record = view.result.to_json()
    for name, value in values.items():
        old = record.get(name)
        record[name] = {**old, **value} if isinstance(value, dict) and isinstance(old, dict) else value
    return replace(view, result=Result.model_validate(record))


def _result(lattice: SearchLattice) -> Result:
    chain = [lattice.node(key) for key in ("{0}", "E^S3", "E^C3")]
    record = {
        "schema": "sharefind.result/1",
        "run": "runs/hand-made",
        "seed": 4,
        "unit": "matrix",
        "group": {"name": "S3", "order": 6},
        "parameter_space": {"dim": 9, "blocks": [{"name": "weight", "shape": [3, 3]}]},
        "chain": [_row(node) for node in chain],
        "e_star": {
            "dim": 3,
            "exact": True,
            "candidate": "E^C3",
            "stabiliser": {"name": "C3", "order": 3, "generators": [[1, 2, 0]]},
        },
        "accepted": ["C3"],
        "rejected": ["S3", "C2:<(0 1)>"],
        "lattice": {"nodes": 5, "edges": 4, "file": "lattice.json"},
        "wall_s": 1.25,
        "versions": {},
    }
    return Result.model_validate(record)


@pytest.fixture(scope="session")
def changed() -> Callable[..., RunView]:
    """`_changed`, for tests."""
    return _changed


@pytest.fixture(scope="session")
def make() -> Make:
    """Makes the run; changes go to the evidence at its last node."""

    def made(decision: Decision = Decision.STAY, **changes: Any) -> RunView:
        last = _evidence(decision, **{"p_value": 0.4, "p_adjusted": 0.4, "dist2": 0.1, "groups": ("C3",), **changes})
        lattice = _lattice(last)
        return RunView(Path("runs/hand-made"), _result(lattice), lattice, 0.01)

    return made


@pytest.fixture
def kept(make: Make, tmp_path: Path) -> Make:
    """Makes the run as `make` does, in a folder that holds particles of its visited nodes."""
    return lambda *arguments, **changes: _keep_particles(make(*arguments, **changes), tmp_path)


@pytest.fixture(scope="session")
def tested(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The same with exact tests and a diagnosis."""

    def made(*arguments: Any, **changes: Any) -> RunView:
        view = _keep_particles(make(*arguments, **changes), tmp_path_factory.mktemp("tested"))
        row = {"group": "S3", "order": 6, "verdict": "rejected", "p_value": 0.005, "p_adjusted": 0.005, "z": 9.0}
        accepted = {**row, "group": "C3", "order": 3, "verdict": "accepted", "p_value": 0.4, "p_adjusted": 0.4}
        untested = {**accepted, "group": "C1", "p_value": None, "z": None}
        rows = [{**r, "statistic": "correlogram", "copies": 199} for r in (row, accepted, untested)]
        return _changed(view, symmetries=rows, diagnosis={"S3": DIAGNOSIS})

    return made


@pytest.fixture(scope="session")
def related(tested: Make) -> Make:
    """The same, decided by the relation: S3 rejected at an unassured level, C3 accepted, C2:<(0 1)> one-sided."""

    def made(*arguments: Any, **changes: Any) -> RunView:
        row = {"verdict": "rejected", "p_value": 0.005, "p_adjusted": 0.005, "z": 9.0, "statistic": "correlogram"}
        rows = [{**row, "group": name, "copies": 199, **parts} for name, parts in JUDGED.items()]
        words = {"accepted": ["C3"], "rejected": ["S3"], "undecided": ["C2:<(0 1)>", "C2:<(0 2)>"], "maximal": ["C3"]}
        likeliest = {"name": "C3", "share": 0.86, "shares": {"C3": 0.86, "S3": 0.1, "": 0.04}, "rows": 300}
        values = {**words, "symmetries": rows, "symmetry": "auto", "decided_by": "relation", "likeliest": likeliest}
        return _changed(tested(*arguments), **{**values, **changes})

    return made


REJECTED = {"verdict": "rejected", "p_value": 0.005, "p_adjusted": 0.005}
UNTESTED = {"p_value": None, "p_adjusted": 0.3}
JUDGED: dict[str, dict[str, Any]] = {
    "S3": {
        "order": 6,
        "inputs": REJECTED,
        "relation": {**REJECTED, "overlap": 0.08, "level_assured": False},
        "price": {"gap": 0.64, "interval": [0.61, 0.67], "tied_r2": 0.2, "free_r2": 0.84},
    },
    "C3": {
        "order": 3,
        "inputs": REJECTED,
        "relation": {"verdict": "accepted", "p_value": 0.4, "p_adjusted": 0.4, "overlap": 0.82, "detectable": 0.41},
        "price": {"gap": -0.008, "interval": [-0.012, -0.003], "tied_r2": 0.848, "free_r2": 0.84},
    },
    "C2:<(0 1)>": {
        "order": 2,
        "inputs": {"verdict": "accepted", "p_value": 0.3, "p_adjusted": 0.3},
        "relation": {"verdict": "undecided", "p_value": 0.3, "p_adjusted": 0.3, "overlap": 0.05, "one_sided": True},
        "price": {"gap": 0.008, "interval": [0.003, 0.012], "tied_r2": 0.832, "free_r2": 0.84},
    },
    "C2:<(0 2)>": {
        "order": 2,
        "inputs": {"verdict": "accepted", **UNTESTED},
        "relation": {"verdict": "undecided", **UNTESTED},
    },
}

DIAGNOSIS = {
    "cause": "relation",
    "inputs_p_value": 0.7,
    "risk_gap": 0.004,
    "risk_gap_interval": [0.001, 0.008],
    "free_r2": 0.9,
    "tied_r2": 0.89,
    "approximate": True,
}


def _keep_particles(view: RunView, path: Path, particles: int = 30) -> RunView:
    """The run in a folder with particles of every visited node: started on its space, ended near it."""
    view = replace(view, path=path)
    (view.path / "particles").mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for node in view.lattice.visited():
        start = np.asarray(node.space.project(rng.standard_normal((particles, node.space.ambient))))
        final = start + 0.1 * rng.standard_normal(start.shape)
        tensors = {name: np.ascontiguousarray(cloud.T[None]) for name, cloud in (("start", start), ("final", final))}
        save_file(tensors, view.path / "particles" / f"node-{node.number:04d}.safetensors")
    return view
