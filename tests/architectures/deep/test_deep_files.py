"""Deep networks in files: every format computes what the network does, trains, and proves what it claims."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.deep_json import from_json, to_json
from sharefind.architectures.deep.files import is_deep_file, read_deep, write_deep
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.places import Places, input_places, unit_windows
from sharefind.architectures.deep.proof import equivariance_error, prove
from sharefind.errors import ConfigError, ExportError, InputError
from sharefind.groups import Representation, named_group, parse_representation
from sharefind.limits import Limits
from sharefind.meanfield import build_unit

CASES = {
    "permutations": ("S3", "natural", "natural", ["2*regular", "natural+trivial", "regular"], "deep:tanh"),
    "signs": ("D4", "natural", "sign", ["regular+coset(D4, sign:C4)"] * 2, "deep-residual:relu"),
    "rotations": ("R5", "natural", "2*natural", ["2*regular", "regular", "trivial+regular"], "deep:logistic"),
    "signed axes": ("B2", "natural", "trivial", ["2*natural+regular", "regular", "trivial:3"], "deep:gelu"),
    "windows": ("D8", "natural", "natural", ["2*natural", "3*natural"], "deep:relu"),
    "no group": ("C1", "trivial:3", "trivial:2", ["trivial:5", "trivial:4", "trivial:4"], "deep-residual:gelu"),
}


def ring(rep: Representation) -> Places:
    """Places around a ring, seen in smooth rows."""
    steps = np.arange(rep.dim) * 2 * np.pi / rep.dim
    x = np.cos(steps + np.random.default_rng(0).uniform(0, 2 * np.pi, (200, 1)))
    places = input_places(rep, x, rep)
    assert places is not None
    return places


def deep_network(case: str) -> DeepNetwork:
    """A network with random weights and biases in the shared spaces."""
    group, x, y, hidden, expression = CASES[case]
    reps = [parse_representation(text, named_group(group)) for text in (x, y, *hidden)]
    unit = build_unit(expression, reps[0], reps[1], reps[2:])
    if case == "windows":
        unit = replace(unit, windows=unit_windows(unit, ring(reps[0]), 3))
    batch = DeepBatch(unit, 1, seed=3)
    with torch.no_grad():
        for bias in batch.biases:
            bias.normal_(generator=torch.Generator().manual_seed(0))
    return DeepNetwork.from_matrices(f"test of {case}", unit, batch.arrays(0), evidence={"rows": 3})


SLOW = ("permutations", "no group")


@pytest.fixture(
    params=[pytest.param(case, marks=[pytest.mark.slow] if case in SLOW else []) for case in CASES],
    ids=[case.replace(" ", "-") for case in CASES],
)
def network(request: pytest.FixtureRequest) -> DeepNetwork:
    return deep_network(request.param)


def _rows(network: DeepNetwork, count: int = 7) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, network.unit.d_in))


def test_proof(network: DeepNetwork) -> None:
    certificate = prove(network)
    assert certificate.error < 1e-12
    assert (certificate.group, certificate.order) == (network.group.name, network.group.order)
    assert certificate.naming in ("proven", "image")
    assert ("no symmetry is claimed" in certificate.statement) == (network.group.order == 1)
    assert sum(dim for _, dim, _ in certificate.layers) == network.parameters
    assert sum(size for *_, size in certificate.layers) == network.unit.space.dim


def test_weights_are_read_back(network: DeepNetwork, tmp_path) -> None:
    path = tmp_path / "net.safetensors"
    write_deep(network, path, seed=5)
    again = read_deep(path)
    np.testing.assert_allclose(again.predict(_rows(network)), network.predict(_rows(network)), rtol=0, atol=1e-14)
    assert prove(again).statement == prove(network).statement
    assert (again.name, again.inputs, again.evidence) == (network.name, network.inputs, {"rows": 3})
    assert to_json(again) == to_json(network)


def test_onnx_runs_elsewhere(network: DeepNetwork, tmp_path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    write_deep(network, path)
    x = _rows(network)
    (y,) = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.testing.assert_allclose(y, network.predict(x), rtol=0, atol=1e-6)
    (none,) = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x[:0]})
    assert none.shape == (0, network.unit.d_out)


def test_the_torch_module_stands_alone_and_trains(network: DeepNetwork, tmp_path) -> None:
    from safetensors.torch import load_file

    write_deep(network, tmp_path / "net.py")
    write_deep(network, tmp_path / "net.safetensors")
    source = (tmp_path / "net.py").read_text()
    assert "sharefind" not in source.replace("sharefind.", "")
    spec = importlib.util.spec_from_file_location("net", tmp_path / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.DeepNetwork(dtype=torch.float64)
    net.load_state_dict(load_file(str(tmp_path / "net.safetensors")))
    x = torch.from_numpy(_rows(network))
    np.testing.assert_allclose(net(x).detach().numpy(), network.predict(x.numpy()), rtol=0, atol=1e-12)
    assert sum(p.numel() for p in net.parameters()) == network.parameters
    assert module.check_equivariance(net) < 1e-12
    target = torch.randn(7, network.unit.d_out, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (net(x) - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert module.check_equivariance(net) < 1e-12
    fresh = module.DeepNetwork().double()
    assert module.check_equivariance(fresh) < 1e-12
    assert fresh(x).dtype == torch.float64


def test_one_coefficient_off_the_space_is_seen(network: DeepNetwork) -> None:
    """Weights outside the shared space break equivariance, which the check of numbers notices."""
    if network.group.order == 1:
        return
    theta = torch.from_numpy(network.particle)[None, :, None]
    shifted = theta + 0.1 * torch.randn(theta.shape, dtype=theta.dtype, generator=torch.Generator().manual_seed(0))
    unit = network.unit

    class Shifted:
        group = network.group

        def __init__(self) -> None:
            self.unit = unit

        def predict(self, x: np.ndarray) -> np.ndarray:
            return unit.values(torch.from_numpy(x)[None], shifted)[0, :, :, 0].T.numpy()

    assert equivariance_error(Shifted()) > 1e-3
    assert equivariance_error(network) < 1e-12


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"group": {"name": "A4", "order": 12}}, ExportError, "group.name is A4"),
        ({"group": {"name": "S3", "order": 12}}, ExportError, "group.order is 12, and S3 has order 6"),
        ({"group": {"name": "mine", "order": 4}}, ExportError, "no divisor of the order 4"),
        ({"unit": "deep:sine"}, ExportError, "'sine' is unknown"),
        ({"unit": "matrix"}, ExportError, "no hidden space|one hidden layer"),
        ({"dims": [3, 12, 4, 6, 4]}, InputError, "does not fit the layers"),
        ({"dims": [3, 12, 4, 6, 10**9]}, InputError, "above the limit"),
        ({"reps": ["natural"]}, InputError, "reps name each layer"),
        ({"extra": 1}, InputError, "extra"),
        ({"name": "a\nb"}, InputError, "printable"),
    ],
)
def test_false_claims_are_refused(change: dict, error: type, message: str) -> None:
    record = json.loads(to_json(deep_network("permutations")))
    with pytest.raises(error, match=message):
        from_json(json.dumps({**record, **change}))


def test_generators_that_are_none_are_refused() -> None:
    record = json.loads(to_json(deep_network("permutations")))
    record["generators"][0][1] = [1] * 12
    with pytest.raises(InputError, match="no signed permutation"):
        from_json(json.dumps(record))
    record = json.loads(to_json(deep_network("rotations")))
    record["generators"][0][0] = [["1", "1"], ["0"]]
    with pytest.raises(InputError, match="does not fit the layers"):
        from_json(json.dumps(record))
    record["generators"][0][0] = [["1", "1"], ["0", "1"]]
    with pytest.raises(ExportError, match="not orthogonal"):
        from_json(json.dumps(record))


def test_files_that_are_none(tmp_path) -> None:
    network = deep_network("permutations")
    with pytest.raises(ConfigError, match=r"\.safetensors, \.onnx, \.py"):
        write_deep(network, tmp_path / "net.pt")
    with pytest.raises(ConfigError, match="are written as safetensors, onnx, torch, escnn"):
        write_deep(network, tmp_path / "net.py", format="emlp")
    with pytest.raises(ConfigError, match=r"end the name with \.py"):
        write_deep(network, tmp_path / "net.onnx", format="escnn")
    (tmp_path / "net.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no safetensors file"):
        read_deep(tmp_path / "net.safetensors")
    write_deep(network, tmp_path / "good.safetensors")
    with pytest.raises(InputError, match="is above 100 bytes"):
        read_deep(tmp_path / "good.safetensors", Limits(file_size=100))
    with pytest.raises(InputError, match="numbers, above the limit of 100; "):
        read_deep(tmp_path / "good.safetensors", Limits(dim=2))
    assert is_deep_file(tmp_path / "good.safetensors") and not is_deep_file(tmp_path / "net.safetensors")
    assert not is_deep_file(tmp_path / "nothing.safetensors")
    with pytest.raises(InputError, match="layers of weights"):
        DeepNetwork("x", network.unit, network.layers[:2])
