"""Units over small groups, and a shallow model written a second time, plainly, to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from sharefind.groups import named_group, parse_representation
from sharefind.meanfield import MatrixUnit, build_unit

Model = Callable[[MatrixUnit, Tensor, Tensor], Tensor]

UNITS = (
    ("C1", "trivial:3", "trivial:2", "matrix+bias:tanh"),
    ("C2", "natural", "natural", "matrix:logistic"),
    ("C2", "natural", "natural", "matrix+bias:tanh"),
    ("S3", "natural", "natural", "matrix:tanh"),
    ("S3", "natural", "natural", "matrix+bias:logistic"),
    ("S3", "natural*natural", "natural+trivial", "matrix+bias:logistic"),
    ("S3", "natural+sign", "natural+sign", "matrix+bias:tanh"),
    ("B2", "natural", "natural", "matrix:tanh"),
    ("B2", "natural", "natural", "matrix+bias:tanh"),
    ("D4", "grid:3", "trivial", "matrix+bias:logistic"),
    ("D4", "patch:5", "trivial", "matrix:tanh"),
    ("R4", "natural", "natural", "matrix+bias:tanh"),
    ("R5", "natural", "trivial:2", "matrix+bias:logistic"),
)


def make_unit(group_name: str, in_text: str, out_text: str, expression: str) -> MatrixUnit:
    """A unit over a named group."""
    group = named_group(group_name)
    return build_unit(expression, parse_representation(in_text, group), parse_representation(out_text, group))


def plain_model(unit: MatrixUnit, x: Tensor, theta: Tensor) -> Tensor:
    """Phi_nu(x) = mean_i sigma(W_i x + b_i), particle by particle: x (B, d_in), theta (D, N) -> (B, d_out)."""
    sigma = {"logistic": torch.sigmoid, "tanh": torch.tanh}[unit.activation.name]
    size = unit.d_out * unit.d_in
    total = torch.zeros(len(x), unit.d_out, dtype=x.dtype)
    for column in theta.t():
        weight = column[:size].reshape(unit.d_out, unit.d_in)
        total = total + sigma(x @ weight.t() + (column[size:] if unit.bias else 0.0))
    return total / theta.shape[1]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors here are tiny: more threads only wait for each other, for minutes on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=UNITS, ids=lambda u: " ".join(u))
def unit(request: pytest.FixtureRequest) -> MatrixUnit:
    return make_unit(*request.param)


@pytest.fixture(scope="session")
def build() -> Callable[..., MatrixUnit]:
    return make_unit


@pytest.fixture(scope="session")
def model() -> Model:
    return plain_model
