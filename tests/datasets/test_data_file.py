"""Files that claim or unpack to far more than they hold: refused before any of it is allocated."""

import io
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import load_csv, load_npz, load_parquet
from sharefind.datasets.data_file import Guards
from sharefind.errors import DataError
from sharefind.limits import Limits

LITTLE = 5_000_000
"""Bytes that a refusal may take."""


@pytest.fixture
def refused() -> Iterator[Callable[..., str]]:
    """Reads a file, which must be refused on one line and within `LITTLE` bytes; the line."""
    tracemalloc.start()

    def read(reader: Callable[..., object], path: Path, *words: str, limits: Limits | None = None) -> str:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(DataError) as caught:
            reader(path) if limits is None else reader(path, limits)
        assert tracemalloc.get_traced_memory()[1] - before < LITTLE
        message = str(caught.value)
        assert "\n" not in message
        assert path.name in message
        assert all(word in message for word in words), message
        return message

    yield read
    tracemalloc.stop()


def _npy(shape: tuple[int, ...], dtype: str = "<f8", content: bytes = b"", version: int = 1) -> bytes:
    """An .npy file with a header of our own."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return (
        b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + content
    )


GOOD = _npy((2, 1), content=bytes(16))


def _zip(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (_npy((10**12, 1)), "holds 0 bytes"),
        (_npy((10**12, 1), content=bytes(16)), "holds 16 bytes"),
        (_npy((10**9, 10**9), content=bytes(16)), "holds 16 bytes"),
        (_npy((2**62, 4), content=bytes(16)), "holds 16 bytes"),
        (_npy((-2, -1), content=bytes(16)), "holds 16 bytes"),
        (_npy((1, 1), content=bytes(16)), "holds 16 bytes"),
        (_npy((10**12, 1), "|V0"), "plain numbers"),
        (_npy((10**12, 1), "|S0"), "plain numbers"),
        (_npy((2, 1), "|O", b"\x80\x04N."), "object arrays are refused"),
        (_npy((2, 1), version=3), "format (3, 0)"),
        (_npy((2, 1), "<f8" + " " * 500), "cannot be read"),
        (_npy((2, 1), "(" * 40), "cannot be read"),
        (b"\x93NUMPY\x02\x00" + b"\xff" * 4, "cannot be read"),
        (b"\x93NUM", "cannot be read"),
        (b"", "cannot be read"),
        (b"\x80\x04N.", "cannot be read"),
    ],
)
def test_a_header_that_lies(tmp_path: Path, refused, x: bytes, words: str) -> None:
    refused(load_npz, _zip(tmp_path / "data.npz", ("x.npy", x), ("y.npy", GOOD)), words)
    refused(load_npz, _zip(tmp_path / "data.npz", ("x.npy", GOOD), ("y.npy", x)), words)


def test_a_plain_header_is_read(tmp_path: Path) -> None:
    """The control of the headers above."""
    x, _ = load_npz(_zip(tmp_path / "data.npz", ("x.npy", GOOD), ("y.npy", GOOD)))
    np.testing.assert_array_equal(x, [[0], [0]])


def _zeros(path: Path, rows: int) -> Path:
    """x of zeros, deflated, written piece by piece."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as stream:
            stream.write(_npy((rows, 1)))
            for _ in range(rows // 125_000):
                stream.write(bytes(1_000_000))
        archive.writestr("y.npy", GOOD)
    return path


def test_an_archive_that_unpacks_to_a_thousand_times_its_size(tmp_path: Path, refused) -> None:
    path = _zeros(tmp_path / "bomb.npz", 25_000_000)
    assert path.stat().st_size < 300_000
    refused(load_npz, path, "200000128 bytes", "above 200 times, a hard limit", "save it with numpy.savez")


def test_a_small_archive_may_be_packed_well(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "data.npz", x=np.zeros((100_000, 10)), y=np.zeros((100_000, 1)))
    assert load_npz(tmp_path / "data.npz")[0].shape == (100_000, 10)


def test_what_an_archive_unpacks_to_counts_and_numbers_count_as_float64(tmp_path: Path, refused) -> None:
    rng = np.random.default_rng(0)
    np.savez_compressed(tmp_path / "data.npz", x=rng.integers(0, 2, (1000, 8), np.int8), y=np.zeros((1000, 2)))
    limits = Limits(file_size=79_999)
    assert (tmp_path / "data.npz").stat().st_size < limits.file_size
    refused(load_npz, tmp_path / "data.npz", "Limits(file_size=80000)", limits=limits)
    assert load_npz(tmp_path / "data.npz", Limits(file_size=80_000))[0].shape == (1000, 8)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_given_twice(tmp_path: Path, refused) -> None:
    for names in (("x.npy", "x.npy"), ("x", "x.npy")):
        members = [(name, GOOD) for name in (*names, "y.npy")]
        refused(load_npz, _zip(tmp_path / "data.npz", *members), "2 arrays are called 'x'")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_numpy_does_not_use(tmp_path: Path, refused, method: int) -> None:
    path = _zip(tmp_path / "data.npz", ("x.npy", GOOD), ("y.npy", GOOD), method=method)
    refused(load_npz, path, f"packed by method {method}")


def _directory_entry(content: bytes) -> int:
    """Where the entry of the first member stands in the table of contents."""
    return content.index(b"PK\x01\x02")


def test_a_directory_that_lies(tmp_path: Path, refused) -> None:
    path = tmp_path / "data.npz"
    plain = _zip(path, ("x.npy", GOOD), ("y.npy", GOOD)).read_bytes()
    entry, end = _directory_entry(plain), plain.index(b"PK\x05\x06")

    def patched(place: int, value: int) -> bytes:
        return plain[:place] + struct.pack("<I", value) + plain[place + 4 :]

    path.write_bytes(patched(entry + 20, 2**31))
    refused(load_npz, path, "more bytes than the file")
    path.write_bytes(patched(entry + 24, 2**31))
    refused(load_npz, path, "unpacks from")
    path.write_bytes(patched(end + 12, 11_000_000))
    refused(load_npz, path, "table of contents has 11000000 bytes")


def test_a_large_directory_behind_a_small_one(tmp_path: Path, refused) -> None:
    """The record for long archives overrides the short one, and is read where a reader would read it."""
    path = tmp_path / "data.npz"
    plain = _zip(path, ("x.npy", GOOD), ("y.npy", GOOD)).read_bytes()
    end = plain.index(b"PK\x05\x06")
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, 10**9, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(plain[:end] + record + locator + plain[end:])
    refused(load_npz, path, "table of contents has 1000000000 bytes")
    path.write_bytes(plain[:end] + bytes(100) + locator + plain[end:])
    refused(load_npz, path, "not where it belongs")


def test_a_long_archive_of_numpy_is_read(tmp_path: Path) -> None:
    """One that needs the record for long archives, as numpy writes above 2 GB; made small by a lower bound."""
    buffer = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 100)
        np.savez(buffer, x=np.ones((30, 1)), y=np.ones((30, 1)))
    assert b"PK\x06\x06" in buffer.getvalue()
    (tmp_path / "data.npz").write_bytes(buffer.getvalue())
    assert load_npz(tmp_path / "data.npz")[0].shape == (30, 1)


