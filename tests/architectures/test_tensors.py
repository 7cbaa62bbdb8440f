"""Weights as safetensors: read back bit for bit, loaded by the exported module, and refused when they are not ours."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

from sharefind.architectures import TrainedNetwork, read_safetensors, to_json, verify_file, write_safetensors
from sharefind.errors import ExportError, InputError
from sharefind.spaces import Subspace
from tests.architectures.networks import ARCHITECTURES, module_of, network_of


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_weights_come_back_and_load_into_the_module(case: str, tmp_path: Path) -> None:
    network, path = network_of(case), tmp_path / "net.safetensors"
    certificate = write_safetensors(network, path)
    back = read_safetensors(path)
    assert back.spec == network.spec and np.array_equal(back.coefficient, network.coefficient)
    assert verify_file(path)[0] == certificate
    x = np.random.default_rng(1).standard_normal((7, network.spec.d_in))
    expected = network.predict(x)
    module = module_of(network, tmp_path)
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        net = module.SharedShallowNetwork(dtype=dtype)
        net.load_state_dict(load_file(path))
        found = net(torch.from_numpy(x).to(dtype)).detach().double().numpy()
        # Relative to the size of the terms that are averaged.
        assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def test_a_false_claim_is_not_written(tmp_path: Path) -> None:
    spec = network_of("c4").spec
    full = TrainedNetwork(replace(spec, space=Subspace.full(16)), np.ones((2, 16)))
    with pytest.raises(ExportError, match="moves a parameter"):
        write_safetensors(full, tmp_path / "net.safetensors")
    huge = TrainedNetwork(network_of("r5_basis").spec, np.full((2, 3), 1.7e308))
    with pytest.raises(ExportError, match="particle is not finite"):
        write_safetensors(huge, tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


def _metadata(network: TrainedNetwork) -> dict[str, str]:
    return {"format": "pt", "schema": "sharefind.weights/1", "spec": to_json(network.spec)}


@pytest.mark.parametrize(
    ("tensors", "changed", "message"),
    [
        ({"weight": np.ones((2, 4))}, {}, "must hold coefficient alone or with centre, shift, scale"),
        ({"coefficient": np.ones((2, 4)), "more": np.ones(1)}, {}, "must hold coefficient alone"),
        ({"coefficient": np.ones((2, 4), dtype=np.float32)}, {}, "coefficient is F32, not F64"),
        (
            {"coefficient": np.ones((2, 4)), "centre": np.ones((2, 4)), "shift": np.zeros(4), "scale": np.array(1.0)},
            {},
            r"the tensor centre is not that of its spec \(change\.centre\)",
        ),
        ({"coefficient": np.ones((2, 5))}, {}, r"have shape \(2, 5\)"),
        ({"coefficient": np.full((2, 4), np.inf)}, {}, "not finite"),
        ({"coefficient": np.ones((2, 4))}, {"schema": "sharefind.weights/2"}, "metadata"),
        ({"coefficient": np.ones((2, 4))}, {"spec": "{"}, "not a sharefind.spec/1 specification"),
    ],
    ids=["name", "two", "float32", "centre", "shape", "infinite", "schema", "spec"],
)
def test_other_files_are_refused_in_one_line(
    tensors: dict[str, np.ndarray], changed: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.safetensors"
    save_file(tensors, path, {**_metadata(network_of("c4")), **changed})
    with pytest.raises(InputError, match=message) as caught:
        read_safetensors(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(pickle.dumps({"coefficient": [1.0]}))
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name in ("net", "empty", "missing"):
        with pytest.raises(InputError, match=name):
            read_safetensors(tmp_path / f"{name}.safetensors")


def test_a_changed_entry_in_the_metadata_is_named(tmp_path: Path) -> None:
    network, path = network_of("c4"), tmp_path / "net.safetensors"
    text = to_json(network.spec).replace("[1, 2, 3, 4, 4, 1, 2,", "[1, 2, 3, 4, 4, 1, 3,")
    assert text != to_json(network.spec)
    save_file({"coefficient": network.coefficient}, path, {**_metadata(network), "spec": text})
    with pytest.raises(ExportError, match=r"space\.labels\[6\] \(weight\[1, 2\]\) is 3, and in E\^C4 it is 2"):
        verify_file(path)
