"""Training on raw data: neither units nor the place of zero matter, and a saved network knows where its inputs lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from sharefind.architectures import (
    SharingSpec,
    TrainedNetwork,
    read_safetensors,
    torch_source,
    write_onnx,
    write_safetensors,
)
from sharefind.architectures.certificate.stabiliser import rebuild_stabiliser
from sharefind.architectures.layers import SharedShallowNetwork
from sharefind.architectures.layers.comparison import TrainingPlan, compare, untied
from sharefind.architectures.layers.coordinates import suited, whitening
from sharefind.groups import named_group, parse_representation
from sharefind.meanfield.clouds.standardise import Standardisation, fixed_mean
from sharefind.spaces import Subspace
from tests.specs import load_module, spec_on

PLAN = TrainingPlan(width=8, epochs=25)


def spec_for(group: str, *texts: str, unit: str = "matrix+bias:tanh") -> SharingSpec:
    found = named_group(group)
    return spec_on([parse_representation(text, found) for text in texts], unit, 16)


def ring(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sensors on a ring with a common mode ten times as large as their own variation."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) + 10 * rng.standard_normal((n, 1))
    return x, 0.6 * x + 0.3 * np.roll(x, 1, axis=1) - 0.9 * np.roll(x, -1, axis=1) + 0.05 * rng.standard_normal((n, d))


@pytest.mark.parametrize("unit", ["matrix:tanh", "matrix+bias:logistic"])
def test_correlated_inputs_far_from_zero_are_learnt(unit: str) -> None:
    x, y = ring(300, 4)
    spec = spec_for("C4", "natural", "natural", unit=unit)
    (found,) = compare({"a": spec}, x + 300, y, TrainingPlan(width=12, epochs=80))
    assert found.r2 > 0.98


@pytest.mark.parametrize("name", ["tied", "untied", "two-layer"])
def test_scores_depend_on_no_origin_and_on_no_unit(name: str) -> None:
    x, y = ring(120, 4)
    spec = spec_for("C4", "natural", "natural")
    if name == "two-layer":
        spec, y = spec_for("C4", "natural", "trivial", "regular", unit="two-layer:tanh"), y.max(1, keepdims=True)
    if name == "untied":
        spec = untied(spec)
    (plain,) = compare({"a": spec}, x, y, PLAN)
    for rows, labels in ((x + 3000, y), (x, y - 500), (1e4 * x, y), (1e-5 * x, 1e5 * y), (x - 1e6, 1e-4 * y + 7)):
        (other,) = compare({"a": spec}, rows, labels, PLAN)
        assert other.r2 == pytest.approx(plain.r2, rel=1e-6)


def test_columns_of_any_unit_train_an_untied_network() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 3)) @ np.array([[1.0, 0.99, 0], [0, 0.1, 0], [0, 0, 1]])
    y = (x[:, :1] - x[:, 1:2]) + 0.1 * x[:, 2:]
    units = np.array([1e5, 1e-6, 1e-19])
    spec = untied(spec_for("C3", "natural", "trivial"))
    (plain,), (mixed,) = (compare({"a": spec}, rows, y, PLAN) for rows in (x, x * units + [1e7, 3.0, 0.0]))
    assert plain.r2 > 0.9 and mixed.r2 == pytest.approx(plain.r2, rel=1e-6)


@pytest.mark.parametrize("group", ["C6", "D6", "S6", "C1"])
def test_whitening_commutes_with_the_group_and_whitens_what_it_fixes(group: str) -> None:
    rep = parse_representation("natural" if group != "C1" else "trivial:6", named_group(group))
    x = ring(500, 6)[0]
    x = x - x.mean()
    matrix = whitening(x, np.ones(6, dtype=bool), rep)
    moves = rep.float_matrices()[:24]
    assert max(np.abs(g @ matrix - matrix @ g).max() for g in moves) < 1e-12
    white = x @ matrix.T
    averaged = np.mean([g @ (white.T @ white / len(x)) @ g.T for g in rep.float_matrices()], axis=0)
    np.testing.assert_allclose(averaged, np.eye(6), atol=1e-4)


def test_constant_and_dependent_columns_are_not_enlarged() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 4)) * [1, 1, 0, 1]
    x[:, 3] = x[:, 0] + x[:, 1]
    rep = parse_representation("trivial:4", named_group("C1"))
    matrix = whitening(x - x.mean(0), x.std(0) > 0, rep)
    assert np.linalg.matrix_rank(matrix) == 4 and np.linalg.norm(matrix, 2) < 10


def test_few_rows_are_not_whitened_beyond_what_they_tell() -> None:
    x = np.random.default_rng(0).standard_normal((20, 40))
    matrix = whitening(x - x.mean(0), np.ones(40, dtype=bool), parse_representation("trivial:40", named_group("C1")))
    assert np.linalg.cond(matrix) < 10


def test_a_space_that_no_group_fixes_is_scaled_and_not_left() -> None:
    space = Subspace.from_tying([1, 2, 0, 0, 1, 2])
    spec = replace(untied(spec_for("C3", "natural", "trivial:2", unit="matrix:tanh")), space=space)
    x = ring(100, 3)[0] * [1, 50, 3]
    found = suited(spec, x, x[:, :2])
    assert np.allclose(found.change.matrix, found.change.matrix[0, 0] * np.eye(3))
    (score,) = compare({"a": spec}, x, x[:, :2], TrainingPlan(width=4, epochs=3))
    entries = score.network.entries.detach().numpy()
    np.testing.assert_allclose(space.project(entries), entries, atol=1e-12)


OFFSETS = [0.0, 300.0, 1e7]
UNITS = {
    "matrix": ("C4", "natural", "natural", "matrix:tanh"),
    "bias": ("D4", "natural", "natural", "matrix+bias:logistic"),
    "signed": ("B3", "natural+trivial", "natural", "matrix:tanh"),
    "basis": ("R5", "natural+trivial", "regular", "matrix+bias:tanh"),
    "two-layer": ("S4", "natural", "trivial", "natural", "two-layer:tanh"),
}


def far_network(case: str, offset: float, spread: float = 10.0) -> TrainedNetwork:
    """A network of inputs with a mean that the group fixes, and labels with a mean and a spread of their own."""
    group, *texts, unit = UNITS[case]
    spec = spec_for(group, *texts, unit=unit)
    in_rep, out_rep = rebuild_stabiliser(spec).reps[:2]
    centre = fixed_mean(np.full((1, spec.d_in), offset + 0.1234567890123), in_rep)
    shift = fixed_mean(np.full((1, spec.d_out), 0.7 if "tanh" in unit else -1.25), out_rep)
    change = Standardisation(np.eye(spec.d_in) / spread, shift, 2.5, centre)
    rng = np.random.default_rng(1)
    return TrainedNetwork(replace(spec, change=change), 3 * rng.standard_normal((8, spec.space.dim)) / spread)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("case", UNITS)
def test_every_form_predicts_the_same_on_raw_inputs(case: str, offset: float, tmp_path: Path) -> None:
    network = far_network(case, offset)
    spec = network.spec
    x = (spec.change.centre + 10 * np.random.default_rng(2).standard_normal((9, spec.d_in))).astype(np.float32)
    expected = network.predict(x.astype(np.float64))
    # Labels that were trained on have at least this spread beside the scale.
    spread = max(expected.std(), spec.change.scale / 10)
    write_safetensors(network, tmp_path / "net.safetensors")
    assert read_safetensors(tmp_path / "net.safetensors").spec == spec
    (tmp_path / "module.py").write_text(torch_source(spec))
    module = load_module(tmp_path / "module.py")
    state = load_file(tmp_path / "net.safetensors")
    for dtype, kind, tolerance in ((torch.float64, "float64", 1e-10), (torch.float32, "float32", 1e-6)):
        exported = module.SharedShallowNetwork(width=8, dtype=dtype)
        exported.load_state_dict(state)
        ours = SharedShallowNetwork.from_spec(tmp_path / "net.safetensors", dtype=dtype)
        write_onnx(network, tmp_path / "net.onnx", kind)  # type: ignore[arg-type]
        session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
        rows = torch.from_numpy(x).to(dtype)
        found = [
            exported(rows).detach().numpy(),
            ours(rows).detach().numpy(),
            session.run(None, {"x": rows.numpy()})[0],
        ]
        for values in found:
            assert np.abs(values - expected).max() <= tolerance * spread
    assert np.abs(ours.double().to_dense()(torch.from_numpy(x).double()).detach().numpy() - expected).max() < 1e-5


def test_weights_bring_their_own_centre_to_a_module_of_another_run(tmp_path: Path) -> None:
    here, there = far_network("bias", 300.0), far_network("bias", -20.0, spread=3.0)
    write_safetensors(there, tmp_path / "net.safetensors")
    (tmp_path / "module.py").write_text(torch_source(here.spec))
    exported = load_module(tmp_path / "module.py").SharedShallowNetwork(width=8, dtype=torch.float64)
    ours = SharedShallowNetwork(here.spec, 8, dtype=torch.float64)
    x = torch.randn(5, 4, dtype=torch.float64) - 20
    for net in (exported, ours):
        net.load_state_dict(load_file(tmp_path / "net.safetensors"))
        np.testing.assert_allclose(net(x).detach().numpy(), there.predict(x.numpy()), atol=1e-10)
    again = ours.to_trained()
    np.testing.assert_allclose(again.predict(x.numpy()), there.predict(x.numpy()), atol=1e-12)
    assert np.array_equal(again.spec.change.centre, there.spec.change.centre)
    assert ours.float().change.moves_inputs


def test_weights_of_earlier_versions_load_without_a_centre(tmp_path: Path) -> None:
    network = far_network("bias", 300.0)
    old = replace(network.spec, change=replace(network.spec.change, centre=np.zeros(4)))
    (tmp_path / "module.py").write_text(torch_source(network.spec))
    exported = load_module(tmp_path / "module.py").SharedShallowNetwork(width=8, dtype=torch.float64)
    ours = SharedShallowNetwork(network.spec, 8, dtype=torch.float64)
    x = torch.randn(5, 4, dtype=torch.float64)
    for net in (exported, ours):
        net.load_state_dict({"coefficient": torch.from_numpy(network.coefficient)})
        expected = TrainedNetwork(old, network.coefficient).predict(x.numpy())
        np.testing.assert_allclose(net(x).detach().numpy(), expected, atol=1e-12)
