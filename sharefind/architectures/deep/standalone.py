"""Deep networks with shared weights that need torch alone; exported modules have the text of these classes.

`torch_source` writes it out before the numbers of one network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Move = Sequence[Any]
"""Effect of a generator on a layer: entry k is j where e_k goes to e_j, and -j where it
goes to -e_j, counted from 1; or a matrix by rows."""

Triples = Sequence[tuple[int, int, float]]
"""A basis: (coefficient, entry, value) for each value that is not zero."""

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
}


def ties(moves: Sequence[Sequence[int]], count: int, starts: Sequence[int] | None = None) -> list[int]:
    """Return labels of entries that signed permutations exchange.

    Entries with the label k are one number, those with -k its negative, and entries that
    a product of generators sends to their own negatives have the label 0: they are zero.

    Args:
        moves: where each generator sends each entry, counted from 1, with its sign.
        count: number of entries.
        starts: entries that no product of generators reaches from these are zero, too.
    """
    labels, number = [0] * count, 0
    seen = [False] * count
    for start in range(count) if starts is None else starts:
        if seen[start]:
            continue
        found, waiting, is_zero = {start: 1}, [start], False
        while waiting:
            entry = waiting.pop()
            for move in moves:
                target, sign = abs(move[entry]) - 1, found[entry]
                sign = sign if move[entry] > 0 else -sign
                if target not in found:
                    found[target] = sign
                    waiting.append(target)
                is_zero = is_zero or found[target] != sign
        number += not is_zero
        for entry, sign in found.items():
            seen[entry] = True
            labels[entry] = 0 if is_zero else sign * number
    return labels


def weight_moves(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return what generators do to the entries of W by rows: W -> target W source^-1.

    Args:
        sources: each generator on what comes in.
        targets: each generator on what goes out.
    """
    found = []
    for source, target in zip(sources, targets, strict=True):
        width = len(source)
        move = []
        for i in target:
            for j in source:
                place = (abs(i) - 1) * width + abs(j)
                move.append(place if (i > 0) == (j > 0) else -place)
        found.append(move)
    return found


def triples_of(labels: Sequence[int]) -> list[tuple[int, int, float]]:
    """Return tied entries as a basis.

    Args:
        labels: labels of the entries, as in `ties`.
    """
    pairs = [(abs(k) - 1, e, 1.0 if k > 0 else -1.0) for e, k in enumerate(labels)]
    return [triple for triple in pairs if triple[0] >= 0]


