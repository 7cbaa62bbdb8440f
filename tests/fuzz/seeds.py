"""Valid inputs of every reader, made by sharefind's own writers where it has one: what the mutations start from."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import safetensors.numpy
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures import SharingSpec, TrainedNetwork, to_json, write_safetensors
from sharefind.cli import main
from sharefind.groups import named_group, natural, parse_representation, sign
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.spaces import Subspace
from tests.fuzz import grammar
from tests.fuzz.mutation import NPZ, PARQUET, journal_line
from tests.specs import spec_on

SCHEMES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("C4", "natural", "natural"), "matrix:logistic"),
    (("C2", "natural", "natural"), "matrix+bias:tanh"),
    (("B2", "natural", "natural"), "matrix:tanh"),
    (("R5", "natural", "trivial"), "matrix:logistic"),
    (("SO3", "natural", "trivial"), "matrix+bias:tanh"),
    (("C1", "trivial:2", "trivial"), "matrix:logistic"),
    (("C3", "natural", "trivial", "regular"), "two-layer:logistic"),
)
TEXTS = 60

FOLDER_FILES = (
    "config.toml",
    "result.json",
    "lattice.json",
    "evidence.jsonl",
    "tests.jsonl",
    "diagnoses.jsonl",
    "spent.json",
    "data.sha256",
    "settings.sha256",
)
"""What a run folder is made of here; particles are read by a target of their own."""

SEARCH = (
    "discover",
    "--group",
    "C2",
    "--quiet",
    "--json",
    "--particles",
    "20",
    "--horizon",
    "1",
    "--copies",
    "19",
    "--alpha",
    "0.05",
)


@cache
def specs() -> tuple[SharingSpec, ...]:
    """Small schemes of every kind: tied, by a basis, numerical, {0}; with a bias, a hidden layer, a change of data."""
    plain = []
    for (name, *texts), unit in SCHEMES:
        group = named_group(name)
        plain.append(spec_on([parse_representation(text, group) for text in texts], unit, 4))
    nobody, two = named_group("C1"), named_group("C2")
    some = Subspace.numerical(np.random.default_rng(0).standard_normal((2, 4)))
    reps = [parse_representation("trivial:2", nobody)] * 2
    swapped = Standardisation(np.array([[2.0, 0.5], [0.5, 2.0]]), np.array([0.3, 0.3]), 4.0, np.array([300.0, 300.0]))
    pair = [natural(two), natural(two)]
    return (
        *plain,
        spec_on(reps, "matrix:tanh", 4, some),
        spec_on(pair, "matrix:tanh", 4, None, swapped),
        spec_on(pair, "matrix:tanh", 4, Subspace.zero(4)),
    )


def spec_files() -> list[bytes]:
    return [to_json(spec).encode() for spec in specs()]


def weight_files() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path, found = Path(folder) / "net.safetensors", []
        for spec in specs():
            write_safetensors(TrainedNetwork(spec, np.ones((1, spec.space.dim))), path)
            found.append(path.read_bytes())
        return found


def particle_files() -> list[bytes]:
    arrays = {name: np.arange(12.0).reshape(1, 4, 3) for name in ("start", "final")}
    return [safetensors.numpy.save(arrays)]


def config_files() -> list[bytes]:
    return [
        b'group = "C4"\ndata = "measurements.npz"\nalpha = 0.05\nseed = 3\n',
        b'blind = true\ntask = "c2-wi"\ndelta = 1e-3\nparticles = 100\nhorizon = 2.5\nmax_nodes = 4\n',
        b'generators = "group.json"\nin_rep = "natural"\nunit = "matrix:tanh"\nstop = "calibrated"\ngrowth = "mean"\n',
        b'group = "D4"\nhidden_rep = "regular"\nunit = "two-layer"\nstatistic = "correlogram"\ncopies = 99\n',
    ]


def _generators(name: str, *pairs: tuple[list[list[object]], list[list[object]]]) -> bytes:
    return json.dumps({"name": name, "generators": [{"in": a, "out": b} for a, b in pairs]}).encode()


def _integers(matrix: DomainMatrix) -> list[list[object]]:
    return [[int(entry) for entry in row] for row in matrix.to_dense().to_Matrix().tolist()]


def generator_files() -> list[bytes]:
    half, root = "1/2", "sqrt(3)/2"
    third = [["-" + half, "-" + root], [root, "-" + half]]
    fifth = [["cos(2*pi/5)", "-sin(2*pi/5)"], ["sin(2*pi/5)", "cos(2*pi/5)"]]
    cycle = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    reps = natural(named_group("D4")), sign(named_group("D4"))
    listed = zip(*(map(_integers, rep.generator_matrices) for rep in reps), strict=True)
    return [
        _generators("third", (third, [[1]])),
        _generators("fifth", (fifth, fifth)),
        _generators("cycle", (cycle, cycle)),
        _generators("reflections", ([[0, 1], [1, 0]], [[-1]]), ([[-1, 0], [0, 1]], [[1]])),
        _generators("D4", *listed),
    ]


def npz_files() -> list[bytes]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)), rng.standard_normal((6, 1))
    files = []
    for kind in ("<f8", "<f4", "<i2", "|b1", ">f8"):
        file = io.BytesIO()
        (np.savez_compressed if kind == "<f4" else np.savez)(file, x=x.astype(kind), y=y.astype(kind))
        files.append(file.getvalue())
    return [*files, NPZ.write(NPZ.read(files[0]))]


def csv_files() -> list[bytes]:
    return [b"x0,x1,y0\n1,2,3\n4,5.5,-6e-3\n", b'\xef\xbb\xbf"y0", x0\r\n1,2\r\n\r\n3,4\r\n', b"x0,y0,y1\n0,0,0\n"]


def parquet_files() -> list[bytes]:
    columns = [
        {"name": "x0", "values": [1.0, 2.0]},
        {"name": "x1", "values": [1, 2]},
        {"name": "y0", "values": [True, False]},
    ]
    return [PARQUET.write(columns), PARQUET.write(columns[::2])]


def npy_files() -> list[bytes]:
    named = np.array(
        [(1.5, 2, b"a", True), (2.5, 3, b"b", False)], dtype=[("a", "<f8"), ("b", "<i4"), ("c", "S1"), ("d", "?")]
    )
    files = []
    for array in (np.arange(12.0).reshape(6, 2), np.asfortranarray(np.ones((4, 3), "<f4")), named):
        file = io.BytesIO()
        np.save(file, array)
        files.append(file.getvalue())
    return files


def feather_files() -> list[bytes]:
    import pyarrow.feather

    words = pyarrow.array(["u", "v", "u", None]).dictionary_encode()
    table = pyarrow.table(
        {"a": [1.5, 2.5, None, 4.0], "w": ["x", "yy", "x", ""], "d": words, "b": [True, False, True, True]}
    )
    files = []
    for packing in ("uncompressed", "lz4", "zstd"):
        file = io.BytesIO()
        pyarrow.feather.write_feather(table, file, compression=packing)
        files.append(file.getvalue())
    return files


def table_files() -> list[bytes]:
    return [
        b"well a;T, \xc2\xb0C;state\n1,5;2,25;wet\n2,5;3,5;dry\n3,5;1;wet\n4,5;2;dry\n",
        b"a\tb\tc\n1.5\t2e3\t1\n2.5\t3\t0\n1\t1\t1\n2\t2\t0\n",
        b'"x|y"|"say ""so"""|day\n1|a|2024-01-01\n2|b|2024-01-02\n',
        b",a,a\n0,1,2\n1,2,3\n",
    ]


