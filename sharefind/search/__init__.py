"""The heuristic: engine, growth rules, stopping rules, the search lattice and the run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.search.building import build_problem as build_problem
    from sharefind.search.config import SearchConfig as SearchConfig
    from sharefind.search.config import Settings as Settings
    from sharefind.search.engine import Engine as Engine
    from sharefind.search.hypotheses import TestedProblem as TestedProblem
    from sharefind.search.node_evidence import Decision as Decision
    from sharefind.search.node_evidence import NodeEvidence as NodeEvidence
    from sharefind.search.observer import Observer as Observer
    from sharefind.search.observer import Observers as Observers
    from sharefind.search.observer import StopSearch as StopSearch
    from sharefind.search.persistence.run_folder import RunFolder as RunFolder
    from sharefind.search.presets import resolve as resolve
    from sharefind.search.presets import search_config as search_config
    from sharefind.search.problem import ActingGroup as ActingGroup
    from sharefind.search.problem import Problem as Problem
    from sharefind.search.result import Result as Result
    from sharefind.search.result_record import result_record as result_record
    from sharefind.search.rule_traits import GrowthTraits as GrowthTraits
    from sharefind.search.rule_traits import StopTraits as StopTraits
    from sharefind.search.rules.growth import Escape as Escape
    from sharefind.search.rules.growth import GrowthRule as GrowthRule
    from sharefind.search.rules.growth import Proposal as Proposal
    from sharefind.search.rules.growth import candidate_node as candidate_node
    from sharefind.search.rules.growth import measure_escape as measure_escape
    from sharefind.search.rules.growth import numerical_child as numerical_child
    from sharefind.search.rules.growth_escape import EscapeGrowth as EscapeGrowth
    from sharefind.search.rules.growth_invariant import InvariantGrowth as InvariantGrowth
    from sharefind.search.rules.growth_mean import MeanGrowth as MeanGrowth
    from sharefind.search.rules.stop_calibrated import CalibratedRule as CalibratedRule
    from sharefind.search.rules.stop_fixed import ThresholdRule as ThresholdRule
    from sharefind.search.rules.stop_randomisation import RandomisationRule as RandomisationRule
    from sharefind.search.rules.stopping import StoppingRule as StoppingRule
    from sharefind.search.run import default_folder as default_folder
    from sharefind.search.run import run_search as run_search
    from sharefind.search.samples_of_task import TaskLike as TaskLike
    from sharefind.search.samples_of_task import fingerprint as fingerprint
    from sharefind.search.search_lattice import Growth as Growth
    from sharefind.search.search_lattice import SearchLattice as SearchLattice
    from sharefind.search.search_lattice import SearchNode as SearchNode
    from sharefind.search.search_outcome import SearchOutcome as SearchOutcome

OFFERED = {
    "ActingGroup": ".problem",
    "CalibratedRule": ".rules.stop_calibrated",
    "Decision": ".node_evidence",
    "Engine": ".engine",
    "Escape": ".rules.growth",
    "EscapeGrowth": ".rules.growth_escape",
    "Growth": ".search_lattice",
    "GrowthRule": ".rules.growth",
    "GrowthTraits": ".rule_traits",
    "InvariantGrowth": ".rules.growth_invariant",
    "MeanGrowth": ".rules.growth_mean",
    "NodeEvidence": ".node_evidence",
    "Observer": ".observer",
    "Observers": ".observer",
    "Problem": ".problem",
    "Proposal": ".rules.growth",
    "RandomisationRule": ".rules.stop_randomisation",
    "Result": ".result",
    "RunFolder": ".persistence.run_folder",
    "SearchConfig": ".config",
    "SearchLattice": ".search_lattice",
    "SearchNode": ".search_lattice",
    "SearchOutcome": ".search_outcome",
    "Settings": ".config",
    "StopSearch": ".observer",
    "StopTraits": ".rule_traits",
    "StoppingRule": ".rules.stopping",
    "TaskLike": ".samples_of_task",
    "TestedProblem": ".hypotheses",
    "ThresholdRule": ".rules.stop_fixed",
    "build_problem": ".building",
    "candidate_node": ".rules.growth",
    "default_folder": ".run",
    "fingerprint": ".samples_of_task",
    "measure_escape": ".rules.growth",
    "numerical_child": ".rules.growth",
    "resolve": ".presets",
    "result_record": ".result_record",
    "run_search": ".run",
    "search_config": ".presets",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
