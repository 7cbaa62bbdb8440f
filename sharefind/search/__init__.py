"""The heuristic: engine, growth rules, stopping rules, the search lattice and the run folder."""

from sharefind.search.building import build_problem
from sharefind.search.config import SearchConfig, Settings
from sharefind.search.engine import Engine, SearchOutcome
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.observer import Observer, StopSearch
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.presets import resolve, search_config
from sharefind.search.problem import Candidate, Problem, TaskLike, fingerprint
from sharefind.search.result import Result
from sharefind.search.result_record import result_record
from sharefind.search.rules.growth import Escape, GrowthRule, Proposal, candidate_node, measure_escape, numerical_child
from sharefind.search.rules.growth_escape import EscapeGrowth
from sharefind.search.rules.growth_invariant import InvariantGrowth
from sharefind.search.rules.growth_mean import MeanGrowth
from sharefind.search.rules.stop_calibrated import CalibratedRule
from sharefind.search.rules.stop_fixed import ThresholdRule
from sharefind.search.rules.stop_randomisation import RandomisationRule
from sharefind.search.rules.stopping import StoppingRule
from sharefind.search.rules.traits import GrowthTraits, StopTraits
from sharefind.search.run import default_folder, run_search
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode

__all__ = [
    "CalibratedRule",
    "Candidate",
    "Decision",
    "Engine",
    "Escape",
    "EscapeGrowth",
    "Evidence",
    "Growth",
    "GrowthRule",
    "GrowthTraits",
    "InvariantGrowth",
    "MeanGrowth",
    "Observer",
    "Problem",
    "Proposal",
    "RandomisationRule",
    "Result",
    "RunFolder",
    "SearchConfig",
    "SearchLattice",
    "SearchNode",
    "SearchOutcome",
    "Settings",
    "StopSearch",
    "StopTraits",
    "StoppingRule",
    "TaskLike",
    "ThresholdRule",
    "build_problem",
    "candidate_node",
    "default_folder",
    "fingerprint",
    "measure_escape",
    "numerical_child",
    "resolve",
    "result_record",
    "run_search",
    "search_config",
]