@pytest.mark.parametrize("row", [",".join(["1"] * 3000), '"1\n",' * 1500 + "1"])
def test_a_row_of_text_is_bounded_also_over_many_lines(tmp_path: Path, refused, row: str) -> None:
    (tmp_path / "data.csv").write_text(f"x0,y0\n1,2\n{row}\n")
    read = partial(load_csv, guards=Guards(row=5000))
    refused(read, tmp_path / "data.csv", "a row is above 5000 characters, a hard limit")
    (tmp_path / "data.csv").write_text(f"{row}\n")
    refused(read, tmp_path / "data.csv", "a row is above 5000 characters, a hard limit")


def test_many_short_rows_are_no_long_row(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x0,y0\n" + "1,2\n\n" * 100)
    assert len(load_csv(tmp_path / "data.csv", guards=Guards(row=50))[0]) == 100


def test_numbers_of_a_csv_file_are_counted_as_they_are_read(tmp_path: Path, refused) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x0,y0\n" + "0,0\n" * 1000)
    most = path.stat().st_size
    message = refused(load_csv, path, "Limits(file_size=", limits=Limits(file_size=most))
    line = re.search(r"by line (\d+)", message)
    assert line is not None
    assert int(line[1]) == 2 + most // 16
    assert len(load_csv(path, Limits(file_size=16_000))[0]) == 1000


@pytest.mark.slow
def test_memory_of_a_csv_file_is_that_of_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x0,y0\n" + "0,0\n" * 200_000)
    tracemalloc.start()
    try:
        load_csv(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * 400_000 * 8
    finally:
        tracemalloc.stop()


def test_what_a_parquet_file_unpacks_to_counts(tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, rows = tmp_path / "data.parquet", 500_000
    zeros = pyarrow.array(np.zeros(rows, np.int8))
    parquet.write_table(pyarrow.table({"x0": zeros, "y0": zeros}), path)
    assert path.stat().st_size < 10_000
    with monkeypatch.context() as patch:
        patch.delattr(parquet.ParquetFile, "read")
        refused(load_parquet, path, f"Limits(file_size={16 * rows})", limits=Limits(file_size=16 * rows - 1))
    assert len(load_parquet(path, Limits(file_size=16 * rows))[0]) == rows


def test_parquet_columns_without_numbers_are_not_read(tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "data.parquet"
    monkeypatch.delattr(parquet.ParquetFile, "read")
    for column in (["text"], [[1.0, 2.0]], [{"a": 1}], [b"bytes"]):
        parquet.write_table(pyarrow.table({"x0": column, "y0": [1.0]}), path)
        refused(load_parquet, path, "'x0' has type", "make it numeric")
