"""Shared layers, ours and exported, under what nn.Linear passes: torch.func, compilers, traces, the device meta."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vmap

from sharefind.architectures import SharingSpec, torch_source
from sharefind.architectures.layers import SharedLinear, SharedShallowNetwork, SharedTwoLayer
from sharefind.meanfield.dynamics import tied
from tests.specs import load_module

BuildSpec = Callable[[str], SharingSpec]
Make = Callable[..., nn.Module]

KINDS = ["c4", "s4_bias", "d4_sign", "b3_zeros", "c2_rescaled", "r5_basis", "numerical", "two_c4", "two_signed"]
QUICK = ["c4", "r5_basis", "two_signed"]
CAPTURED = ["two_signed exported network"]
CAPTURED_IN_CI = [
    "c4 linear",
    "s4_bias network",
    "d4_sign exported linear",
    "b3_zeros exported network",
    "r5_basis linear",
    "numerical exported linear",
    "two_c4 network",
]
"""Compilers take seconds for each module: CI gives them each form and most kinds of spaces, not all pairs."""
# What torch says of its own parts, which it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

FORMS = ["linear", "network", "exported linear", "exported network"]


def cases(
    quick: Callable[[str], bool] = lambda name: name.partition(" ")[0] in QUICK,
    in_ci: Callable[[str], bool] = lambda name: True,
) -> Iterator[Any]:
    """Every kind of space in every form; the quick ones in every run."""
    for kind in KINDS:
        for form in FORMS:
            name = f"{kind} {form}"
            marks = () if quick(name) else (pytest.mark.slow, *[pytest.mark.ci] * in_ci(name))
            if not (form == "exported linear" and kind.startswith("two")):
                yield pytest.param(kind, form, marks=marks, id=f"{kind} {form}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(params=["plain", "sums"])
def backward(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small layers take torch's own backward pass; here they take that of large ones as well."""
    if request.param == "sums":
        monkeypatch.setattr(tied.TiedEntries, "plain_entries", 0)
    return str(request.param)


