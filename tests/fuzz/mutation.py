"""Changes to valid files: of their bytes, and of the tree of values that they hold, written again in their own format.

A `Form` is how a format becomes such a tree and comes back; what the changed files are given to is in `targets`.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
import tomllib
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import tomli_w

from tests.fuzz import grammar

MAX_PLACES = 3_000
MAX_SIZE = 200_000
"""Longest input in bytes: what is slow on a short file is a fault, what is slow on a long one may be work."""

NUMBERS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 2**31, -(2**31), 2**63, -(2**63) - 1, 10**30, 10**400,
    0.5, -0.0, 1e308, 5e-324, math.nan, math.inf, -math.inf,
)  # fmt: skip
MARKUP = "<b onload=fuzz>&quot;'\"</b>"
"""What no page may hold as it stands."""

TEXTS = (
    "", "0", "1/0", "x", "y", "x0", "x1", "y0", "\x00", "\ud800", "\x1b[31m", "é", "a" * 600, "9" * 5000,
    "../../x", "/", MARKUP,
    "C4", "C10000", "S5", "SO3", "E^C4", "<f8", "|O", "<U9", ">i2", "<M8[ns]", "V", "<f8,<f8", "F32", "F64", "BOOL",
    "tying", "basis", "numerical", "matrix:tanh", "matrix+bias", "two-layer", "radial", "natural",
)  # fmt: skip
TREES: tuple[Any, ...] = (
    [], {}, [[]], [None], [0] * 300, {"": 0}, [[0, 1], [1, 0]], [["a", "<f8"]], [3, 3], [-1], [10**6, 10**7],
    [2**62, 2],
)  # fmt: skip
VALUES = (*NUMBERS, *TEXTS, *TREES)

CHUNKS: tuple[bytes, ...] = (
    *(word.encode("utf-8", "surrogatepass") for word in grammar.WORDS),
    b"[" * 3000, b'{"a":' * 1000, b"]", b"}", b",", b":", b'"', b"null", b"NaN", b"-Infinity", b"1e999",
    b"0" * 400,
    b"9" * 5000, b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\r\n", b",,,,", b"x0", b"y0", b"'''", b"[[a]]",
    b"a.b.c.d=1\n", b"1979-05-27T07:32:00Z", b"PK\x03\x04", b"PK\x01\x02", b"\x93NUMPY", b"PAR1",
    struct.pack("<Q", 2**63), struct.pack("<Q", 2**40), struct.pack("<I", 2**31),
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """A format as a tree of lists, dictionaries, texts and numbers: `read` it, and `write` it as bytes."""

    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]


def mutate(data: bytes, form: Form | None, rng: Random) -> bytes:
    """Another input made from one that exists."""
    changed = None if form is None or rng.random() < 0.25 else _changed_tree(data, form, rng)
    while changed is None or (form is None and rng.random() < 0.4):
        changed = change_bytes(data if changed is None else changed, rng)
    return changed[:MAX_SIZE]


def _changed_tree(data: bytes, form: Form, rng: Random) -> bytes | None:
    """None where the file has no tree, or the changed tree has no file."""
    try:
        return form.write(change_tree(form.read(data), rng))
    except Exception:  # whatever the library of a format says about nonsense
        return None


def change_bytes(data: bytes, rng: Random) -> bytes:
    """One change of a few bytes, or of a piece."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    if b - a > 64 and rng.random() < 0.8:
        b = a + rng.randrange(64)
    match rng.randrange(7):
        case 0:
            return data[:a] + rng.choice(CHUNKS) + data[a:]
        case 1:
            return data[:a] + rng.choice(CHUNKS) + data[b:]
        case 2:
            return data[:a] + data[b:]
        case 3:
            return data[:a] + data[a:b] * rng.choice((2, 3, 100)) + data[b:]
        case 4:
            return data[:a] + bytes([rng.randrange(256)]) + data[a + 1 :]
        case 5 if a < len(data):
            return data[:a] + bytes([data[a] ^ (1 << rng.randrange(8))]) + data[a + 1 :]
        case _:
            return data[:a] if rng.random() < 0.2 else data[:a] + bytes([rng.randrange(32, 127)]) + data[a:]


def change_tree(tree: Any, rng: Random) -> Any:
    """One to three values of a tree changed, taken out, copied or put in another's place."""
    root = {"": tree}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = _places(root)
        holder, key = rng.choice(places)
        if rng.random() < 0.15:
            other, there = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[there]))
        else:
            _change(holder, key, rng)
        if "" not in root:
            return rng.choice(VALUES)
    return root[""]


