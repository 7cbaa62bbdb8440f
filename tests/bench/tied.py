"""Layers of tied parameters beside their untied twins: forward, backward and optimiser step, one thread.

"From labels" is `sharefind.meanfield.dynamics.tied`, "exported" the `SharedLinear` of an exported module. A repetition
is several steps, so that each layer finds in cache what it would find in a training of its own.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sharefind.architectures import SharingSpec, generator_pairs, torch_source
from sharefind.groups import Representation, grid, named_group, natural
from sharefind.meanfield import Projector
from sharefind.meanfield.clouds.standardise import identity_standardisation
from sharefind.meanfield.dynamics.tied import TiedEntries
from sharefind.spaces import fixed_space, matrix_space
from tests.bench.measure import Rows, Target, in_turn, ratio_row, spread, unit_time

TOPIC = "tied layers"
BATCH, STEPS = 64, 10
NO_SLOWER = Target("at most", 1)
OPTIMISERS = (torch.optim.Adam, torch.optim.SGD)

LARGE: dict[str, Callable[[], Representation]] = {
    "C1000": lambda: natural(named_group("C1000")),
    "S1000": lambda: natural(named_group("S1000")),
    "D4 on 32x32 pixels": lambda: grid(named_group("D4"), 32),
}
EXPORTED: dict[str, Callable[[], Representation]] = {
    "C100": lambda: natural(named_group("C100")),
    "S40": lambda: natural(named_group("S40")),
    "D4 on 10x10 pixels": lambda: grid(named_group("D4"), 10),
}


def rows(quick: bool) -> Rows:
    """Layers under each optimiser, then projections of a cloud."""
    torch.set_num_threads(1)
    repeats = 5 if quick else 21
    for name, make in LARGE.items():
        rep = make()
        labels = fixed_space(matrix_space(rep, rep).action).tying
        layers = {"from labels": partial(_FromLabels, TiedEntries(labels), rep.dim)}
        yield from _layer_rows(name, rep.dim, layers, repeats)
    for name, make in EXPORTED.items():
        rep = make()
        yield from _layer_rows(name, rep.dim, {"exported": partial(exported_layer, rep)}, repeats)
    yield from _projection_rows(repeats)


class _FromLabels(nn.Module):
    """A linear layer whose weight is made from free coefficients."""

    def __init__(self, ties: TiedEntries, width: int) -> None:
        super().__init__()
        self.ties, self.width = ties, width
        self.coefficient = nn.Parameter(torch.randn(ties.dim) / width)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.ties(self.coefficient).view(self.width, self.width))


def exported_layer(rep: Representation) -> Any:
    """`SharedLinear` of the module that is exported for the equivariant maps of a representation to itself."""
    space = matrix_space(rep, rep)
    spec = SharingSpec(
        name="benchmark", unit="matrix:tanh", particles=1, blocks=space.blocks, group_name=rep.group.name,
        group_order=rep.group.order, in_rep=rep.name, out_rep=rep.name, generators=generator_pairs(rep, rep),
        space=fixed_space(space.action), change=identity_standardisation(rep.dim, rep.dim),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exported.py"
        path.write_text(torch_source(spec))
        found = importlib.util.spec_from_file_location("exported", path)
        if found is None or found.loader is None:
            raise ImportError(path)
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return module.SharedLinear()


def _layer_rows(name: str, width: int, layers: dict[str, Callable[[], nn.Module]], repeats: int) -> Rows:
    for optimiser in OPTIMISERS:
        x, y = torch.randn(2, BATCH, width)
        made = [make() for make in layers.values()]
        twin = nn.Linear(width, width, bias=False)
        steps = [partial(_train, layer, optimiser(layer.parameters(), 1e-4), x, y) for layer in (twin, *made)]
        free, *tied = in_turn(tuple(steps), repeats)
        for kind, times in zip(layers, tied, strict=True):
            note = f"{_a_step(times)} a step, untied {_a_step(free)}; batch {BATCH}"
            case = f"{name}, {kind}, {width}x{width}, {optimiser.__name__}"
            yield ratio_row(TOPIC, case, "tied / untied", times, free, NO_SLOWER, note)


def _train(layer: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    for _ in range(STEPS):
        optimiser.zero_grad()
        (layer(x) - y).square().mean().backward()
        optimiser.step()


def _projection_rows(repeats: int) -> Rows:
    """P_E on a cloud of particles beside one copy of it."""
    for name in ("C200", "S200"):
        rep = natural(named_group(name))
        space = fixed_space(matrix_space(rep, rep).action)
        cloud = torch.randn(1, space.ambient, 25)
        ours, copy = in_turn((partial(Projector(space), cloud), cloud.clone), repeats)
        case = f"{name}, projection of {cloud.shape[2]} particles in R^{space.ambient}"
        note = f"{unit_time(spread(ours)[0])}; a copy {unit_time(spread(copy)[0])}"
        yield ratio_row(TOPIC, case, "projection / copy", ours, copy, None, note)


def _a_step(times: list[float]) -> str:
    return unit_time(spread(times)[0] / STEPS)
