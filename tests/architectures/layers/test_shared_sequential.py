"""Chains with one coefficient compute what a chain of separate layers does, under what nn.Sequential passes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from sharefind.architectures import SharingSpec
from sharefind.architectures.layers import SharedLinear, SharedSequential
from sharefind.errors import InputError

BuildSpec = Callable[[str], SharingSpec]
# What torch says of its own parts, which it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

CHAINS = [["c4"], ["s4_bias", "c4"], ["c4", "d4_sign", "s4_bias"], ["b3_zeros", "b3_zeros"]]


def chain(names: list[str], spec_of: BuildSpec, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    parts = [part for name in names for part in (SharedLinear(spec_of(name), dtype=dtype), nn.Tanh())]
    return nn.Sequential(*parts, nn.Linear(parts[-2].out_features, 2, dtype=dtype))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
@pytest.mark.parametrize("names", CHAINS, ids=" ".join)
def test_it_is_the_chain(names: list[str], dtype: torch.dtype, tolerance: float, spec_of: BuildSpec) -> None:
    separate = chain(names, spec_of, dtype)
    together = SharedSequential(*copy.deepcopy(separate))
    x = torch.randn(3, 5, separate[0].in_features, dtype=dtype)
    for net in (separate, together):
        net(x).pow(2).sum().backward()
    torch.testing.assert_close(together(x), separate(x), rtol=tolerance, atol=tolerance)
    gradients = torch.cat([m.coefficient.grad for m in separate if isinstance(m, SharedLinear)])
    torch.testing.assert_close(together.coefficient.grad, gradients, rtol=tolerance, atol=tolerance)
    again = together.separate()
    assert list(again.state_dict()) == list(separate.state_dict())
    torch.testing.assert_close(again(x), separate(x), rtol=0, atol=0)
    assert len(list(together.parameters())) == 3 and "dim=" in repr(together)


def test_weights_that_are_kept_are_never_stale(spec_of: BuildSpec) -> None:
    net = SharedSequential(*chain(["c4", "s4_bias"], spec_of)).eval()
    x = torch.randn(5, 4, dtype=torch.float64)
    with torch.no_grad():
        assert net._pieces()[0].data_ptr() == net._pieces()[0].data_ptr()
        for change in (
            lambda: net.coefficient.mul_(2),
            lambda: net.coefficient.data.neg_(),
            lambda: net._pieces()[0].zero_(),
            net.reset_parameters,
            lambda: net.load_state_dict(SharedSequential(*chain(["c4", "s4_bias"], spec_of)).state_dict()),
        ):
            net(x)
            change()
            assert torch.equal(net(x), copy.deepcopy(net).train()(x))


def test_it_is_transformed_copied_and_moved(spec_of: BuildSpec) -> None:
    net = SharedSequential(*chain(["c4", "d4_sign"], spec_of))
    x = torch.randn(5, 4, dtype=torch.float64)
    parameters = {name: p.detach().clone() for name, p in net.named_parameters()}

    def loss(values: dict[str, Tensor], rows: Tensor) -> Tensor:
        return functional_call(net, values, (rows,)).pow(2).sum()

    net(x).pow(2).sum().backward()
    torch.testing.assert_close(grad(loss)(parameters, x)["coefficient"], net.coefficient.grad)
    each = vmap(grad(loss), in_dims=(None, 0))(parameters, x[:, None])["coefficient"]
    torch.testing.assert_close(each.sum(0), net.coefficient.grad)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
        assert torch.equal(other(x), net(x))
    expected, state = net(x), copy.deepcopy(net.state_dict())
    moved = copy.deepcopy(net).to("meta").to_empty(device="cpu")
    moved.load_state_dict(state)
    assert torch.equal(moved(x), expected)
    assert net.float()(x.float()).dtype == torch.float32


@pytest.mark.slow
@pytest.mark.ci
def test_it_is_captured(spec_of: BuildSpec) -> None:
    net = SharedSequential(*chain(["c4", "s4_bias"], spec_of))
    x = torch.randn(5, 4, dtype=torch.float64)
    for mode in (True, False):
        net.train(mode)
        torch._dynamo.reset()
        torch.testing.assert_close(torch.compile(net, backend="aot_eager", fullgraph=True)(x), net(x))
        torch.testing.assert_close(torch.export.export(net, (x,)).module()(x), net(x))


def test_chains_without_tied_layers_are_refused(spec_of: BuildSpec) -> None:
    with pytest.raises(InputError, match="no module"):
        SharedSequential(nn.Linear(2, 2), SharedLinear(spec_of("r5_basis")))
    with pytest.raises(InputError, match="differ"):
        SharedSequential(SharedLinear(spec_of("c4")), SharedLinear(spec_of("c4"), dtype=torch.float64))
