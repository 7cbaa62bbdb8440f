"""Files of one array and of Arrow streams that lie about their size, hold code, or are damaged."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import load_data, read_table
from sharefind.errors import DataError
from sharefind.limits import Limits


def _refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(DataError) as refused:
        read_table(path, limits or Limits())
    assert "\n" not in str(refused.value) and path.name in str(refused.value)
    return str(refused.value)


def _npy(shape: tuple[int, ...], dtype: str, content: bytes) -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("unpickled"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (_npy((10**12, 2), "<f8", bytes(32)), "holds 32 bytes"),
        (_npy((-2, 2), "<f8", bytes(32)), "holds 32 bytes"),
        (_npy((2, 1), "|O", b"\x80\x04N."), "object arrays are refused"),
        (_npy((2, 3, 1), "<f8", bytes(48)), "has shape (2, 3, 1), which is no table"),
        (_npy((6,), "<f8", bytes(48)), "has shape (6,), which is no table"),
        (b"\x93NUM", "cannot be read"),
        (b"\x80\x04N.", "cannot be read"),
    ],
)
def test_an_array_that_lies_or_is_no_table(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "d.npy").write_bytes(content)
    tracemalloc.start()
    try:
        assert words in _refusal(tmp_path / "d.npy")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_array_is_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("objects.npy", np.array([[_Bomb()]], dtype=object))
    assert "object arrays are refused" in _refusal(Path("objects.npy"))
    assert not Path("unpickled").exists()


def test_numbers_of_an_array_count_as_float64(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.arange(2000).reshape(1000, 2).astype("<f2"))
    assert "Limits(file_size=16000)" in _refusal(tmp_path / "d.npy", Limits(file_size=15_999))
    assert load_data(tmp_path / "d.npy", Limits(file_size=16_000), outputs="1", labels="numbers").n == 1000


@pytest.mark.parametrize("packing", ["lz4", "zstd"])
def test_what_a_feather_file_unpacks_to_counts_before_it_is_read(
    packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyarrow, feather = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.feather")
    path, rows = tmp_path / "d.feather", 200_000
    feather.write_feather(pyarrow.table({"a": np.zeros(rows), "b": np.zeros(rows)}), path, compression=packing)
    assert path.stat().st_size < 40_000
    used = pyarrow.total_allocated_bytes()
    assert "unpacks to 3200000 bytes" in _refusal(path, Limits(file_size=3_199_999))
    assert pyarrow.total_allocated_bytes() - used < 100_000
    assert len(read_table(path, Limits(file_size=3_200_000)).columns["a"]) == rows


def test_feather_files_that_are_damaged_or_of_another_version(tmp_path: Path) -> None:
    pyarrow, feather = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.feather")
    path = tmp_path / "d.feather"
    feather.write_feather(pyarrow.table({"a": [1.0, 2.0], "w": ["x", "y"]}), path, compression="uncompressed")
    whole = path.read_bytes()
    path.write_bytes(b"FEA1" + whole[4:])
    assert "not a .feather file of version 2" in _refusal(path)
    for content in (whole[:40], whole[:8] + b"\xff" * 60, b"ARROW1\0\0"):
        path.write_bytes(content)
        assert "cannot be read" in _refusal(path)
    offsets = whole.index(struct.pack("<iii", 0, 1, 2))  # where the words of w begin and end
    path.write_bytes(whole[:offsets] + struct.pack("<iii", 0, 10**6, 2 * 10**6) + whole[offsets + 12 :])
    assert "cannot be read" in _refusal(path)


@pytest.mark.filterwarnings("error")
def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 2L), }"
    padded = header.ljust(128 - 10 - 1).encode() + b"\n"
    values = np.arange(6.0).reshape(3, 2)
    (tmp_path / "old.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + values.tobytes()
    )
    assert np.array_equal(read_table(tmp_path / "old.npy").columns["column1"], values[:, 1])
