"""Every file of a deep network with three hidden layers computes what the network does, and trains with its symmetry.

Groups with and without signs, classes, names of columns with quotes and other letters, all functions, residuals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.files import read_deep, write_deep
from sharefind.architectures.deep.module import deep_module
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.training import row_losses
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield import build_unit
from tests.architectures.deep.onnx_in_torch import GraphModule
from tests.specs import load_module

ODD_NAMES = ('p "1" [Pa]', "\\n 'x'", "Δ_{ij} %", 'a,b;c"""', "-- #", "日本", "x0")


@dataclass(frozen=True)
class Case:
    """A group with its actions, hidden types, and whether the outputs are classes."""

    group: str
    in_rep: str
    out_rep: str
    hidden: tuple[str, str, str]
    is_class: bool = False
    has_odd_names: bool = False


CASES = {
    "swap": Case("C2", "natural", "trivial", ("2*regular", "regular+coset(C2, sign)", "2*regular"), has_odd_names=True),
    "signs": Case("D4", "natural", "natural+sign", ("regular+coset(D4, sign:C4)",) * 3, has_odd_names=True),
    "classes": Case("S3", "natural+trivial", "natural", ("regular", "2*natural", "regular"), is_class=True),
    "two classes": Case("B2", "natural", "trivial:2", ("regular+natural",) * 3, is_class=True, has_odd_names=True),
    "turns": Case("R5", "natural", "natural", ("regular", "regular", "regular+trivial")),
}

EXPRESSIONS = [
    f"{kind}:{function}" for kind, function in product(("deep", "deep-residual"), ("tanh", "logistic", "relu", "gelu"))
]

QUICK = {
    ("swap", "deep-residual:gelu"),
    ("two classes", "deep-residual:relu"),
    ("turns", "deep:logistic"),
    ("signs", "deep:tanh"),
}
"""One case of each function; all others are slow."""

ALL = [
    pytest.param(pair, id="-".join(pair).replace(" ", "-"), marks=[] if pair in QUICK else [pytest.mark.slow])
    for pair in product(CASES, EXPRESSIONS)
]


def deep_network(case: Case, expression: str, seed: int = 3) -> DeepNetwork:
    """A network with random weights and biases in the shared spaces."""
    reps = [parse_representation(text, named_group(case.group)) for text in (case.in_rep, case.out_rep, *case.hidden)]
    unit = build_unit(expression, reps[0], reps[1], reps[2:])
    batch = DeepBatch(unit, 1, seed)
    with torch.no_grad():
        for bias in batch.biases:
            bias.normal_(generator=torch.Generator().manual_seed(0))
    names = ODD_NAMES if case.has_odd_names else ()
    return DeepNetwork.from_matrices(
        "odd \"name\" of 'data' \\ Δ" if names else "data",
        unit,
        batch.arrays(0),
        inputs=names[: reps[0].dim],
        outputs=names[-reps[1].dim :] if names else (),
        classes=("it's", 'a "class"')[: reps[1].dim]
        if case.is_class and names
        else ("u", "v", "w")
        if case.is_class
        else (),
    )


@dataclass(frozen=True)
class Exported:
    """A network with its files, and rows that its group maps to each other."""

    network: DeepNetwork
    folder: Path
    x: Tensor
    y: Tensor

    def torch_module(self) -> nn.Module:
        """The exported module with the exported weights."""
        net: nn.Module = load_module(self.folder / "net.py").DeepNetwork(dtype=torch.float64)
        net.load_state_dict(load_file(str(self.folder / "net.safetensors")))
        return net

    def graph_module(self) -> nn.Module:
        """The graph, whose weights are free."""
        return GraphModule(self.folder / "net.onnx")


MODULES: dict[str, Callable[[Exported], nn.Module]] = {"torch": Exported.torch_module, "onnx": Exported.graph_module}


