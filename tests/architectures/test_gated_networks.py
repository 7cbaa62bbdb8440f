"""Networks of vectors gated by lengths: equivariant under random rotations in every format, forces by autograd."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.linalg import block_diag

from sharefind.architectures import SharingSpec, TrainedNetwork, certify, from_json, to_json, write_onnx, write_snippet
from sharefind.architectures.input_changes import seen_inputs
from sharefind.architectures.layers import SharedShallowNetwork, SharedTwoLayer
from sharefind.architectures.layers.comparison import TrainingPlan, fit_network, start_network
from sharefind.architectures.layers.coordinates import suited
from sharefind.errors import ExportError, InputError, UnitError
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.units import build_pointwise_unit
from sharefind.spaces import fixed_space
from sharefind.typing import FloatArray
from tests.architectures.networks import module_of, network_of, spec_of

TOLERANCE = 1e-6
"""What exports promise."""


def turns(count: int = 8) -> list[FloatArray]:
    """Random rotations and reflections of space."""
    rng = np.random.default_rng(3)
    return list(parse_representation("natural", named_group("O3")).sample_matrices(rng, count))


def vectors_network() -> TrainedNetwork:
    """A vector for each of three points."""
    spec = spec_of("O3", "gated:tanh", "3*natural", "3*natural", "4*natural")
    return TrainedNetwork(spec, np.random.default_rng(4).standard_normal((5, spec.space.dim)))


def tensors_network() -> TrainedNetwork:
    """A tensor of order 2 and an axial vector for two points and a charge."""
    reps = ("2*natural+trivial", "natural*natural+sign*natural", "2*(natural+trivial)")
    spec = spec_of("O3", "gated-tensors:tanh", *reps)
    return TrainedNetwork(spec, np.random.default_rng(4).standard_normal((5, spec.space.dim)))


def on_points(turn: FloatArray) -> FloatArray:
    return np.kron(np.eye(3), turn)


CASES = {
    "vectors": (vectors_network, on_points, on_points),
    "tensors": (
        tensors_network,
        lambda turn: block_diag(turn, turn, 1.0),
        lambda turn: block_diag(np.kron(turn, turn), np.linalg.det(turn) * turn),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_torch_and_onnx_turn_with_their_inputs(case: str, tmp_path: Path) -> None:
    make, on_inputs, on_outputs = CASES[case]
    network = make()
    net = module_of(network, tmp_path).SharedShallowNetwork(5, dtype=torch.float64)
    net.load_state_dict(SharedShallowNetwork(network.spec, 5, dtype=torch.float64).state_dict())
    with torch.no_grad():
        net.coefficient.copy_(torch.from_numpy(network.coefficient))
    write_onnx(network, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession((tmp_path / "net.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(5).standard_normal((6, network.spec.d_in))
    y = network.predict(x)
    assert np.abs(y).max(axis=0).min() > 0.1
    for turn in turns():
        moved, there = x @ on_inputs(turn).T, y @ on_outputs(turn).T
        for found in (net(torch.from_numpy(moved)).detach().numpy(), session.run(None, {"x": moved})[0]):
            np.testing.assert_allclose(found, there, atol=TOLERANCE)


def test_products_need_copies() -> None:
    spec = spec_of("O3", "gated-tensors:tanh", "2*natural", "natural*natural", "2*(natural+trivial)")
    assert certify(spec).is_proven
    with pytest.raises(InputError, match="the second half is no copy of the first"):
        replace(spec, types=(1, 1, 1, 0, 2, 2, 2, 3))
    swapped = [replace(pair, on_hidden=pair.on_hidden and pair.on_hidden[::-1]) for pair in spec.generators]
    with pytest.raises(ExportError, match="generator 0 of O3 does not"):
        certify(replace(spec, generators=tuple(swapped)))
    with pytest.raises(
        UnitError, match=r"3\*natural is not twice one representation; write hidden_rep 2\*\(3\*natural\)"
    ):
        spec_of("O3", "gated-tensors:tanh", "2*natural", "natural*natural", "3*natural")


def test_a_product_of_a_vector_with_itself_is_reached() -> None:
    """One particle by hand: h = h' = x and t = 1/2 give x (x) x / 2, of which lengths give the trace alone."""
    group = named_group("O3")
    reps = [parse_representation(text, group) for text in ("natural", "natural*natural", "2*natural")]
    unit = build_pointwise_unit("gated-tensors:tanh", *reps)
    blocks = {
        "tensors": np.eye(9),
        "vectors": np.zeros((9, 6)),
        "output": np.zeros((9, 2)),
        "mixing": np.zeros((2, 2)),
        "bias": np.full(2, np.arctanh(0.5)),
        "weight": np.concatenate([np.eye(3), np.eye(3)]),
    }
    theta = np.concatenate([blocks[block.name].ravel() for block in unit.space.blocks])
    assert np.abs(theta - fixed_space(unit.space.action).project(theta)).max() < 1e-12
    x = np.random.default_rng(0).standard_normal((1, 4, 3))
    found = unit.values(torch.from_numpy(x), torch.from_numpy(theta)[None, :, None])[0, :, :, 0].T
    np.testing.assert_allclose(found, np.einsum("bi,bj->bij", x[0], x[0]).reshape(4, 9) / 2, atol=1e-12)


