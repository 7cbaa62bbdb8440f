"""The demonstrations by name, in the order of the poster. Each is imported only when it runs."""

from __future__ import annotations

import difflib
from importlib import import_module

from sharefind.errors import ConfigError
from sharefind.paper.context import Context, Demonstration
from sharefind.paper.demonstration import Outcome

ALL = "all"
"""The name that stands for every demonstration."""

PACKAGE = "sharefind.paper"


def _entry(name: str, statement: str, claim: str, code: str, module: str) -> Demonstration:
    """A demonstration whose function is called like it, in a module of this package."""

    def run(context: Context) -> Outcome:
        outcome: Outcome = getattr(import_module(f"{PACKAGE}.{module}"), name.replace("-", "_"))(context)
        return outcome

    return Demonstration(name, statement, claim, code, run)


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    _entry(
        "sgd", "SGD recursion",
        "a particle descends its gradient on a minibatch and the penalty, by a step s_k = eps_N varsigma(k eps_N)",
        "meanfield.sgd, meanfield.losses, meanfield.penalties, meanfield.schedules", "recursion",
    ),
    _entry(
        "projected-noise", "SGD with projected noise",
        "noise sqrt(2 beta s_k) P_{E^G} xi keeps particles in E^G and spreads them there as it should",
        "meanfield.sgd, meanfield.projection", "recursion",
    ),
    _entry(
        "thm-1", "Theorem 1",
        "SGD with N particles approaches the Wasserstein gradient flow as N grows",
        "meanfield.sgd, meanfield.flow, meanfield.chaos", "limits",
    ),
    _entry(
        "prop-1", "Proposition 1",
        "the symmetrised model is the model of the symmetrised measure: Q_G Phi_mu = Phi_{mu^G}",
        "meanfield.haar, meanfield.models", "operators",
    ),
    _entry(
        "prop-2", "Proposition 2",
        "R^DA, R^FA and R^EA are invariant and are R after an operation; so is R for an equivariant law",
        "meanfield.risks", "operators",
    ),
    _entry(
        "thm-2", "Theorem 2",
        "the least R over WI measures, the least R^DA and the least R^FA are the same",
        "meanfield.optimum, meanfield.risks", "optima",
    ),
    _entry(
        "prop-4", "Proposition 4",
        "for simple examples with an equivariant law, SI measures do strictly worse than all measures",
        "meanfield.optimum, reproduce.worked_example", "optima",
    ),
    _entry(
        "prop-5", "Proposition 5",
        "with a universal E^G, squared loss and an equivariant law, SI measures reach the least risk R_*",
        "meanfield.optimum, meanfield.units", "optima",
    ),
    _entry(
        "thm-3", "Theorem 3", "the flow of an invariant functional keeps a WI start WI",
        "meanfield.flow, meanfield.risks", "flows",
    ),
    _entry(
        "cor-3", "Corollary 3", "R and r invariant: the flow of R^{tau,beta}, entropy included, keeps a WI start WI",
        "meanfield.flow, meanfield.penalties, meanfield.entropy", "flows",
    ),
    _entry(
        "thm-4", "Theorem 4", "from a WI start the flows of R^DA and R^FA coincide, and that of R if it is invariant",
        "meanfield.flow, meanfield.risks", "flows",
    ),
    _entry(
        "thm-5", "Theorem 5", "R and r invariant, noise projected on E^G: an SI start stays SI",
        "meanfield.flow, meanfield.sgd, meanfield.entropy", "flows",
    ),
    _entry(
        "thm-6", "Theorem 6",
        "from an SI start the flows of R^DA, R^FA and R^EA coincide, and that of R if it is invariant",
        "meanfield.flow, meanfield.risks", "flows",
    ),
    _entry(
        "fig-wi", "Numerical experiments, WI students",
        "DA and FA students stay WI and approach each other; vanilla ones too if the teacher is WI",
        "meanfield.sgd, meanfield.schemes, meanfield.measures", "figures",
    ),
    _entry(
        "fig-si", "Numerical experiments, SI students",
        "vanilla training leaves E^G for an arbitrary teacher, whatever N, and stays for a WI teacher and large N",
        "meanfield.sgd, meanfield.schemes, meanfield.measures", "figures",
    ),
    _entry(
        "heuristic", "Heuristic for parameter sharing",
        "growing from {0} while particles leave E_j ends at E^G, or at Z for data without the symmetry",
        "search", "heuristic",
    ),
)  # fmt: skip
"""Every statement of the paper that has a number, its two figures and its heuristic."""


def names() -> tuple[str, ...]:
    """The names of all demonstrations."""
    return tuple(demonstration.name for demonstration in DEMONSTRATIONS)


def find(name: str) -> Demonstration:
    """The demonstration called `name`.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    for demonstration in DEMONSTRATIONS:
        if demonstration.name == name:
            return demonstration
    near = difflib.get_close_matches(name.lower().replace("_", "-"), (*names(), ALL), n=1)
    hint = f"did you mean {near[0]}?" if near else f"use {ALL} or one of {', '.join(names())}"
    raise ConfigError(f"there is no demonstration {name!r}; {hint}")