class SharedLinear(nn.Module):
    """W x + b with W g = g W and g b = b for each generator g: made of free coefficients.

    Entry e of W is the sum over the triples (k, e, value) of value * weight[k].

    Args:
        columns: width of what comes in.
        rows: width of what goes out.
        weight: basis of the shared weights.
        bias: basis of the shared biases.
        device: as in torch.nn.Linear.
        dtype: as in torch.nn.Linear.

    Attributes:
        weight: free coefficients of the weights.
        bias: free coefficients of the biases.
        shape: (rows, columns).
        tables: both bases.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(
        self,
        columns: int,
        rows: int,
        weight: Triples,
        bias: Triples,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.shape = (rows, columns)
        self.tables = {"weight": list(weight), "bias": list(bias)}
        for name, triples in self.tables.items():
            count = 1 + max((k for k, _, _ in triples), default=-1)
            free = torch.zeros(count, device=device, dtype=dtype)
            self.register_parameter(name, nn.Parameter(free))
        self._make_tables()
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new coefficients: entries of W have the variance 1 / columns on average."""
        squares = sum(value**2 for _, _, value in self.tables["weight"])
        nn.init.normal_(self.weight, std=(self.shape[0] / max(squares, 1.0)) ** 0.5)
        nn.init.zeros_(self.bias)

    def entries(self, name: str) -> Tensor:
        """Return the numbers of the weight by rows, or of the bias.

        Args:
            name: "weight" or "bias".
        """
        coefficient: Tensor = getattr(self, name)
        count = self.shape[0] * (self.shape[1] if name == "weight" else 1)
        values = coefficient[getattr(self, name + "_from")] * getattr(self, name + "_value")
        places: Tensor = getattr(self, name + "_to")
        entries: Tensor = values.new_zeros(count).index_add(0, places, values)
        return entries

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b, (..., rows).

        Args:
            x: (..., columns).
        """
        weight = self.entries("weight").reshape(self.shape)
        return nn.functional.linear(x, weight, self.entries("bias"))

    def _make_tables(self) -> None:
        """Tables are no part of the state: they are made anew."""
        for name, triples in self.tables.items():
            like: Tensor = getattr(self, name)
            columns = list(zip(*triples, strict=True)) or [(), (), ()]
            kinds = (torch.int64, torch.int64, like.dtype)
            parts = zip(("_from", "_to", "_value"), columns, kinds, strict=True)
            for end, part, kind in parts:
                table = torch.tensor(part, device=like.device, dtype=kind)
                self.register_buffer(name + end, table, persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._make_tables()
        return self


class SharedDeepNetwork(nn.Module):
    """A stack of shared linear layers with functions of numbers in between.

    Args:
        dims: widths of inputs, hidden layers and outputs.
        generators: each generator of the group on every layer.
        signed: for each hidden layer, which numbers change signs: they have tanh.
        adds: for each hidden layer, whether it adds what comes in.
        function: what all other hidden numbers have.
        bases: layers whose bases do not follow from signed permutations: W and b.
        windows: for layers with a window, entries of W that may differ from zero, one or more of each orbit.
        device: as in torch.nn.Linear.
        dtype: as in torch.nn.Linear.

    Attributes:
        layers: the linear layers, from the inputs up.
    """

    def __init__(
        self,
        dims: Sequence[int],
        generators: Sequence[Sequence[Move]],
        signed: Sequence[Sequence[bool]],
        adds: Sequence[bool],
        function: str,
        bases: dict[int, tuple[Triples, Triples]],
        windows: dict[int, Sequence[int]],
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.adds, self.function, self.signed = list(adds), function, list(signed)
        self.layers = nn.ModuleList()
        for layer in range(len(dims) - 1):
            sources = [g[layer] for g in generators]
            targets = [g[layer + 1] for g in generators]
            columns, rows = dims[layer], dims[layer + 1]
            if layer in bases:
                weight, bias = bases[layer]
            else:
                moves = weight_moves(sources, targets)
                weight = triples_of(ties(moves, rows * columns, windows.get(layer)))
                bias = triples_of(ties(targets, rows))
            self.layers.append(SharedLinear(columns, rows, weight, bias, device, dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, (..., dims[-1]).

        Args:
            x: (..., dims[0]).
        """
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            inner: Tensor = layer(x)
            if number == last:
                return inner
            value = FUNCTIONS[self.function](inner)
            if self.function != "tanh" and any(self.signed[number]):
                mask = torch.tensor(self.signed[number], device=x.device)
                value = torch.where(mask, torch.tanh(inner), value)
            x = x + value if self.adds[number] else value
        return x


@torch.no_grad()
def equivariance_error(network: nn.Module, generators: Sequence[Sequence[Move]], width: int, trials: int = 16) -> float:
    """Return the largest |f(g x) - g f(x)| over random x and all generators g, relative to |f(x)|.

    Args:
        network: f.
        generators: each generator on every layer.
        width: width of x.
        trials: number of random x.
    """
    like = next(network.parameters())
    x = torch.randn(trials, width, device=like.device, dtype=like.dtype)
    y, worst = network(x), 0.0
    for generator in generators:
        error = network(moved(generator[0], x)) - moved(generator[-1], y)
        worst = max(worst, float(error.abs().max()))
    return worst / max(float(y.abs().max()), torch.finfo(y.dtype).tiny)


def moved(move: Move, rows: Tensor) -> Tensor:
    """Return rows moved by a generator.

    Args:
        move: the generator on their layer.
        rows: (..., width).
    """
    if isinstance(move[0], int):
        image = torch.tensor(move, device=rows.device)
        result = torch.empty_like(rows)
        result[..., image.abs() - 1] = rows * image.sign().to(rows)
        return result
    return rows @ torch.tensor(move, device=rows.device, dtype=rows.dtype).T
