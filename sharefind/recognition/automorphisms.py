"""The automorphism group of a coloured digraph: by igraph's BLISS where it is installed, else by `refinement`.

Both give generators and the exact order; which colours a subspace has is left to `colours`.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from sharefind.errors import InputError
from sharefind.recognition import refinement
from sharefind.typing import IntArray

Engine = Literal["auto", "igraph", "refinement"]


def automorphisms(colours: IntArray, engine: Engine = "auto") -> tuple[list[IntArray], int]:
    """Generators, int64 (n,) each in image form, and the order of {g : colours[g i, g j] = colours[i, j]}.

    colours: int64 (n, n), those of points on the diagonal. "igraph" runs BLISS (Junttila and Kaski 2007), "refinement"
    the search of this package, "auto" the first that is there.

    Raises:
        InputError: an unknown engine, or igraph asked for where it is not installed.
    """
    if engine not in ("auto", "igraph", "refinement"):
        raise InputError(f"engine {engine!r} is unknown; use auto, igraph or refinement")
    installed = find_spec("igraph") is not None
    if engine == "igraph" and not installed:
        raise InputError("igraph is not installed; install sharefind[recognition] or use engine='refinement'")
    if engine == "refinement" or not installed:
        return refinement.automorphisms(colours)
    return _bliss(colours)


def _bliss(colours: IntArray) -> tuple[list[IntArray], int]:
    """BLISS colours vertices only, so arc colours are written in binary: one layer of vertices for each digit.

    This is the encoding of the nauty manual, Section "Graphs with coloured edges"; a vertical path joins the copies of
    a point, and layer l holds the arcs whose colour has digit l.
    """
    import igraph

    n = len(colours)
    arcs = _frequent_first(colours)
    layers = max(1, int(arcs.max()).bit_length())
    edges: list[Any] = [pair for i in range(n) for pair in pairwise(range(i, layers * n, n))]
    for layer in range(layers):
        edges += (np.argwhere(arcs >> layer & 1) + layer * n).tolist()
    graph: Any = igraph.Graph(n=layers * n, edges=edges, directed=True)
    points = np.unique(np.diagonal(colours), return_inverse=True)[1]
    vertex_colours = [int(c) + layer * n for layer in range(layers) for c in points]
    generators = [np.asarray(g[:n], dtype=np.int64) for g in graph.automorphism_group(color=vertex_colours)]
    return generators, int(graph.count_automorphisms(color=vertex_colours))


def _frequent_first(colours: IntArray) -> IntArray:
    """Arc colours renumbered by falling frequency, so that most arcs need no edge; the diagonal has none, 0."""
    off = ~np.eye(len(colours), dtype=bool)
    arcs = np.zeros_like(colours)
    _, inverse, counts = np.unique(colours[off], return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    arcs[off] = rank[inverse]
    return arcs
