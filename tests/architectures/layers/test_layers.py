"""Layers from a specification: the same as the exported ones and as the search's model, drop-ins that torch can use."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sharefind.architectures import SharingSpec, TrainedNetwork, write_json
from sharefind.architectures.formats.tensors import write_safetensors
from sharefind.architectures.layers import SharedLinear, SharedModule, SharedShallowNetwork, SharedTwoLayer
from sharefind.errors import InputError
from sharefind.exact.matrices import to_float
from sharefind.groups import exact_matrix

BuildSpec = Callable[[str], SharingSpec]
Exported = Callable[[str], dict[str, Any]]

MATRIX = ["c4", "s4_bias", "c2_rescaled", "d4_sign", "b3_zeros", "r5_basis", "so3", "numerical", "zero"]
TWO_LAYER = ["two_c4", "two_signed", "two_rescaled", "two_basis"]
TOLERANCES = [(torch.float64, 1e-12), (torch.float32, 1e-5)]


def modules_of(spec: SharingSpec, **factory: Any) -> list[SharedModule]:
    layer = SharedTwoLayer(spec, 3, **factory) if spec.has_hidden else SharedLinear(spec, **factory)
    return [layer, SharedShallowNetwork(spec, **factory)]


def inputs(spec: SharingSpec, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(5, 2, spec.d_in, generator=torch.Generator().manual_seed(1), dtype=dtype)


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).detach().abs().max() / b.detach().abs().max().clamp(min=1.0))


@pytest.mark.parametrize("name", MATRIX + TWO_LAYER)
def test_states_move_to_the_exported_module_and_back(name: str, spec_of: BuildSpec, exported: Exported) -> None:
    spec, classes = spec_of(name), exported(name)
    for kind in ("SharedShallowNetwork",) if spec.has_hidden else ("SharedShallowNetwork", "SharedLinear"):
        theirs = classes[kind](dtype=torch.float64)
        module = globals()[kind](spec, dtype=torch.float64)
        module.load_state_dict(theirs.state_dict(), strict=True)
        assert difference(module(inputs(spec)), theirs(inputs(spec))) <= 1e-12
        assert difference(module.eval()(inputs(spec)), theirs(inputs(spec))) <= 1e-12
        module.reset_parameters()
        theirs.load_state_dict(module.state_dict(), strict=True)
        assert difference(module(inputs(spec)), theirs(inputs(spec))) <= 1e-12


@pytest.mark.parametrize("name", MATRIX + TWO_LAYER)
def test_coefficients_start_as_in_the_exported_module(name: str, spec_of: BuildSpec, exported: Exported) -> None:
    spec, classes = spec_of(name), exported(name)
    network = SharedShallowNetwork(spec, dtype=torch.float64)
    if spec.has_hidden:
        theirs = [std for count, std in classes["START"] for _ in range(count)]
    else:
        theirs = classes["SharedShallowNetwork"](1).start
        assert SharedLinear(spec).start == pytest.approx(classes["SharedLinear"]().start)
    assert network.start == pytest.approx(theirs, rel=1e-15)
    torch.manual_seed(3)
    network.reset_parameters()
    torch.manual_seed(3)
    free = torch.randn(network.coefficient.shape, dtype=torch.float64)
    assert torch.allclose(network.coefficient, free * torch.tensor(theirs, dtype=torch.float64), rtol=1e-14)


@pytest.mark.parametrize("name", MATRIX + TWO_LAYER)
def test_networks_are_the_model_of_the_search(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    coefficient = np.random.default_rng(0).standard_normal((7, spec.space.dim))
    trained = TrainedNetwork(spec, coefficient)
    network = SharedShallowNetwork.from_spec(trained, dtype=torch.float64)
    x = inputs(spec).flatten(0, 1)
    expected = torch.from_numpy(trained.predict(x.numpy()))
    assert difference(network(x), expected) <= 1e-12
    assert difference(network.to_dense()(x), expected) <= 1e-12
    assert np.array_equal(network.to_trained().coefficient, coefficient)


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCES)
@pytest.mark.parametrize("name", MATRIX + TWO_LAYER)
def test_modules_commute_with_every_generator(
    name: str, dtype: torch.dtype, tolerance: float, spec_of: BuildSpec
) -> None:
    spec = spec_of(name)
    x = inputs(spec, dtype)
    for module in modules_of(spec, dtype=dtype):
        y = module(x)
        shift = getattr(module, "shift", torch.zeros(())).to(dtype)
        for pair in spec.generators:
            moves = [torch.from_numpy(to_float(exact_matrix(rows))).to(dtype) for rows in pair.matrices[:2]]
            assert difference(module(x @ moves[0].T) - shift, (y - shift) @ moves[1].T) <= tolerance


@pytest.mark.parametrize("name", MATRIX)
def test_linear_is_a_drop_in(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    layer = SharedLinear(spec, dtype=torch.float64)
    free = nn.Linear(spec.d_in, spec.d_out, bias=spec.has_bias)
    assert (layer.in_features, layer.out_features) == (free.in_features, free.out_features)
    assert layer.weight.shape == free.weight.shape
    assert (layer.bias is None) == (free.bias is None)
    x = inputs(spec)
    expected = x @ layer.weight.T + (0 if layer.bias is None else layer.bias)
    assert difference(layer(x), expected) <= 1e-14
    plain = layer.to_linear()
    assert type(plain) is nn.Linear and plain.weight.dtype == torch.float64
    assert difference(plain(x), expected) <= 1e-14
    assert not any(p.data_ptr() == layer.entries.data_ptr() for p in plain.parameters())
    assert layer(x[0, 0]).shape == (spec.d_out,)


@pytest.mark.parametrize("name", [name for name in MATRIX if name not in ("zero", "r5_basis")])
def test_linear_starts_with_the_variance_of_the_free_layer(name: str, spec_of: BuildSpec) -> None:
    # E|W|^2 of nn.Linear is d_out d_in / (3 d_in): exactly by the basis, and by drawing.
    spec = spec_of(name)
    layer = SharedLinear(spec, dtype=torch.float64)
    unit_moves = torch.eye(spec.space.dim, dtype=torch.float64)
    with torch.no_grad():
        energies = []
        for move in unit_moves:
            layer.coefficient.copy_(move)
            energies.append(float(layer.weight.square().sum()))
    exact = float(np.dot(energies, np.square(layer.start)))
    assert exact == pytest.approx(spec.d_out / 3, rel=1e-12)
    torch.manual_seed(0)
    drawn = []
    for _ in range(400):
        layer.reset_parameters()
        drawn.append(float(layer.weight.detach().square().sum()))
    assert np.mean(drawn) == pytest.approx(exact, abs=5 * np.std(drawn) / math.sqrt(len(drawn)))


@pytest.mark.parametrize("name", ["two_c4", "two_signed"])
def test_block_starts_as_two_free_layers(name: str, spec_of: BuildSpec) -> None:
    spec, channels = spec_of(name), 50
    torch.manual_seed(0)
    first, _, last = SharedTwoLayer(spec, channels).to_dense()
    free = nn.Linear(spec.d_in, first.out_features), nn.Linear(first.out_features, spec.d_out, bias=False)
    assert first.out_features == SharedTwoLayer(spec, channels).hidden_features
    for made, plain in zip((first, last), free, strict=True):
        # The variance is estimated from at least `channels` free numbers.
        assert float(made.weight.detach().square().mean()) == pytest.approx(1 / (3 * plain.in_features), rel=0.6)


@pytest.mark.parametrize("name", TWO_LAYER)
def test_block_is_the_network_before_labels_change_back(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    block, network = (
        SharedTwoLayer(spec, 4, dtype=torch.float64),
        SharedShallowNetwork(spec, 4, dtype=torch.float64),
    )
    network.load_state_dict(block.state_dict())
    x = inputs(spec)
    change = spec.change
    expected = torch.from_numpy(change.shift) + change.scale * block(x)
    assert difference(network(x), expected) <= 1e-12
    assert difference(block.to_dense()(x), block(x)) <= 1e-12
    assert block.output.shape == (4, spec.d_out, spec.d_hidden)


@pytest.mark.parametrize("name", ["c4", "d4_sign", "r5_basis", "two_signed"])
def test_gradients_are_those_of_finite_differences(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    for module in modules_of(spec, dtype=torch.float64):
        x = inputs(spec)[:2, 0].clone().requires_grad_()

        def function(c: torch.Tensor, x: torch.Tensor, module: SharedModule = module) -> torch.Tensor:
            return torch.func.functional_call(module, {"coefficient": c}, (x,))

        start = module.coefficient.detach().clone().requires_grad_()
        assert torch.autograd.gradcheck(function, (start, x))
        module.eval()
        assert torch.autograd.gradcheck(function, (start, x))


@pytest.mark.parametrize("name", ["c4", "r5_basis", "c2_rescaled", "two_c4"])
def test_eval_mode_keeps_entries_and_is_never_stale(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    x = inputs(spec)

    def fresh(module: SharedModule) -> torch.Tensor:
        like = copy.deepcopy(module).train()
        return like(x.to(like.coefficient.dtype)).detach()

    for module in modules_of(spec, dtype=torch.float64):
        module.eval()
        with torch.no_grad():
            assert module.entries.data_ptr() == module.entries.data_ptr()
            known = [] if type(module) is not SharedShallowNetwork else ["centre", "shift", "scale"]
            assert list(module.state_dict()) == ["coefficient", *known]
            assert difference(module(x), fresh(module)) == 0
            module.coefficient.mul_(2)
            assert difference(module(x), fresh(module)) == 0
            module.load_state_dict({"coefficient": torch.ones_like(module.coefficient)})
            assert difference(module(x), fresh(module)) == 0
            module.load_state_dict({"coefficient": 3 * torch.ones_like(module.coefficient)}, assign=True)
            assert difference(module(x), fresh(module)) == 0
            module.coefficient = nn.Parameter(-module.coefficient)
            assert difference(module(x), fresh(module)) == 0
            module.entries.zero_()
            assert difference(module(x), fresh(module)) == 0
            module.float()
            assert difference(module(x.float()), fresh(module)) == 0
            module.double()
            assert difference(module(x), fresh(module)) == 0
        assert module.coefficient.requires_grad
        module(x).sum().backward()
        module(x).sum().backward()
        for fused in (False, True):  # a fused step counts no change of its parameters
            optimiser = torch.optim.Adam(module.parameters(), lr=0.5, fused=fused)
            optimiser.step()
            with torch.no_grad():
                assert difference(module(x), fresh(module)) == 0
        module.coefficient.data.neg_()
        with torch.no_grad():
            assert difference(module(x), fresh(module)) == 0


def test_a_copy_made_in_eval_mode_goes_its_own_way(spec_of: BuildSpec) -> None:
    layer = SharedLinear(spec_of("c4"), dtype=torch.float64).eval()
    x = inputs(spec_of("c4"))
    with torch.no_grad():
        before = layer(x)
        twin = copy.deepcopy(layer)
        for _ in range(10):
            twin.coefficient.add_(1)
            assert difference(twin(x), x @ twin.weight.T) <= 1e-14
            assert not torch.equal(twin(x), before)
        assert torch.equal(layer(x), before)


def test_entries_kept_in_inference_mode_serve_gradients_of_inputs(spec_of: BuildSpec) -> None:
    layer = SharedLinear(spec_of("c4")).eval().requires_grad_(False)
    with torch.inference_mode():
        layer(torch.zeros(4))
    x = torch.ones(4, requires_grad=True)
    layer(x).sum().backward()
    assert torch.allclose(x.grad, layer.weight.sum(0))


@pytest.mark.parametrize("name", ["c4", "r5_basis", "c2_rescaled", "two_rescaled"])
def test_copies_pickles_and_casts_compute_the_same(name: str, spec_of: BuildSpec) -> None:
    spec = spec_of(name)
    x = inputs(spec)
    for module in modules_of(spec):
        # float32 -> float64 rounds the coefficients alone: basis and shift are exact to the new type.
        module.double()
        expected = module(x)
        for again in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):  # noqa: S301
            assert torch.equal(again(x), expected)
            assert again.spec == spec
        if module.ties is None:
            assert module.basis.dtype == torch.float64
            assert torch.equal(module.basis, type(module)(spec, dtype=torch.float64).basis)


def test_layers_work_inside_a_network(spec_of: BuildSpec) -> None:
    spec = spec_of("c4")
    net = nn.Sequential(SharedLinear(spec), nn.Tanh(), SharedTwoLayer(spec_of("two_c4"), 2))
    assert sorted(net.state_dict()) == ["0.coefficient", "2.coefficient"]
    x = torch.randn(6, 4)
    moved = net(x.roll(1, -1))
    assert torch.allclose(moved, net(x).roll(1, -1), atol=1e-5)
    assert "group=C4" in repr(net) and "dim=4 of 16" in repr(net)


def test_layers_are_read_from_files(tmp_path: Path, spec_of: BuildSpec) -> None:
    spec = spec_of("c2_rescaled")
    write_json(spec, tmp_path / "spec.json")
    trained = TrainedNetwork(spec, np.random.default_rng(0).standard_normal((5, spec.space.dim)))
    write_safetensors(trained, tmp_path / "net.safetensors")
    assert SharedLinear.from_spec(str(tmp_path / "spec.json"), dtype=torch.float64).weight.dtype == torch.float64
    network = SharedShallowNetwork.from_spec(tmp_path / "net.safetensors", dtype=torch.float64)
    x = inputs(spec)[0]
    assert difference(network(x), torch.from_numpy(trained.predict(x.numpy()))) <= 1e-12
    one = TrainedNetwork(spec, trained.coefficient[:1])
    assert torch.equal(
        SharedLinear.from_spec(one, dtype=torch.float64).coefficient, torch.from_numpy(one.coefficient[0])
    )
    block = TrainedNetwork(spec_of("two_c4"), np.ones((3, spec_of("two_c4").space.dim)))
    assert SharedTwoLayer.from_spec(block).channels == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda of: SharedLinear(of("two_c4")), "SharedTwoLayer"),
        (lambda of: SharedTwoLayer(of("c4")), "SharedLinear"),
        (lambda of: SharedTwoLayer(of("two_c4"), 0), "channels is 0"),
        (lambda of: SharedShallowNetwork(of("c4"), 0), "width is 0"),
        (lambda of: SharedLinear.from_spec(TrainedNetwork(of("c4"), np.ones((2, 4)))), "2 particles"),
        (lambda of: SharedShallowNetwork.from_spec(TrainedNetwork(of("c4"), np.ones((2, 4))), 3), "shape"),
        (lambda of: SharedLinear.from_spec(3), "int is no specification"),
        (lambda of: SharedLinear.from_spec("missing.json"), "missing.json"),
        (lambda of: SharedLinear.from_spec("missing.safetensors"), "missing.safetensors"),
    ],
)
def test_what_does_not_fit_is_refused(build: Callable[[BuildSpec], Any], message: str, spec_of: BuildSpec) -> None:
    with pytest.raises(InputError, match=message):
        build(spec_of)
