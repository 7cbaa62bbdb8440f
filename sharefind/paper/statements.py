"""The demonstrations by name, in the order of the poster."""

from __future__ import annotations

import difflib

from sharefind.errors import ConfigError
from sharefind.paper.corollary_3 import DEMONSTRATION as COROLLARY_3
from sharefind.paper.demonstration import Demonstration
from sharefind.paper.figure_si import DEMONSTRATION as FIGURE_SI
from sharefind.paper.figure_wi import DEMONSTRATION as FIGURE_WI
from sharefind.paper.heuristic import DEMONSTRATION as HEURISTIC
from sharefind.paper.projected_noise import DEMONSTRATION as PROJECTED_NOISE
from sharefind.paper.proposition_1 import DEMONSTRATION as PROPOSITION_1
from sharefind.paper.proposition_2 import DEMONSTRATION as PROPOSITION_2
from sharefind.paper.proposition_4 import DEMONSTRATION as PROPOSITION_4
from sharefind.paper.proposition_5 import DEMONSTRATION as PROPOSITION_5
from sharefind.paper.sgd_recursion import DEMONSTRATION as SGD_RECURSION
from sharefind.paper.theorem_1 import DEMONSTRATION as THEOREM_1
from sharefind.paper.theorem_2 import DEMONSTRATION as THEOREM_2
from sharefind.paper.theorem_3 import DEMONSTRATION as THEOREM_3
from sharefind.paper.theorem_4 import DEMONSTRATION as THEOREM_4
from sharefind.paper.theorem_5 import DEMONSTRATION as THEOREM_5
from sharefind.paper.theorem_6 import DEMONSTRATION as THEOREM_6

ALL = "all"
"""The name for all demonstrations."""

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    SGD_RECURSION, PROJECTED_NOISE, THEOREM_1, PROPOSITION_1, PROPOSITION_2, THEOREM_2, PROPOSITION_4, PROPOSITION_5,
    THEOREM_3, COROLLARY_3, THEOREM_4, THEOREM_5, THEOREM_6, FIGURE_WI, FIGURE_SI, HEURISTIC,
)  # fmt: skip
"""Every numbered statement of the paper, its two figures and its heuristic."""


def names() -> tuple[str, ...]:
    """Return the names of all demonstrations."""
    return tuple(demonstration.name for demonstration in DEMONSTRATIONS)


def find(name: str) -> Demonstration:
    """Return a demonstration.

    Args:
        name: Its name.

    Raises:
        ConfigError: No demonstration has this name; the message suggests the nearest one.
    """
    for demonstration in DEMONSTRATIONS:
        if demonstration.name == name:
            return demonstration
    near = difflib.get_close_matches(name.lower().replace("_", "-"), (*names(), ALL), n=1)
    hint = f"did you mean {near[0]}?" if near else f"use {ALL} or one of {', '.join(names())}"
    raise ConfigError(f"there is no demonstration {name!r}; {hint}")