def maker(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> Make:
    """Makes modules of a case: a layer or a network of three particles, in double precision."""
    spec = spec_of(kind)
    if form.startswith("exported"):
        path = folder / f"{kind}.py"
        path.write_text(torch_source(spec))
        module = load_module(path)
        return module.SharedLinear if form.endswith("linear") else lambda **f: module.SharedShallowNetwork(3, **f)
    if form == "network":
        return lambda **factory: SharedShallowNetwork(spec, 3, **factory)
    if spec.has_hidden:
        return lambda **factory: SharedTwoLayer(spec, 3, **factory)
    return lambda **factory: SharedLinear(spec, **factory)


def made(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    module = maker(kind, form, spec_of, folder)(dtype=torch.float64)
    return module, torch.randn(5, spec_of(kind).d_in, dtype=torch.float64)


@pytest.mark.parametrize(("kind", "form"), [*cases()])
def test_transforms_give_the_gradients_of_backward(
    kind: str, form: str, backward: str, spec_of: BuildSpec, folder: Path
) -> None:
    module, x = made(kind, form, spec_of, folder)
    parameters = {name: p.detach().clone() for name, p in module.named_parameters()}

    def loss(values: dict[str, Tensor], rows: Tensor) -> Tensor:
        return functional_call(module, values, (rows,)).pow(2).sum()

    loss(dict(module.named_parameters()), x).backward()
    expected = module.coefficient.grad
    torch.testing.assert_close(grad(loss)(parameters, x)["coefficient"], expected)
    torch.testing.assert_close(jacrev(loss)(parameters, x)["coefficient"], expected)
    torch.testing.assert_close(jacfwd(loss)(parameters, x)["coefficient"], expected)
    each = vmap(grad(loss), in_dims=(None, 0))(parameters, x[:, None])["coefficient"]
    torch.testing.assert_close(each.sum(0), expected)
    tangents = {"coefficient": torch.ones_like(expected)}
    torch.testing.assert_close(jvp(lambda q: loss(q, x), (parameters,), (tangents,))[1], expected.sum())
    torch.testing.assert_close(vmap(module)(x), module(x))
    curved = hessian(loss)(parameters, x)["coefficient"]["coefficient"]
    known = torch.autograd.functional.hessian(lambda c: loss({"coefficient": c}, x), parameters["coefficient"])
    torch.testing.assert_close(curved, known)
    torch.testing.assert_close(jacrev(module)(x[0]), jacfwd(module)(x[0]))
    if form.endswith("linear") and not kind.startswith("two"):
        torch.testing.assert_close(jacrev(module)(x[0]), module.weight)


@pytest.mark.parametrize(("kind", "form"), [*cases()])
def test_frozen_layers_keep_nothing_of_a_transform(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> None:
    module, x = made(kind, form, spec_of, folder)
    module.eval().requires_grad_(False)
    expected = module(x)
    jacrev(module)(x[0])
    with torch.no_grad():
        vmap(module)(x)
    torch.testing.assert_close(module(x), expected)
    assert not module(x).requires_grad


@pytest.mark.parametrize(("kind", "form"), [*cases()])
def test_ensembles_are_stacked(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> None:
    make = maker(kind, form, spec_of, folder)
    modules = [make(dtype=torch.float64) for _ in range(3)]
    x = torch.randn(5, spec_of(kind).d_in, dtype=torch.float64)
    state = stack_module_state(modules)
    skeleton = copy.deepcopy(modules[0]).to("meta")
    found = vmap(lambda values, buffers: functional_call(skeleton, (values, buffers), (x,)))(*state)
    torch.testing.assert_close(found, torch.stack([module(x) for module in modules]))


@pytest.mark.parametrize(("kind", "form"), [*cases(CAPTURED.__contains__, CAPTURED_IN_CI.__contains__)])
def test_modules_are_captured(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> None:
    module, x = made(kind, form, spec_of, folder)
    module(x).pow(2).sum().backward()
    expected, gradient = module(x), module.coefficient.grad.clone()
    for mode in (True, False):
        module.train(mode)
        module.zero_grad()
        torch._dynamo.reset()
        found = torch.compile(module, backend="aot_eager", fullgraph=True)(x)
        torch.testing.assert_close(found, expected)
        found.pow(2).sum().backward()
        torch.testing.assert_close(module.coefficient.grad, gradient)
        with torch.no_grad():
            torch.testing.assert_close(torch.compile(module, backend="aot_eager", fullgraph=True)(x), expected)
            for graph in (torch.jit.trace(module, (x,)), torch.export.export(module, (x,)).module()):
                torch.testing.assert_close(graph(x), expected)
    traced = torch.jit.trace(module, (x,))
    with torch.no_grad():
        module.coefficient.add_(1)
        torch.testing.assert_close(traced(x), module(x))


@pytest.mark.parametrize(("kind", "form"), [*cases()])
def test_modules_made_without_memory_compute_what_they_should(
    kind: str, form: str, spec_of: BuildSpec, folder: Path
) -> None:
    make = maker(kind, form, spec_of, folder)
    source = make()
    x = torch.randn(5, spec_of(kind).d_in)
    expected, state = source(x), copy.deepcopy(source.state_dict())

    def in_context() -> nn.Module:
        with torch.device("meta"):
            return make()

    def by_default() -> nn.Module:
        torch.set_default_device("meta")
        try:
            return make()
        finally:
            torch.set_default_device(None)

    for build in (lambda: make(device="meta"), in_context, by_default, lambda: make().to("meta"), make):
        module = build()
        # Memory that is handed out again is not clean.
        stale = [torch.full((1 << k,), -1, dtype=torch.int64) for k in range(12)]
        del stale
        module.to_empty(device="cpu").load_state_dict(state)
        torch.testing.assert_close(module(x), expected, rtol=0, atol=0)
        nested = nn.Sequential(build()).to_empty(device="cpu")
        nested.load_state_dict({f"0.{name}": value for name, value in state.items()})
        torch.testing.assert_close(nested(x), expected, rtol=0, atol=0)
        if build is not make:
            assigned = build()
            assert assigned(x.to("meta")).shape == expected.shape
            assigned.load_state_dict(state, assign=True)
            torch.testing.assert_close(assigned.eval()(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize(("kind", "form"), [*cases()])
def test_types_copies_and_defaults(kind: str, form: str, spec_of: BuildSpec, folder: Path) -> None:
    make = maker(kind, form, spec_of, folder)
    torch.set_default_dtype(torch.float64)
    try:
        module = make()
        x = torch.randn(5, spec_of(kind).d_in)
        assert module(x).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    again = [copy.deepcopy(module)]
    if not form.startswith("exported"):
        again.append(pickle.loads(pickle.dumps(module)))  # noqa: S301
    for other in again:
        assert torch.equal(other(x), module(x))
    module.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(x.float())
    found.float().pow(2).sum().backward()
    assert module.coefficient.grad.dtype == torch.float32 and module.coefficient.grad.isfinite().all()
    torch.testing.assert_close(found.double(), module(x.float()).double(), rtol=0.05, atol=0.2)
    for dtype in (torch.bfloat16, torch.float16):
        assert module.to(dtype)(x.to(dtype)).dtype == dtype
    torch.set_default_device("meta")
    try:
        assert again[0](x).device.type == "cpu"
        again[0](x).sum().backward()
    finally:
        torch.set_default_device(None)


@pytest.mark.slow
def test_the_compiler_trains_as_eager_code_does(spec_of: BuildSpec, folder: Path) -> None:
    import shutil

    from torch.utils.cpp_extension import get_cxx_compiler  # the backend needs a compiler of C++

    if shutil.which(get_cxx_compiler()) is None:
        pytest.skip("no compiler of C++")
    module, x = made("c4", "network", spec_of, folder)
    module(x).pow(2).sum().backward()
    expected = module.coefficient.grad.clone()
    module.zero_grad()
    torch.compile(module, fullgraph=True)(x).pow(2).sum().backward()
    torch.testing.assert_close(module.coefficient.grad, expected)