def _places(root: dict[str, Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    open_: list[Any] = [root]
    while open_ and len(found) < MAX_PLACES:
        holder = open_.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            found.append((holder, key))
            if isinstance(value, (dict, list)):
                open_.append(value)
    return found


def _change(holder: Any, key: Any, rng: Random) -> None:
    match rng.randrange(8):
        case 0 | 1:
            holder[key] = _other(rng)
        case 2:
            del holder[key]
        case 3 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * rng.choice((1, 1, 3, 200))
        case 3:
            holder[rng.choice(list(holder)) + rng.choice(("", "_", "0"))] = holder[key]
        case 4 if isinstance(holder, dict):
            holder[grammar.with_a_fault(key, rng)] = holder.pop(key)
        case _:
            holder[key] = _near(holder[key], rng)


def _other(rng: Random) -> Any:
    if rng.random() < 0.4:
        return rng.choice((grammar.number, grammar.representation, grammar.group_name, grammar.unit))(rng)
    value = rng.choice(VALUES)
    return json.loads(json.dumps(value)) if isinstance(value, (list, dict)) else value


def _near(value: Any, rng: Random) -> Any:
    """A value of the same type, where there is one."""
    match value:
        case bool():
            return not value
        case int():
            return rng.choice((value + 1, value - 1, -value, 2 * value, value * 10**6, float(value), str(value)))
        case float():
            return rng.choice((-value, value * 1e300, value + 1e-9, math.nan, int(value) if abs(value) < 1e18 else 0))
        case str():
            return grammar.with_a_fault(value, rng)
        case list() if value:
            return rng.choice((value[::-1], value[:-1], value + value, [value], value[0]))
        case dict() if value:
            return rng.choice(([value], list(value.values()), {**value, "extra": 0}))
        case _:
            return _other(rng)


def _json_bytes(tree: Any) -> bytes:
    return json.dumps(tree).encode()


JSON = Form(json.loads, _json_bytes)
TOML = Form(
    lambda data: tomllib.loads(data.decode()), lambda tree: tomli_w.dumps(tree).encode("utf-8", "surrogatepass")
)
CSV = Form(
    lambda data: [line.split(",") for line in data.decode().splitlines()],
    lambda rows: "\n".join(",".join(map(str, row)) for row in rows).encode("utf-8", "surrogatepass"),
)
TEXT = Form(bytes.decode, lambda text: str(text).encode("utf-8", "surrogatepass"))
LINES = Form(
    lambda data: data.decode().split("\n"),
    lambda words: "\n".join(map(str, words)).encode("utf-8", "surrogatepass"),
)


def _read_safetensors(data: bytes) -> dict[str, Any]:
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    spec = header.get("__metadata__", {}).pop("spec", None)
    return {
        "header": header,
        "spec": None if spec is None else json.loads(spec),
        "body": data[8 + size :].decode("latin1"),
    }


def _write_safetensors(tree: dict[str, Any]) -> bytes:
    header = tree["header"]
    if tree.get("spec") is not None:
        header["__metadata__"]["spec"] = json.dumps(tree["spec"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tree["body"].encode("latin1")


SAFETENSORS = Form(_read_safetensors, _write_safetensors)


def _read_npz(data: bytes) -> list[dict[str, Any]]:
    """The members of an archive, the header of each array as values."""
    members = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            content = io.BytesIO(archive.read(info))
            version = np.lib.format.read_magic(content)
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(content)
            members.append(
                {
                    "name": info.filename,
                    "version": list(version),
                    "descr": np.lib.format.dtype_to_descr(dtype),
                    "fortran_order": is_fortran,
                    "shape": list(shape),
                    "junk": "",
                    "deflated": info.compress_type == zipfile.ZIP_DEFLATED,
                    "body": content.read().decode("latin1"),
                }
            )
    return members


def _write_npz(members: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w") as archive:  # a name given twice
        for member in members:
            shape = member["shape"]
            header = {
                "descr": [tuple(part) for part in member["descr"]]
                if isinstance(member["descr"], list)
                else member["descr"],
                "fortran_order": member["fortran_order"],
                "shape": tuple(shape) if isinstance(shape, list) else shape,
            }
            text = (repr(header) + str(member["junk"])).encode("latin1", "replace") + b"\n"
            magic = b"\x93NUMPY" + bytes(member["version"])
            content = magic + struct.pack("<H", len(text) % 2**16) + text + member["body"].encode("latin1")
            how = zipfile.ZIP_DEFLATED if member["deflated"] else zipfile.ZIP_STORED
            info = zipfile.ZipInfo(str(member["name"]))
            archive.writestr(info, content, how)
    return file.getvalue()


NPZ = Form(_read_npz, _write_npz)


def _read_parquet(data: bytes) -> list[dict[str, Any]]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(data))
    return [{"name": name, "values": table.column(name).to_pylist()} for name in table.column_names]


def _write_parquet(columns: list[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    file = io.BytesIO()
    arrays = [pyarrow.array(column["values"]) for column in columns]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, [column["name"] for column in columns]), file)
    return file.getvalue()


PARQUET = Form(_read_parquet, _write_parquet)

JOURNAL = ".jsonl"


def _read_folder(data: bytes) -> dict[str, Any]:
    """{file: content} with what the content holds: JSON, TOML, the records of a journal."""
    return {name: _read_file(name, text) for name, text in json.loads(data).items()}


def _read_file(name: str, text: str) -> Any:
    if name.endswith(JOURNAL):
        return [{k: v for k, v in json.loads(line).items() if k != "sha256"} for line in text.splitlines()]
    if name.endswith(".json"):
        return json.loads(text)
    return tomllib.loads(text) if name.endswith(".toml") else text


def _write_folder(tree: dict[str, Any]) -> bytes:
    return _json_bytes({name: _write_file(name, value) for name, value in tree.items()})


def _write_file(name: str, value: Any) -> str:
    if name.endswith(JOURNAL):
        return "".join(journal_line(record) for record in value)
    if name.endswith(".json"):
        return json.dumps(value)
    return tomli_w.dumps(value) if name.endswith(".toml") else value


def journal_line(record: Any) -> str:
    """A line of a journal, with the checksum that makes its reader believe it."""
    text = json.dumps(record)
    return f'{text[:-1]}, "sha256": "{hashlib.sha256(text.encode()).hexdigest()}"}}\n'


FOLDER = Form(_read_folder, _write_folder)
"""A run folder in one JSON object, {file: text}."""
