"""The heuristic: engine, growth rules, stopping rules, the search lattice and the run folder."""

from sharefind.search.building import build_problem
from sharefind.search.config import SearchConfig, Settings
from sharefind.search.engine import Engine
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision, Evidence
from sharefind.search.observer import Observer, Observers, StopSearch
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.presets import resolve, search_config
from sharefind.search.problem import Candidate, Problem
from sharefind.search.result import Result
from sharefind.search.result_record import result_record
from sharefind.search.rule_traits import GrowthTraits, StopTraits
from sharefind.search.rules.growth import Escape, GrowthRule, Proposal, candidate_node, measure_escape, numerical_child
from sharefind.search.rules.growth_escape import EscapeGrowth
from sharefind.search.rules.growth_invariant import InvariantGrowth
from sharefind.search.rules.growth_mean import MeanGrowth
from sharefind.search.rules.stop_calibrated import CalibratedRule
from sharefind.search.rules.stop_fixed import ThresholdRule
from sharefind.search.rules.stop_randomisation import RandomisationRule
from sharefind.search.rules.stopping import StoppingRule
from sharefind.search.run import default_folder, run_search
from sharefind.search.samples_of_task import TaskLike, fingerprint
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.search.search_outcome import SearchOutcome

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
    "Observers",
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
    "TestedProblem",
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