def map_files() -> list[bytes]:
    """A mirror, two generators, moves of order 3 written as fields that need quotes, and nothing that moves."""
    return [
        b"name,image,sign\nhip_l,hip_r,-1\nhip_r,hip_l,-1\nknee,knee,+1\nacc_l,acc_r,-\nacc_r,acc_l,-\n",
        b"name,image,sign,generator\nhip_l,hip_r,1,swap\nhip_r,hip_l,1,swap\nacc_l,acc_r,1,swap\nacc_r,acc_l,1,swap\n"
        b"knee,knee,-1.0,turn\nhip_l,hip_l,-1,2\n",
        b'\xef\xbb\xbfsign;name;image\r\n1;knee;"T, \xc2\xb0C"\r\n'
        b'1;"T, \xc2\xb0C";"say ""so"""\r\n1;"say ""so""";knee\r\n',
        b"name\timage\tsign\nhip_l\thip_l\t-1\n",
        b"name,image,sign\n",
    ]


def column_lists() -> list[bytes]:
    header = '\nwell_a\nwell_b\nT, \u00b0C\n5" pipe\nx*\n\na..b'
    lists = ("well_*,0..3", '"T, \u00b0C"..x*', '"5"" pipe", a..b', "4,[a-w]*,?*", '"', "..", "5..1", "well_b..well_a")
    return [(text + header).encode() for text in lists]


@cache
def _searched(task: str) -> tuple[bytes, dict[str, bytes]]:
    """A finished run, whose journal has no particles so that it is read without them, and its files of particles."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        with contextlib.redirect_stdout(io.StringIO()):
            if main([*SEARCH, "--task", task, "--out", str(path)]) != 0:
                raise RuntimeError("the search that is to be read again failed")
        files = {name: (path / name).read_text() for name in FOLDER_FILES if (path / name).exists()}
        particles = {file.name: file.read_bytes() for file in (path / "particles").iterdir()}
    lines = [json.loads(line) for line in files["evidence.jsonl"].splitlines()]
    kept = [{key: value for key, value in line.items() if key != "sha256"} | {"particles": None} for line in lines]
    return json.dumps({**files, "evidence.jsonl": "".join(map(journal_line, kept))}).encode(), particles


def run_folder() -> bytes:
    """A finished run in one JSON object."""
    return _searched("c2-wi")[0]


def run_folders() -> list[bytes]:
    """One in which the group holds, and one in which it is rejected and looked at closely."""
    return [run_folder(), _searched("c2-arbitrary")[0]]


def run_particles() -> dict[str, bytes]:
    """Files of particles that fit both runs, by their names."""
    return _searched("c2-arbitrary")[1]


def texts(make: grammar.Text) -> list[bytes]:
    rng = Random(0)
    return list(dict.fromkeys(make(rng).encode() for _ in range(TEXTS)))


def representation_texts() -> list[bytes]:
    """A digit that chooses the group, and an expression."""
    return [b"%d" % (k % 10) + text for k, text in enumerate(texts(grammar.representation))]


def command_lines() -> list[bytes]:
    lines = (
        "discover --group C4 --seed 3 --alpha 0.05 --particles 10",
        "discover --config config.toml --horizon 1e3 --jobs 2",
        "discover --blind --delta 0.1 --copies 99 --max-nodes 4 --max-seconds 1.5",
        "inspect run --node 1 --json",
        "report run --out page.html",
        "train run --epochs 3",
        "export run --format json --out spec.json",
        "verify spec.json --json",
        "groups C2xC3 --json",
        "reproduce --quick",
        "--version",
        "discover --help",
    )
    return [line.replace(" ", "\n").encode() for line in lines]
