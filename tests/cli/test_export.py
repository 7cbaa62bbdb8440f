"""export and verify: every format from one run, what is printed, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file

FORMATS = {
    "json": ("net.json", "sharefind verify net.json"),
    "torch": ("net.py", "sharefind train "),
    "safetensors": ("net.safetensors", "load_file('net.safetensors')"),
    "onnx": ("net.onnx", "InferenceSession('net.onnx')"),
    "emlp": ("net_emlp.py", "python net_emlp.py"),
    "escnn": ("net_escnn.py", "python net_escnn.py"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_written_and_says_what_is_next(call, finished: Path, format: str) -> None:
    name, following = FORMATS[format]
    ending = call("export", finished, "--format", format, "--out", name)
    assert (ending.status, ending.err) == (0, "")
    assert ending.out.startswith(f"wrote {name}: E^C2, dim 2 of 4: proven exactly over QQ")
    assert following in ending.out and "note" not in ending.out
    assert Path(name).stat().st_size > 0


def test_the_three_exports_of_a_model_agree(call, finished: Path, tmp_path: Path) -> None:
    for format in ("torch", "safetensors", "onnx"):
        assert call("export", finished, "--format", format, "--out", FORMATS[format][0]).status == 0
    x = np.random.default_rng(0).standard_normal((5, 2))
    np.save("x.npy", x)
    script = (
        "import numpy as np, torch; from safetensors.torch import load_file; from net import SharedShallowNetwork; "
        "net = SharedShallowNetwork(dtype=torch.float64); net.load_state_dict(load_file('net.safetensors')); "
        "np.save('y.npy', net(torch.from_numpy(np.load('x.npy'))).detach().numpy())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"x": x})[0]
    np.testing.assert_allclose(found, np.load("y.npy"), atol=1e-12)
    # W = ((a, b), (b, a)), by hand.
    a, b = load_file("net.safetensors")["coefficient"].T[:, :, None]
    inner = np.stack([a * x[:, 0] + b * x[:, 1], b * x[:, 0] + a * x[:, 1]], axis=-1)
    np.testing.assert_allclose(found, (1 / (1 + np.exp(-inner))).mean(0), atol=1e-12)


def test_the_model_is_the_one_that_was_trained(call, finished: Path) -> None:
    # Projection on the space that held changes particles by less than they moved from {0}.
    from sharefind.architectures import read_safetensors
    from sharefind.search import RunFolder

    call("export", finished, "--format", "safetensors", "--out", "net.safetensors")
    network = read_safetensors(Path("net.safetensors"))
    theta = RunFolder.open(finished).particles(1)[1]
    np.testing.assert_allclose(network.particles, network.spec.space.project(theta), atol=1e-12)


def test_float32_graphs_take_float32(call, finished: Path) -> None:
    assert call("export", finished, "--format", "onnx", "--dtype", "float32", "--out", "net.onnx").status == 0
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].type == "tensor(float)"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--format pickle --out spec", "there is no such format; use json, torch, safetensors, onnx, emlp, escnn"),
        ("--format json --dtype float32 --out spec", "onnx alone takes it"),
        ("--format onnx --dtype float16 --out spec", "float64 or float32"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(call, finished: Path, arguments: str, expected: str) -> None:
    ending = call("export", finished, *arguments.split())
    assert ending.status == 2 and expected in ending.err and ending.err.count("\n") == 1
    assert not Path("spec").exists()


def test_an_unusual_name_is_written_with_a_note(call, finished: Path) -> None:
    ending = call("export", finished, "--format", "onnx", "--out", "net.graph")
    assert ending.status == 0 and "readers expect a name that ends in .onnx" in ending.out


def test_weights_are_verified(call, finished: Path) -> None:
    call("export", finished, "--format", "safetensors", "--out", "net.safetensors")
    ending = call("verify", "net.safetensors")
    assert ending.status == 0 and "20 particles in the space, every coefficient finite" in ending.out
    assert json.loads(call("verify", "net.safetensors", "--json").out)["particles"] == 20


def test_a_changed_entry_is_refused(call, finished: Path) -> None:
    call("export", finished, "--format", "json", "--out", "net.json")
    text = Path("net.json").read_text()
    Path("net.json").write_text(text.replace('"labels": [1, 2, 2, 1]', '"labels": [1, 2, 1, 1]'))
    ending = call("verify", "net.json")
    assert (ending.status, ending.out) == (1, "") and ending.err.count("\n") == 1
    assert "generator 0 of C2 moves a parameter of the space" in ending.err


@pytest.mark.slow
@pytest.mark.ci
def test_a_group_that_rows_proposed_is_exported(call, tmp_path: Path) -> None:
    """Its run is rebuilt with the frame that half of the rows propose."""
    from sharefind.datasets.pendulum import pendulum_task

    np.savez("pendulum.npz", **dict(zip("xy", pendulum_task(samples=300).arrays(), strict=True)))
    group = ("--group", "O3", "--in-rep", "2*natural", "--out-rep", "natural")
    quick = ("--copies", "99", "--horizon", "1", "--particles", "4", "--quiet")
    assert call("discover", "pendulum.npz", *group, *quick, "--out", "run").status == 0
    for format in ("torch", "safetensors", "onnx"):
        ending = call("export", "run", "--format", format, "--out", FORMATS[format][0])
        assert ending.status == 0, ending.err
        assert "E^O2, dim " in ending.out and "proven exactly over QQ" in ending.out
    x = np.random.default_rng(0).standard_normal((6, 6))
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    axis = np.array(json.loads((tmp_path / "run" / "result.json").read_text())["subgroups"]["proposed"][0]["axes"][-1])
    mirror = np.linalg.svd(axis[None])[2][1]
    turn = np.eye(3) - 2 * np.outer(mirror, mirror)
    assert abs(float(axis @ turn @ axis) - 1) < 1e-12
    plain, moved = (session.run(None, {"x": rows})[0] for rows in (x, (x.reshape(6, 2, 3) @ turn.T).reshape(6, 6)))
    np.testing.assert_allclose(moved, plain @ turn.T, atol=1e-9)
