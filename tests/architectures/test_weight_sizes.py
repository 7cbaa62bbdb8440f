"""Weight files that claim more than they hold: refused at once, with little memory."""

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.architectures.formats.spec_json import to_json
from sharefind.architectures.formats.tensors import SCHEMA, TENSOR, read_weights
from sharefind.errors import InputError
from sharefind.groups import named_group, natural
from sharefind.limits import Limits
from tests.specs import spec_on

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
            read_weights(path)
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
    network, read = read_weights(path)
    assert read == text
    assert network.coefficient.shape == (4, 3)


def test_the_specification_inside_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, text = _weights(tmp_path / "net.safetensors")
    monkeypatch.setattr("sharefind.architectures.formats.tensors.MAX_SPEC_BYTES", len(text) - 1)
    with pytest.raises(InputError, match=rf"its spec is above .* Limits\(file_size={len(text)}\)"):
        read_weights(path)
    read_weights(path, Limits(file_size=path.stat().st_size))