def orbits(network: DeepNetwork, teacher: DeepNetwork, count: int = 6) -> tuple[Tensor, Tensor]:
    """Random rows with all their images, and what another network of the same kind gives there; for classes the best.

    network: the network that is to be trained.
    teacher: the other one.
    """
    order = network.group.order
    x = np.tile(np.random.default_rng(1).standard_normal((count, network.unit.d_in)), (order, 1))
    moved = network.unit.in_rep.act_float(np.repeat(np.arange(order), count), x)
    y = teacher.predict(moved)
    if network.classes:
        y = np.eye(len(network.classes))[y.argmax(axis=1)]
    return torch.from_numpy(moved), torch.from_numpy(y)


def equivariance_error(network: DeepNetwork, model: Callable[[Tensor], Tensor]) -> float:
    """Largest |f(g x) - g f(x)| over generators, relative to |f(x)|."""
    rng, unit, worst = np.random.default_rng(2), network.unit, 0.0
    x = rng.standard_normal((16, unit.d_in))
    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
        for generator in network.group.generators:
            rows = np.full(len(x), network.group.index(generator))
            moved = model(torch.from_numpy(unit.in_rep.act_float(rows, x))).numpy()
            worst = max(worst, float(np.abs(moved - unit.out_rep.act_float(rows, y)).max()))
    return worst / float(np.abs(y).max())


@pytest.fixture(params=ALL, scope="module")
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    name, expression = request.param
    network, folder = deep_network(CASES[name], expression), tmp_path_factory.mktemp("exported")
    for suffix in (".safetensors", ".onnx", ".py"):
        write_deep(network, folder / f"net{suffix}")
    return Exported(network, folder, *orbits(network, deep_network(CASES[name], expression, seed=4)))


def test_every_file_computes_what_the_network_does(exported: Exported) -> None:
    runtime = pytest.importorskip("onnxruntime")
    x, expected = exported.x.numpy(), exported.network.predict(exported.x.numpy())
    again = read_deep(exported.folder / "net.safetensors")
    session = runtime.InferenceSession(str(exported.folder / "net.onnx"), providers=["CPUExecutionProvider"])
    outputs = {
        "safetensors": again.predict(x),
        "torch": exported.torch_module()(exported.x).detach().numpy(),
        "onnx": session.run(None, {"x": x})[0],
        "graph": exported.graph_module()(exported.x).detach().numpy(),
    }
    for name, found in outputs.items():
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6, err_msg=name)
    columns = ("name", "inputs", "outputs", "classes", "group_name", "group_order")
    assert [getattr(again, one) for one in columns] == [getattr(exported.network, one) for one in columns]


@pytest.mark.parametrize("format", MODULES)
def test_every_file_trains_and_keeps_its_symmetry(exported: Exported, format: str) -> None:
    """The module has tied weights. The graph has whole matrices: gradients of rows with all their images keep ties."""
    network, model = exported.network, MODULES[format](exported)
    tolerance = 1e-5 if format == "onnx" and network.unit.function.name == "gelu" else 1e-11
    assert equivariance_error(network, model) < tolerance
    optimiser, losses = torch.optim.SGD(model.parameters(), lr=0.01), []
    for _ in range(10):
        optimiser.zero_grad()
        loss = row_losses(model(exported.x), exported.y, bool(network.classes)).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert equivariance_error(network, model) < tolerance


def test_one_row_alone_breaks_a_graph_and_not_a_module(exported: Exported) -> None:
    """The images of the rows keep the symmetry of a graph: without them it is lost, so that the checks can fail."""
    network = exported.network
    for format, make in MODULES.items():
        model = make(exported)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(5):
            optimiser.zero_grad()
            row_losses(model(exported.x[:1]), exported.y[:1], bool(network.classes)).mean().backward()
            optimiser.step()
        assert (equivariance_error(network, model) > 1e-6) == (format == "onnx")


def test_the_module_of_a_network_is_that_of_its_file(exported: Exported) -> None:
    """Ties from the spaces, and ties that the exported source derives from generators, are the same."""
    theirs, ours = exported.torch_module(), deep_module(exported.network, dtype=torch.float64)
    assert {name: part.shape for name, part in ours.state_dict().items()} == {
        name: part.shape for name, part in theirs.state_dict().items()
    }
    torch.testing.assert_close(ours(exported.x), theirs(exported.x), rtol=0, atol=1e-12)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(exported.x), theirs(exported.x), rtol=0, atol=1e-12)