def test_reflections_are_seen_where_the_group_has_none() -> None:
    """SO2 allows (I, J), so that a network of it need not commute with a reflection."""
    network = network_of("gated_vectors")
    x = np.random.default_rng(5).standard_normal((6, 3))
    mirror = np.diag([1.0, -1.0, 1.0])
    assert np.abs(network.predict(x @ mirror) - network.predict(x) @ mirror[:2, :2]).max() > 0.01


def relative_rows(n: int = 80) -> tuple[FloatArray, FloatArray]:
    """Three points relative to their mean, and the sum of the distances between them."""
    points = np.random.default_rng(6).standard_normal((n, 3, 3))
    points -= points.mean(axis=1, keepdims=True)
    distances = [np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((0, 1), (0, 2), (1, 2))]
    return points.reshape(n, 9), np.sum(distances, axis=0)[:, None]


def trained_on_relative_rows() -> SharedShallowNetwork:
    x, y = relative_rows()
    spec = suited(spec_of("O3", "gated:tanh", "3*natural", "trivial", "4*natural"), x, y)
    network, plan = start_network(spec, 4, 0), TrainingPlan(4, epochs=3)
    fit_network(network, network, x, y, plan)
    return network


def test_forces_of_a_potential_turn_with_the_points_and_sum_to_zero() -> None:
    network = trained_on_relative_rows()

    def forces(x: FloatArray) -> FloatArray:
        leaf = torch.from_numpy(x).requires_grad_()
        (slope,) = torch.autograd.grad(network(leaf).sum(), leaf)
        return -slope.numpy()

    rng = np.random.default_rng(7)
    x = rng.standard_normal((6, 9)) + 3.0
    found = forces(x)
    assert np.abs(found).max() > 0.01
    np.testing.assert_allclose(found.reshape(6, 3, 3).sum(axis=1), 0.0, atol=1e-12)
    torques = np.cross(x.reshape(6, 3, 3), found.reshape(6, 3, 3)).sum(axis=1)
    np.testing.assert_allclose(torques, 0.0, atol=1e-12)
    for turn in turns():
        matrix = np.kron(np.eye(3), turn)
        np.testing.assert_allclose(forces(x @ matrix.T), found @ matrix.T, atol=TOLERANCE)


def test_weights_of_what_no_row_has_are_dropped_and_others_kept() -> None:
    x, _ = relative_rows()
    spec = spec_of("O3", "gated:tanh", "3*natural", "trivial", "4*natural")
    seen = seen_inputs(spec, x)
    assert seen is not None
    np.testing.assert_allclose(seen, np.kron(np.eye(3) - 1 / 3, np.eye(3)), atol=1e-10)
    assert seen_inputs(spec, x + np.random.default_rng(0).standard_normal(x.shape)) is None
    assert seen_inputs(spec, x[:9]) is None, "too few rows to tell"
    huge = x * np.array([1e9, 1, 1] * 3)
    assert seen_inputs(spec, huge) is None, "the projection would leave the space"
    tilted = np.column_stack([x[:, :8], x[:, 0]])
    assert seen_inputs(spec, tilted) is None, "the projection would leave the space"


def test_types_that_the_generators_tear_apart_are_refused() -> None:
    spec = spec_of("O3", "gated:tanh", "3*natural", "trivial", "2*natural")
    with pytest.raises(ExportError, match="Lie generator 0 of O3 does not keep the types of hidden units"):
        certify(replace(spec, types=(1, 1, 2, 1, 2, 2)))
    spec = spec_of("R5", "gated:tanh", "natural", "natural", "2*natural")
    with pytest.raises(ExportError, match="generator 0 of R5 does not keep the types"):
        certify(replace(spec, types=(1, 2, 1, 2)))
    assert certify(replace(spec, blocks=spec.blocks, types=spec.types)).is_proven


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ((2, 2, 2, 1, 1, 1), "types of hidden units: 2 stands before 1; number vectors from 1"),
        ((1, 1, 1, -1, 2, 2), "types of hidden units: -1 stands before 2"),
        ((1, 1, 1), "3 types are given for 6 hidden units; give one for each"),
        ((), "0 types of hidden units are given for the unit gated:tanh"),
    ],
)
def test_types_of_a_stranger_are_checked(types: tuple[int, ...], said: str) -> None:
    text = to_json(spec_of("O3", "gated:tanh", "3*natural", "trivial", "2*natural"))
    assert from_json(text).types == (1, 1, 1, 2, 2, 2)
    with pytest.raises(InputError, match=said):
        from_json(text.replace("[1, 1, 1, 2, 2, 2]", str(list(types))))


def test_a_unit_without_vectors_has_no_types() -> None:
    spec: SharingSpec = spec_of("C4", "two-layer:tanh", "natural", "natural", "natural")
    with pytest.raises(InputError, match="4 types of hidden units are given for the unit two-layer:tanh; only gated"):
        replace(spec, types=(0, 0, 0, 0))


@pytest.mark.parametrize("peer", ["emlp", "escnn"])
def test_other_libraries_are_not_given_half_of_the_unit(peer: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=f"nothing is written for {peer}: it has no words for the lengths"):
        write_snippet(vectors_network().spec, tmp_path / "net.py", peer)


def test_plain_layers_cannot_compute_lengths() -> None:
    network = SharedShallowNetwork(vectors_network().spec)
    with pytest.raises(InputError, match="computes lengths of vectors, which plain layers cannot"):
        network.to_dense()
    block = SharedTwoLayer(network.spec, 2)
    assert block(torch.zeros(4, 9)).shape == (4, 9)
