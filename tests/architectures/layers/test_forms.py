"""Every form of a tied layer computes what its dense matrix does, with the same gradients, whatever the group."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn
from torch.func import functional_call, grad, jacfwd, jacrev, vmap

from sharefind.architectures import SharingSpec, torch_source
from sharefind.architectures.forms.choice import FORMS
from sharefind.architectures.layers import SharedLinear
from sharefind.errors import ConfigError
from sharefind.groups import named_group, parse_representation
from sharefind.spaces import Subspace
from tests.architectures.tied_forms import CASES, QUICK, spec_of
from tests.specs import load_module, spec_on

# What torch says of its own parts, which it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

EVERY = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
CAPTURED = [pytest.param(name, marks=(pytest.mark.slow, *[pytest.mark.ci] * (name in QUICK))) for name in CASES]
"""One case of each form in every run; compilers take seconds."""


def made(name: str, dtype: torch.dtype = torch.float64) -> SharedLinear:
    torch.manual_seed(0)
    return SharedLinear(spec_of(name), dtype=dtype, form=CASES[name][0])


@cache
def source_of(name: str) -> str:
    """The exported module of a case, made once."""
    return torch_source(spec_of(name), form=CASES[name][0])


def inputs(layer: nn.Module, *rows: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*rows, layer.in_features, generator=generator, dtype=torch.float64).to(layer.coefficient.dtype)


def dense(layer: nn.Module, x: Tensor) -> Tensor:
    """The product with the whole matrix."""
    return nn.functional.linear(x, layer.weight, layer.bias)


def assert_equal_to_rounding(layer: nn.Module, x: Tensor) -> None:
    """Values and gradients of a layer beside those of its matrix, relative to the sizes that rounding acts on."""
    tolerance = 256 * torch.finfo(x.dtype).eps
    x = x.clone().requires_grad_()
    weights = torch.randn(*x.shape[:-1], layer.out_features, dtype=x.dtype)
    results = []
    for y in (layer(x), dense(layer, x)):
        layer.zero_grad()
        x.grad = None
        (y * weights).sum().backward()
        results.append((y.detach(), x.grad.clone(), layer.coefficient.grad.clone()))
    size = float(layer.coefficient.detach().abs().max()) * layer.in_features
    many = x.numel() * layer.out_features
    for found, known, scale in zip(*results, (size, size, many), strict=True):
        assert found.shape == known.shape and found.dtype == known.dtype
        assert found.numel() == 0 or float((found - known).abs().max()) <= tolerance * max(scale, 1.0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", CASES)
def test_forms_are_the_dense_product(name: str, dtype: torch.dtype) -> None:
    layer = made(name, dtype)
    assert layer.form == CASES[name][0] and f"form={layer.form}" in repr(layer)
    for rows in ((7,), (2, 3), (0,), ()):
        assert_equal_to_rounding(layer, inputs(layer, *rows))
    layer.eval()
    x = inputs(layer, 5)
    with torch.no_grad():
        tolerance = 64 * torch.finfo(dtype).eps * layer.in_features
        assert float((layer(x) - dense(layer, x)).abs().max()) <= tolerance
        layer.coefficient.mul_(3)
        assert float((layer(x) - dense(layer, x)).abs().max()) <= 3 * tolerance


@pytest.mark.parametrize("name", EVERY)
def test_forms_are_transformed(name: str) -> None:
    layer = made(name)
    x = inputs(layer, 4)
    parameters = {"coefficient": layer.coefficient.detach().clone()}

    def loss(values: dict[str, Tensor], rows: Tensor) -> Tensor:
        return functional_call(layer, values, (rows,)).pow(2).sum()

    dense(layer, x).pow(2).sum().backward()
    known = layer.coefficient.grad
    torch.testing.assert_close(grad(loss)(parameters, x)["coefficient"], known)
    torch.testing.assert_close(vmap(grad(loss), in_dims=(None, 0))(parameters, x)["coefficient"].sum(0), known)
    torch.testing.assert_close(jacfwd(loss)(parameters, x)["coefficient"], known)
    torch.testing.assert_close(jacrev(layer)(x[0]), layer.weight)
    stacked = {"coefficient": torch.stack([parameters["coefficient"]] * 2)}
    torch.testing.assert_close(vmap(lambda values: functional_call(layer, values, (x,)))(stacked)[1], dense(layer, x))


@pytest.mark.parametrize("name", CAPTURED)
def test_forms_are_captured(name: str) -> None:
    layer = made(name)
    x = inputs(layer, 4)
    for mode in (True, False):
        layer.train(mode)
        layer.zero_grad()
        torch._dynamo.reset()
        found = torch.compile(layer, backend="aot_eager", fullgraph=True)(x)
        torch.testing.assert_close(found, dense(layer, x))
        found.sum().backward()
        gradient = layer.coefficient.grad.clone()
        layer.zero_grad()
        dense(layer, x).sum().backward()
        torch.testing.assert_close(gradient, layer.coefficient.grad)
        torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x), dense(layer, x))


@pytest.mark.parametrize("name", EVERY)
def test_exported_modules_use_the_form(name: str, tmp_path: Path) -> None:
    layer, path = made(name), tmp_path / "net.py"
    path.write_text(source_of(name))
    theirs = load_module(path).SharedLinear(dtype=torch.float64)
    theirs.load_state_dict(layer.state_dict(), strict=True)
    x = inputs(layer, 6)
    torch.testing.assert_close(theirs(x), layer(x), rtol=0, atol=1e-14)
    assert_equal_to_rounding(theirs, x)
    torch.testing.assert_close(copy.deepcopy(theirs).float()(x.float()), theirs(x).float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", ["--isolated", "--config=pyproject.toml"])
@pytest.mark.parametrize("names", [QUICK, pytest.param(list(CASES), marks=pytest.mark.slow)], ids=["quick", "all"])
def test_sources_of_all_forms_pass_ruff(names: list[str], config: str, tmp_path: Path, repository: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed (extra dev)")
    for number, name in enumerate(names):
        (tmp_path / f"case{number}.py").write_text(source_of(name))
    option = config.replace("pyproject.toml", str(repository / "pyproject.toml"))
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *command, option, "--no-cache", str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_sums_read_like_a_formula() -> None:
    assert "a * x + b * x.sum(-1, keepdim=True)" in source_of("plain sum")
    assert "x.sum" not in source_of("gather")


def pairs_tied_by(moves: Sequence[Sequence[int]]) -> np.ndarray[Any, Any]:
    """Labels of the pairs of points that permutations move into each other, from 1, (n, n)."""
    count = len(moves[0])
    pairs = np.arange(count * count)
    ends = [np.add.outer(count * np.array(move), np.array(move)).ravel() for move in moves]
    graph = coo_array((np.ones(len(pairs) * len(ends)), (np.tile(pairs, len(ends)), np.concatenate(ends))))
    return connected_components(graph, directed=False)[1].reshape(count, count) + 1


@st.composite
def tied_specs(draw: st.DrawFn) -> SharingSpec:
    """Layers tied by random permutations of points: some of the points as outputs, signs, a bias of each orbit."""
    count = draw(st.integers(1, 7))
    moves = draw(st.lists(st.permutations(range(count)), min_size=1, max_size=2))
    outputs = draw(st.lists(st.sampled_from(range(count)), min_size=1, unique=True))
    labels = pairs_tied_by(moves)
    weight, bias = labels[outputs], labels.max() + labels.diagonal()[outputs]
    if draw(st.booleans()):
        sides = [draw(st.lists(st.sampled_from([1, -1]), min_size=k, max_size=k)) for k in weight.shape]
        weight = weight * np.outer(*sides)
    if draw(st.booleans()):
        weight = np.where(abs(weight) == 1, 0, weight)
    space = Subspace.from_tying(np.concatenate([weight.ravel(), bias]))
    trivial = [parse_representation(f"trivial:{size}", named_group("C1")) for size in weight.shape[::-1]]
    return spec_on(trivial, "matrix+bias:tanh", 1, space)


@given(tied_specs())
@settings(max_examples=40, deadline=None)
def test_forms_that_fit_random_ties_are_the_dense_product(spec: SharingSpec) -> None:
    fitting = []
    for form in FORMS:
        try:
            layer = SharedLinear(spec, dtype=torch.float64, form=form)
        except ConfigError:
            continue
        fitting.append(form)
        assert_equal_to_rounding(layer, inputs(layer, 3))
    assert {"dense", "gather"} <= set(fitting)
    assert SharedLinear(spec).form in fitting


@pytest.mark.parametrize("signs", [False, True])
def test_quaternions_and_complex_numbers_act_as_blocks(signs: bool) -> None:
    # Q8 and C5 on functions on them: kinds with four and with two numbers.
    units = [np.eye(4), *_left_multiplications()]
    group = [sign * unit for unit in units for sign in (1, -1)]
    table = np.array([[next(k for k, g in enumerate(group) if np.array_equal(g, a @ b)) for b in group] for a in group])
    fives = np.add.outer(np.arange(5), np.arange(5)) % 5
    for products, sizes in ((table, [(1, 1)] * 4 + [(1, 4)]), (fives, [(1, 1), (1, 2), (1, 2)])):
        order = len(products)
        inverse = (products == products[0, 0]).argmax(1)
        # Two copies of inputs, three of outputs: the entry at (g, h) depends on g^-1 h.
        base = products[inverse]
        labels = np.block([[base + 1 + order * (2 * row + column) for column in range(2)] for row in range(3)])
        if signs:
            labels = labels * np.where(labels % 3 == 0, -1, 1)
        trivial = [parse_representation(f"trivial:{k * order}", named_group("C1")) for k in (2, 3)]
        spec = spec_on(trivial, "matrix:tanh", 1, Subspace.from_tying(labels.ravel()))
        layer = SharedLinear(spec, dtype=torch.float64, form="blocks")
        assert [size for run in layer.sharing.kinds for size in [run[1:]] * run[0]] == sizes
        assert_equal_to_rounding(layer, inputs(layer, 3))


def _left_multiplications() -> list[np.ndarray[Any, Any]]:
    """i, j and k on quaternions."""
    i = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
    j = np.array([[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    return [i, j, i @ j]


@given(
    st.lists(st.integers(2, 9), min_size=1, max_size=2),
    st.integers(1, 3),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_moves_of_a_commuting_group_are_found_under_any_order(
    grid: list[int], start: int, end: int, random: Any
) -> None:
    places = np.stack(np.unravel_index(np.arange(np.prod(grid)), grid), -1)
    steps = np.ravel_multi_index(tuple(np.moveaxis(places[:, None] - places[None], -1, 0)), grid, mode="wrap")
    count = len(places)
    labels = np.block([[steps + 1 + count * (start * row + column) for column in range(start)] for row in range(end)])
    orders = [random.sample(range(size), size) for size in labels.shape]
    labels = labels[np.ix_(*orders)]
    trivial = [parse_representation(f"trivial:{size}", named_group("C1")) for size in labels.shape[::-1]]
    spec = spec_on(trivial, "matrix:tanh", 1, Subspace.from_tying(labels.ravel()))
    layer = SharedLinear(spec, dtype=torch.float64, form="fft" if count >= 32 else "blocks")
    assert_equal_to_rounding(layer, inputs(layer, 2))
    if count >= 32 and start == end == 1:
        assert np.prod(layer.sharing.grid) == count


def test_forms_that_do_not_fit_are_refused() -> None:
    pentagon = spec_on([parse_representation("natural", named_group("D5"))] * 2, "matrix:tanh", 1)
    with pytest.raises(ConfigError, match="pool does not fit"):
        SharedLinear(pentagon, form="pool")
    with pytest.raises(ConfigError, match=r"'sum'.*gather"):
        SharedLinear(pentagon, form="sum")
