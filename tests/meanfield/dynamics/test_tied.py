"""Tied entries and their gradients: against a dense matrix of labels, finite differences, and `Subspace`."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import SpaceError
from sharefind.groups import hom, named_group, natural
from sharefind.meanfield.dynamics.tied import TiedEntries
from sharefind.spaces import Subspace, fixed_space

SPLITS = {"sparse product": 10**9, "scattered": 0}


def dense(labels: np.ndarray) -> torch.Tensor:
    """The matrix (dim, n) whose row k has the signs of class k + 1."""
    classes = np.arange(1, np.abs(labels).max() + 1)[:, None]
    return torch.from_numpy((classes == labels).astype(float) - (classes == -labels))


@st.composite
def label_arrays(draw: st.DrawFn) -> np.ndarray:
    values = draw(st.lists(st.integers(-4, 4), min_size=1, max_size=30))
    space = Subspace.from_tying(values)
    return np.array(space.tying)


def split_at(size: int) -> type[TiedEntries]:
    """Entries whose gradient is a sparse product up to another mean size of a class."""
    return type("Split", (TiedEntries,), {"small_class": size})


@pytest.mark.parametrize("split", SPLITS)
@settings(max_examples=60)
@given(label_arrays(), st.sampled_from([(), (1,), (3,), (2, 3)]))
def test_entries_and_gradients_are_those_of_the_dense_matrix(
    split: str, labels: np.ndarray, lead: tuple[int, ...]
) -> None:
    ties = split_at(SPLITS[split])(labels)
    matrix = dense(labels)
    assert ties.dim == len(matrix)
    coefficient = torch.randn(*lead, ties.dim, dtype=torch.float64, requires_grad=True)
    entries = ties(coefficient)
    torch.testing.assert_close(entries, coefficient @ matrix, rtol=0, atol=0)
    weights = torch.randn_like(entries)
    (gradient,) = torch.autograd.grad((entries * weights).sum(), coefficient)
    torch.testing.assert_close(gradient, weights @ matrix.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("split", SPLITS)
def test_gradients_of_first_and_second_order_against_finite_differences(split: str) -> None:
    ties = split_at(SPLITS[split])(np.array([1, -1, 0, 2, 2, -3, 1, 3]))
    coefficient = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: ties(c).sin(), coefficient)
    assert torch.autograd.gradgradcheck(lambda c: ties(c).sin(), coefficient)


@pytest.mark.parametrize(("name", "sparse"), [("C40", True), ("C100", False), ("S40", False), ("B40", False)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layers_of_groups_stay_in_their_space(name: str, sparse: bool, dtype: torch.dtype) -> None:
    rep = natural(named_group(name))
    space = fixed_space(hom(rep, rep))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ties = TiedEntries(space.tying)
        coefficient = torch.randn(ties.dim, dtype=dtype, requires_grad=True)
        entries = ties(coefficient)
        (entries.sin().sum()).backward()
    assert ties.is_sparse_sum == sparse and ties.dim == space.dim
    assert entries.dtype == dtype and coefficient.grad is not None and coefficient.grad.dtype == dtype
    values = entries.detach().numpy()
    np.testing.assert_allclose(space.project(values), values, atol=1e-6 if dtype == torch.float32 else 1e-14)


def test_buffers_move_and_stay_out_of_the_state() -> None:
    ties = TiedEntries(torch.tensor([1, 0, -1]))
    assert not ties.state_dict() and not list(ties.parameters())
    assert {buffer.device.type for buffer in ties.to("meta").buffers()} == {"meta"}


def test_the_zero_space_has_zero_entries() -> None:
    ties = TiedEntries(np.zeros(5, dtype=np.int32))
    coefficient = torch.zeros(0, requires_grad=True)
    assert torch.equal(ties(coefficient), torch.zeros(5))
    ties(coefficient).sum().backward()
    assert coefficient.grad is not None and coefficient.grad.shape == (0,)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([1.0, 2.0], "integers"), ([[1], [1]], "integers"), ([1, 3], "class 2"), (np.zeros(0, dtype=int), "integers")],
)
def test_labels_are_checked(labels: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        TiedEntries(np.array(labels))
