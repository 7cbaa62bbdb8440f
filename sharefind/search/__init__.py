"""The heuristic: engine, growth rules, stopping rules, the search lattice and the run folder."""

from sharefind.search.config import SearchConfig, Settings, resolve, search_config
from sharefind.search.engine import Engine
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.observer import Observer, Observers, StopSearch
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.problem import Candidate, Problem, TaskLike, build_problem, fingerprint
from sharefind.search.result import Result
from sharefind.search.result_record import result_record
from sharefind.search.rules.growth import (
    Escape,
    EscapeGrowth,
    GrowthRule,
    InvariantGrowth,
    MeanGrowth,
    measure_escape,
)
from sharefind.search.rules.stopping import RandomisationRule, StoppingRule, ThresholdRule
from sharefind.search.run import default_folder, run_search
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.search.search_outcome import SearchOutcome

__all__ = [
    "Candidate",
    "Decision",
    "Engine",
    "Escape",
    "EscapeGrowth",
    "Evidence",
    "Growth",
    "GrowthRule",
    "InvariantGrowth",
    "MeanGrowth",
    "Observer",
    "Observers",
    "Problem",
    "RandomisationRule",
    "Result",
    "RunFolder",
    "SearchConfig",
    "SearchLattice",
    "SearchNode",
    "SearchOutcome",
    "Settings",
    "StopSearch",
    "StoppingRule",
    "TaskLike",
    "TestedProblem",
    "ThresholdRule",
    "build_problem",
    "default_folder",
    "fingerprint",
    "measure_escape",
    "resolve",
    "result_record",
    "run_search",
    "search_config",
]
