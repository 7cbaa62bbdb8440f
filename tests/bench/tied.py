"""Layers of tied parameters beside their untied twins: forward, backward and optimiser step, one thread.

"Auto" is `SharedLinear` in the form that it chooses, "from labels" `sharefind.meanfield.dynamics.tied`, "exported" the
`SharedLinear` of an exported module. A repetition is several steps, so that each layer finds in cache what it would
find in a training of its own. Times are those of the processor: other work on the machine does not count.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn

from sharefind.architectures import SharingSpec, torch_source
from sharefind.architectures.layers import SharedLinear
from sharefind.groups import Representation, grid, named_group, natural, parse_representation
from sharefind.meanfield import Projector
from sharefind.meanfield.dynamics.tied import TiedEntries
from sharefind.spaces import fixed_space, matrix_space
from tests.bench.measure import Rows, Target, in_turn, ratio_row, spread, unit_time
from tests.specs import spec_on

TOPIC = "tied layers"
BATCH, STEPS, DEPTH, QUESTIONS = 64, 10, 3, 100
NO_SLOWER = Target("at most", 1)
OPTIMISERS = (torch.optim.Adam, torch.optim.SGD)

LARGE: dict[str, tuple[Callable[[], Representation], Target]] = {
    "C1000": (lambda: natural(named_group("C1000")), Target("at most", 0.35)),
    "S1000": (lambda: natural(named_group("S1000")), Target("at most", 0.2)),
    "D4 on 32x32 pixels": (lambda: grid(named_group("D4"), 32), Target("at most", 0.6)),
    "C32xC32": (
        lambda: parse_representation("regular", named_group("C32xC32")),
        Target("at most", 0.35),
    ),
}
"""Wide layers, with what their form may take of an untied step under SGD."""

SMALL: dict[str, Callable[[], Representation]] = {
    "S40": lambda: natural(named_group("S40")),
    "C64": lambda: natural(named_group("C64")),
    "C100": lambda: natural(named_group("C100")),
    "D4 on 10x10 pixels": lambda: grid(named_group("D4"), 10),
}
NETWORK = {"SGD": Target("at most", 1.1), "Adam": NO_SLOWER}
KEPT = Target("at most", 1.05)


def rows(quick: bool) -> Rows:
    """Layers under each optimiser, networks of small ones, one row at a time, then projections of a cloud."""
    torch.set_num_threads(1)
    repeats = 5 if quick else 21
    for name, (make, target) in LARGE.items():
        spec = _spec(make())
        layers = {
            f"auto ({SharedLinear(spec).form})": partial(SharedLinear, spec),
            "from labels": partial(_FromLabels, TiedEntries(spec.space.tying), spec.d_in),
        }
        yield from _layer_rows(name, spec.d_in, layers, [target, None], repeats)
        yield from _question_rows(name, spec, repeats)
    for name, make in SMALL.items():
        rep = make()
        spec = _spec(rep)
        yield from _layer_rows(name, rep.dim, {"exported": partial(exported_layer, rep)}, [NO_SLOWER], repeats)
        yield from _network_rows(name, spec, repeats)
        yield from _question_rows(name, spec, repeats)
    yield from _projection_rows(repeats)


class _FromLabels(nn.Module):
    """A linear layer whose weight is made from free coefficients."""

    def __init__(self, ties: TiedEntries, width: int) -> None:
        super().__init__()
        self.ties, self.width = ties, width
        self.coefficient = nn.Parameter(torch.randn(ties.dim) / width)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.ties(self.coefficient).view(self.width, self.width))


def _spec(rep: Representation, unit: str = "matrix:tanh") -> SharingSpec:
    return spec_on([rep, rep], unit, 1)


def exported_layer(rep: Representation) -> Any:
    """`SharedLinear` of the module that is exported for the equivariant maps of a representation to itself."""
    spec = _spec(rep)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exported.py"
        path.write_text(torch_source(spec))
        found = importlib.util.spec_from_file_location("exported", path)
        if found is None or found.loader is None:
            raise ImportError(path)
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return module.SharedLinear()


def _layer_rows(
    name: str,
    width: int,
    layers: dict[str, Callable[[], nn.Module]],
    targets: list[Target | None],
    repeats: int,
) -> Rows:
    for optimiser in OPTIMISERS:
        x, y = torch.randn(2, BATCH, width)
        made = [make() for make in layers.values()]
        twin = nn.Linear(width, width, bias=False)
        steps = [partial(_train, layer, optimiser(layer.parameters(), 1e-4), x, y) for layer in (twin, *made)]
        free, *tied = in_turn(tuple(steps), repeats, process_time)
        for kind, target, times in zip(layers, targets, tied, strict=True):
            note = f"{_a_step(times)} a step, untied {_a_step(free)}; batch {BATCH}"
            case = f"{name}, {kind}, {width}x{width}, {optimiser.__name__}"
            yield ratio_row(TOPIC, case, "tied / untied", times, free, target, note)


def _network(make: Callable[[], nn.Module]) -> nn.Module:
    """Some layers with activations between them."""
    parts = [part for _ in range(DEPTH) for part in (make(), nn.Tanh())]
    return nn.Sequential(*parts[:-1])


def _network_rows(name: str, spec: SharingSpec, repeats: int) -> Rows:
    width = spec.d_in
    for optimiser in OPTIMISERS:
        x, y = torch.randn(2, BATCH, width)
        nets = [_network(partial(nn.Linear, width, width, bias=False)), _network(partial(SharedLinear, spec))]
        steps = [partial(_train, net, optimiser(net.parameters(), 1e-4), x, y) for net in nets]
        free, tied = in_turn(tuple(steps), repeats, process_time)
        note = f"{_a_step(tied)} a step, untied {_a_step(free)}; batch {BATCH}"
        case = f"{name}, {DEPTH} layers, {width} wide, {optimiser.__name__}"
        yield ratio_row(TOPIC, case, "tied / untied", tied, free, NETWORK[optimiser.__name__], note)


def _question_rows(name: str, spec: SharingSpec, repeats: int) -> Rows:
    """One row at a time, in eval mode."""
    layers = [nn.Linear(spec.d_in, spec.d_out, bias=False), SharedLinear(spec)]
    x = torch.randn(1, spec.d_in)
    free, tied = in_turn(tuple(partial(_ask, layer.eval(), x) for layer in layers), repeats, process_time)
    note = f"{unit_time(spread(tied)[0] / QUESTIONS)}, untied {unit_time(spread(free)[0] / QUESTIONS)}"
    yield ratio_row(TOPIC, f"{name}, one row, weights kept", "tied / untied", tied, free, KEPT, note)


@torch.no_grad()
def _ask(layer: nn.Module, x: Tensor) -> None:
    for _ in range(QUESTIONS):
        layer(x)


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
