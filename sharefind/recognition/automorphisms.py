"""The automorphism group of a coloured digraph: by igraph's BLISS if it is installed, else by `refinement`.

Both give generators and the exact order. `colours` derives the colours from a subspace.
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
    """Compute {g : colours[g i, g j] = colours[i, j] for all i, j}, a group of permutations of the points.

    "igraph" runs BLISS (Junttila and Kaski 2007), "refinement" the search of this package, "auto" BLISS if it is
    installed.

    Args:
        colours: Shape (n, n), int64: a colour for each ordered pair of points; the diagonal holds the colours of the
            points.
        engine: "auto", "igraph" or "refinement".

    Returns:
        Generators, each of shape (n,), int64, with the image of point i at position i; and the order of the group.

    Raises:
        InputError: The engine is unknown, or igraph was requested and is not installed.
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
    """Run BLISS, which colours vertices only: arc colours are written in binary, with one layer of vertices per digit.

    This is the encoding of the nauty manual, Section "Graphs with coloured edges". A vertical path joins the copies of
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
    """Renumber arc colours by falling frequency, so that most arcs need no edge; the diagonal has no arc and gets 0."""
    off = ~np.eye(len(colours), dtype=bool)
    arcs = np.zeros_like(colours)
    _, inverse, counts = np.unique(colours[off], return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    arcs[off] = rank[inverse]
    return arcs
