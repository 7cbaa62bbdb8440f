"""Weights as safetensors: read back bit for bit, loaded by the exported module, and refused when they are not ours."""

from __future__ import annotations

import json
import pickle
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

from sharefind.architectures import TrainedNetwork, read_safetensors, to_json, verify_file, write_safetensors
from sharefind.architectures.formats.tensors import SCHEMA, TENSOR
from sharefind.architectures.guards import Guards
from sharefind.errors import ExportError, InputError
from sharefind.groups import named_group, natural
from sharefind.limits import Limits
from sharefind.spaces import Subspace
from tests.architectures.networks import ARCHITECTURES, module_of, network_of
from tests.specs import spec_on


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


def test_a_changed_entry_in_the_metadata_is_refused(tmp_path: Path) -> None:
    network, path = network_of("c4"), tmp_path / "net.safetensors"
    text = to_json(network.spec).replace("[1, 2, 3, 4, 4, 1, 2,", "[1, 2, 3, 4, 4, 1, 3,")
    assert text != to_json(network.spec)
    save_file({"coefficient": network.coefficient}, path, {**_metadata(network), "spec": text})
    with pytest.raises(ExportError, match="generator 0 of C4 moves a parameter of the space"):
        verify_file(path)


LITTLE = 5_000_000


def _file(path: Path, header: dict[str, Any] | bytes, content: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + content)
    return path


def _tensor(shape: list[int], size: int) -> dict[str, Any]:
    return {TENSOR: {"dtype": "F64", "shape": shape, "data_offsets": [0, size]}}


@pytest.mark.parametrize(
    ("header", "content", "length"),
    [
        (_tensor([10**6, 10**6], 8 * 10**12), b"", None),
        (_tensor([10**6, 10**6], 16), bytes(16), None),
        (_tensor([2**63, 2**63], 16), bytes(16), None),
        (_tensor([2, 1], 16), b"", None),
        (_tensor([1, 1], 8), bytes(16), None),
        (_tensor([2, 1], 16), bytes(16), 10**15),
        (_tensor([2, 1], 16), bytes(16), 2**64 - 1),
        (_tensor([2, 1], 16), bytes(16), 3),
        (b"[" * 100_000, b"", None),
        (b"\xff" * 100, b"", None),
    ],
)
def test_a_header_that_lies(tmp_path: Path, header: dict[str, Any] | bytes, content: bytes, length: int | None) -> None:
    path = _file(tmp_path / "net.safetensors", header, content, length)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def _weights(path: Path) -> tuple[Path, str]:
    rep = natural(named_group("C3"))
    text = to_json(spec_on((rep, rep), "matrix:logistic", 4))
    metadata = {"format": "pt", "schema": SCHEMA, "spec": text}
    header = {"__metadata__": metadata, TENSOR: {"dtype": "F64", "shape": [4, 3], "data_offsets": [0, 96]}}
    return _file(path, header, np.zeros((4, 3)).tobytes()), text


def test_a_header_that_tells_the_truth(tmp_path: Path) -> None:
    """The control of the headers above."""
    path, text = _weights(tmp_path / "net.safetensors")
    network = read_safetensors(path)
    assert to_json(network.spec) == text
    assert network.coefficient.shape == (4, 3)


def test_the_specification_inside_is_bounded_too(tmp_path: Path) -> None:
    path, text = _weights(tmp_path / "net.safetensors")
    guards = Guards(spec_bytes=len(text) - 1)
    with pytest.raises(InputError, match=rf"its spec is above .* Limits\(file_size={len(text)}\)"):
        read_safetensors(path, guards=guards)
    read_safetensors(path, Limits(file_size=path.stat().st_size), guards)
