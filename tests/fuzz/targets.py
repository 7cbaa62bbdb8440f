"""Every reader and every grammar of sharefind as a function of bytes, which it may accept or refuse in one line.

What is done about the inputs lies in `seeds` and `mutation`, what is promised about each call in `guard`.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sharefind.architectures import (
    SharingSpec,
    from_json,
    read_safetensors,
    read_spec,
    to_json,
    torch_source,
    verify_file,
)
from sharefind.architectures.layers import SharedLinear, SharedTwoLayer
from sharefind.cli import main
from sharefind.cli.config_file import merged_config
from sharefind.datasets import Roles, load_csv, load_npz, load_parquet, read_table, table_task
from sharefind.datasets.column_choice import Columns
from sharefind.datasets.map_file import written_map
from sharefind.errors import DataError, ExportError, InputError, SharefindError
from sharefind.groups import (
    exact_domain,
    format_element,
    format_exact,
    load_generators,
    named_group,
    parse_element,
    parse_exact,
    parse_representation,
)
from sharefind.groups.column_maps import column_maps, map_table
from sharefind.meanfield.units import build_unit
from sharefind.report.text.runs import load_run
from sharefind.search import RunFolder
from sharefind.search.node_record import NODE
from sharefind.search.persistence.particles import read_particles
from tests.fuzz import grammar, mutation, seeds
from tests.fuzz.guard import SECONDS, Broken, Outcome, Run, examine

GROUPS = ("C4", "D4", "S3", "B2", "R5", "SO3", "C2xC3", "C1", "V4", "O2")

MAX_WIDTH, MAX_AMBIENT, MAX_GENERATORS = 12, 300, 6
"""Specifications above these are read and not proven: a proof may take long, by how much is for its own limits."""

LISTING = 5.0
"""Processor time in which the subgroups of any group are listed, up to --max-lattice."""

PAGE = 20.0
"""Processor time of a page with its pictures, or of the exact proofs before an export, up to the limits."""

MAPPED_INPUTS, MAPPED_OUTPUTS = ("hip_l", "hip_r", "knee", "T, \u00b0C", 'say "so"'), ("acc_l", "acc_r")
"""Columns that maps move."""

UNEXPECTED = "run again with --debug"
"""What the command line says of an exception that it did not expect."""

UNSAFE_WORDS = ("dask", "ray", "address", "resume")
"""Command lines with these would start or look for workers, or go on with a search."""


@dataclass(frozen=True)
class Target:
    """A function of bytes and of a folder in which it may work, with valid inputs and the form that they have."""

    name: str
    run: Run
    seeds: Callable[[], list[bytes]]
    form: mutation.Form | None = None
    allowed: type[SharefindError] = InputError
    seconds: float = SECONDS

    def examine(self, data: bytes, folder: Path) -> Outcome:
        """Give it an input, under the limit on its time; the limit on memory is for the process."""
        return examine(self.run, self.allowed, data, folder, self.seconds)


def every_target() -> dict[str, Target]:
    """The targets by name, the four that are fuzzed longest first."""
    text = _texts
    listed = (
        Target("spec", _spec, seeds.spec_files, mutation.JSON),
        Target("config", _config, seeds.config_files, mutation.TOML),
        Target("generators", _generators, seeds.generator_files, mutation.JSON),
        Target("npz", _npz, seeds.npz_files, mutation.NPZ),
        Target("verify", _verify, seeds.spec_files, mutation.JSON, SharefindError),
        Target("shared", _shared, seeds.spec_files, mutation.JSON, SharefindError),
        Target("weights", _weights, seeds.weight_files, mutation.SAFETENSORS, SharefindError),
        Target("csv", _csv, seeds.csv_files, mutation.CSV),
        Target("parquet", _parquet, seeds.parquet_files, mutation.PARQUET),
        Target("npy", _table(".npy"), seeds.npy_files),
        Target("feather", _table(".feather"), seeds.feather_files),
        Target("table", _table(".csv"), seeds.table_files, mutation.CSV),
        Target("columns", _columns, seeds.column_lists, mutation.TEXT),
        Target("map", _map, seeds.map_files, mutation.CSV),
        Target("run", _run, seeds.run_folders, mutation.FOLDER),
        Target("inspect", _inspect, seeds.run_folders, mutation.FOLDER),
        Target("report", _report, seeds.run_folders, mutation.FOLDER, seconds=PAGE),
        Target("resume", _resume, seeds.run_folders, mutation.FOLDER, seconds=PAGE),
        Target("export", _export, seeds.run_folders, mutation.FOLDER, seconds=PAGE),
        Target("particles", _particles, seeds.particle_files, mutation.SAFETENSORS),
        Target("number", _number, text(grammar.number), mutation.TEXT),
        Target("representation", _representation, seeds.representation_texts, mutation.TEXT),
        Target("group", _group, text(grammar.group_name), mutation.TEXT),
        Target("groups-command", _groups_command, text(grammar.group_name), mutation.TEXT, seconds=2 * LISTING),
        Target("unit", _unit, text(grammar.unit), mutation.TEXT),
        Target("command-line", _command_line, seeds.command_lines, mutation.LINES),
    )
    return {target.name: target for target in listed}


def _texts(make: grammar.Text) -> Callable[[], list[bytes]]:
    return lambda: seeds.texts(make)


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _spec(data: bytes, folder: Path) -> None:
    spec = read_spec(_file(folder, "spec.json", data))
    if from_json(to_json(spec)) != spec:
        raise Broken("a specification that was written and read again is another one")


def _is_small(spec: SharingSpec) -> bool:
    generators = len(spec.generators) + len(spec.lie_generators)
    return sum(spec.dims) <= MAX_WIDTH and spec.space.ambient <= MAX_AMBIENT and generators <= MAX_GENERATORS


def _verify(data: bytes, folder: Path) -> None:
    path = _file(folder, "spec.json", data)
    spec = read_spec(path)
    if _is_small(spec):
        certificate, _ = verify_file(path)
        _check_source(torch_source(spec, certificate))


def _check_source(source: str) -> None:
    """Texts of a file may stand in exported code and never run: it calls and imports nothing that others do not."""
    new = _uses(source) - _known_uses()
    if new:
        raise Broken(f"the exported module uses {sorted(new)}")


@cache
def _known_uses() -> frozenset[str]:
    return frozenset().union(*(_uses(torch_source(spec)) for spec in seeds.specs()))


def _uses(source: str) -> frozenset[str]:
    nodes = list(ast.walk(ast.parse(source)))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    imported = {ast.unparse(node) for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))}
    return frozenset(called | imported)


def _shared(data: bytes, folder: Path) -> None:
    path = _file(folder, "spec.json", data)
    spec = read_spec(path)
    if _is_small(spec):
        (SharedTwoLayer if spec.has_hidden else SharedLinear).from_spec(path)


def _weights(data: bytes, folder: Path) -> None:
    path = _file(folder, "net.safetensors", data)
    network = read_safetensors(path)
    if _is_small(network.spec):
        with contextlib.suppress(ExportError):
            verify_file(path)


def _config(data: bytes, folder: Path) -> None:
    merged_config({}, _file(folder, "config.toml", data))


def _generators(data: bytes, folder: Path) -> None:
    load_generators(_file(folder, "group.json", data))


def _npz(data: bytes, folder: Path) -> None:
    load_npz(_file(folder, "data.npz", data))


def _csv(data: bytes, folder: Path) -> None:
    load_csv(_file(folder, "data.csv", data))


def _parquet(data: bytes, folder: Path) -> None:
    load_parquet(_file(folder, "data.parquet", data))


def _table(suffix: str) -> Run:
    """Columns of a file as they are, and as inputs beside the last one, which may be classes or numbers."""

    def read(data: bytes, folder: Path) -> None:
        table = read_table(_file(folder, f"data{suffix}", data))
        last = str(len(table.header) - 1)
        for labels in ("classes", "numbers"):
            with contextlib.suppress(DataError):
                table_task(table, Roles(outputs=last, labels=labels))

    return read


def _columns(data: bytes, folder: Path) -> None:
    """A list of columns, of a file whose names are the rest of the lines."""
    text, *header = _text(data).split("\n")
    columns = Columns(header, "data")
    for choice in columns.chosen(text, "inputs"):
        for k in choice.positions:
            if not 0 <= k < len(header):
                raise Broken("a column is chosen that is not there")


def _map(data: bytes, folder: Path) -> None:
    """A map of columns: what it generates on columns with names, written and read again."""
    read = written_map(_file(folder, "map.csv", data)).bound(MAPPED_INPUTS, MAPPED_OUTPUTS)
    maps = column_maps(read.in_rep, read.out_rep)
    if not maps:
        raise Broken("what a map generates is no map of columns")
    table = map_table(maps, MAPPED_INPUTS, MAPPED_OUTPUTS)
    again = written_map(_file(folder, "again.csv", table.encode())) if table.count("\n") > 1 else None
    if again is not None and again.bound(MAPPED_INPUTS, MAPPED_OUTPUTS).group.order != read.group.order:
        raise Broken("a map that was written and read again generates another group")


def _unpacked(data: bytes, folder: Path) -> Path:
    """A run folder with the files of a bundle; names that no run has are left out."""
    path = folder / "run"
    path.mkdir(exist_ok=True)
    try:
        bundle = json.loads(data)
    except (ValueError, RecursionError):
        bundle = {}
    files = bundle if isinstance(bundle, dict) else {}
    for name in seeds.FOLDER_FILES:
        text = files.get(name)
        (path / name).unlink(missing_ok=True)
        if isinstance(text, str):
            (path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def _run(data: bytes, folder: Path) -> None:
    path = _unpacked(data, folder)
    run = RunFolder.open(path)
    run.tests()
    run.seconds()
    run.config()
    view = load_run(path)
    for node in view.lattice.nodes():
        run.get(NODE, node.key)
        view.find(node.label)


def _inspect(data: bytes, folder: Path) -> None:
    path = _unpacked(data, folder)
    _called(["inspect", str(path)])
    _called(["inspect", str(path), "--json"])
    _called(["inspect", str(path), "--node", "1"])


def run_of_bundle(data: bytes, folder: Path) -> Path:
    """The run folder of a bundle, with particles that are as they were left."""
    path = _unpacked(data, folder)
    (path / "particles").mkdir(exist_ok=True)
    for name, content in seeds.run_particles().items():
        (path / "particles" / name).write_bytes(content)
    return path


def _report(data: bytes, folder: Path) -> None:
    """Texts of a run may stand on its page and are never part of its markup."""
    page = folder / "page.html"
    page.unlink(missing_ok=True)
    _called(["report", str(run_of_bundle(data, folder)), "--out", str(page)])
    if page.exists() and mutation.MARKUP[:3] in page.read_text():
        raise Broken("a text of the run became markup of its page")


def _export(data: bytes, folder: Path) -> None:
    """A changed run is refused, or exported as something that holds."""
    path, spec = run_of_bundle(data, folder), folder / "spec.json"
    for format, out in (("json", spec), ("safetensors", folder / "net.safetensors")):
        out.unlink(missing_ok=True)
        _called(["export", str(path), "--format", format, "--out", str(out)])
    if spec.exists():
        verify_file(spec)


def _resume(data: bytes, folder: Path) -> None:
    """Evidence that was changed is told, or it is the run that is refused; what is left is searched again."""
    path = run_of_bundle(data, folder)
    _called(["discover", "--resume", str(path), "--max-seconds", "1", "--max-nodes", "3", "--quiet"])


def _particles(data: bytes, folder: Path) -> None:
    (folder / "particles").mkdir(exist_ok=True)
    _file(folder, "particles/node-0000.safetensors", data)
    read_particles(folder, 0)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _number(data: bytes, folder: Path) -> None:
    text = _text(data)
    number = parse_exact(text)
    domain = exact_domain([text])
    element = parse_element(text, domain)
    if parse_element(format_element(element, domain), domain) != element:
        raise Broken("a number that was written and read again is another one")
    parse_exact(format_exact(number))


def _representation(data: bytes, folder: Path) -> None:
    group = named_group(GROUPS[data[0] % len(GROUPS)] if data else GROUPS[0])
    parse_representation(_text(data[1:]), group)


def _group(data: bytes, folder: Path) -> None:
    named_group(_text(data))


def _groups_command(data: bytes, folder: Path) -> None:
    for more in ([], ["--json"]):
        _called(["groups", *more, "--", _text(data).replace("\x00", "")])


def _unit(data: bytes, folder: Path) -> None:
    group = named_group("C2")
    rep = parse_representation("natural", group)
    build_unit(_text(data), rep, rep, rep if b"two" in data else None)


def _command_line(data: bytes, folder: Path) -> None:
    """No line of these starts work: the data of a search are missing, and nothing is reproduced."""
    words = [word.replace("/", "_").replace("\x00", "") for word in _text(data).split("\n")]
    if any(unsafe in word.lower() for word in words for unsafe in UNSAFE_WORDS):
        return
    if "discover" in words:
        words += ["--data", "missing.npz"]
    if "reproduce" in words:
        words = [word for word in words if word.startswith("-")] + ["reproduce", "nothing"]
    with contextlib.chdir(folder):
        _file(folder, "config.toml", b'group = "C4"\n')
        _called(words)


def _called(words: list[str]) -> None:
    """The command line with these words; what it prints is held against what it promises."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    printed, said = (_content(stream) for stream in (out, err))
    last = said.strip().rpartition("\n")[2]
    if status not in (0, 1, 2) or (status != 0 and not last.startswith("error: ")):
        raise Broken(f"{words[:1]} ended with {status} and {said[-300:]!r}")
    if UNEXPECTED in said:
        raise Broken(f"{words[:1]}: {_without_values(last)}")
    if any(not (c.isprintable() or c == "\n") for c in printed + said):
        raise Broken(f"{words[:1]} printed a control character")


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    raw = stream.buffer
    return raw.getvalue().decode("utf-8", "replace").replace(os.linesep, "\n") if isinstance(raw, io.BytesIO) else ""


def _without_values(message: str) -> str:
    return message[:120]
