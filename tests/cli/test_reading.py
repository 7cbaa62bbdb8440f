"""The commands that read what a run left: inspect, export, verify; and groups."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch


def test_inspect_shows_the_result_and_every_node(call, finished: Path) -> None:
    ending = call("inspect", finished)
    assert ending.status == 0
    assert "E_* = E^C2, dimension 2 of 4" in ending.out
    assert "2 visited nodes" in ending.out
    assert max(map(len, ending.out.splitlines())) <= 100


@pytest.mark.parametrize("name", ["1", "E^C2"])
def test_inspect_a_node_by_number_or_name(call, finished: Path, name: str) -> None:
    ending = call("inspect", finished, "--node", name)
    assert ending.status == 0
    assert ending.out.startswith("E^C2, dimension 2 of 4, visited as number 1")
    assert "relative escape" in ending.out
    assert "proposed by" in ending.out


def test_inspect_json_is_the_result_with_all_nodes(call, finished: Path) -> None:
    record = json.loads(call("inspect", finished, "--json").out)
    nodes = record.pop("nodes")
    assert record == json.loads((finished / "result.json").read_text())
    assert [(node["node"], node["label"], node["dim"]) for node in nodes] == [(0, "{0}", 0), (1, "E^C2", 2)]
    assert nodes[1]["evidence"]["decision"] == "stay"


def test_inspect_json_of_a_node(call, finished: Path) -> None:
    record = json.loads(call("inspect", finished, "--node", "1", "--json").out)
    assert record["schema"] == "sharefind.node/1"
    assert [(g["source"], g["target"]) for g in record["growths"]] == [("{0}", "E^C2")]


@pytest.mark.parametrize("arguments", [(), ("--node", "1"), ("--node", "0")])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_inspect_draws(call, finished: Path, suffix: str, arguments: tuple[str, ...]) -> None:
    pytest.importorskip("matplotlib")
    ending = call("inspect", finished, "--plot", f"run.{suffix}", *arguments)
    assert (ending.status, ending.out, ending.err) == (0, f"run.{suffix}\n", f"wrote run.{suffix}\n")
    head = Path(f"run.{suffix}").read_bytes()[:100]
    assert head.startswith(b"\x89PNG") if suffix == "png" else b"<?xml" in head


def test_a_picture_without_matplotlib_names_the_extra(call, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ending = call("inspect", finished, "--plot", "run.png")
    assert ending.status == 2
    assert "pip install 'sharefind[report]'" in ending.err


def test_export_json_then_verify(call, finished: Path) -> None:
    written = call("export", finished, "--format", "json", "--out", "spec.json")
    assert written.status == 0
    assert "sharefind verify spec.json" in written.out
    verified = call("verify", "spec.json")
    assert verified.status == 0
    assert "E^C2, dim 2 of 4: proven exactly" in verified.out
    record = json.loads(call("verify", "spec.json", "--json").out)
    assert (record["group"], record["dim"], record["is_proven"]) == ("C2", 2, True)


def test_verify_fails_on_a_false_claim(call, finished: Path) -> None:
    call("export", finished, "--format", "json", "--out", "spec.json")
    spec = json.loads(Path("spec.json").read_text())
    spec["generators"][0]["in"] = [["1", "0"], ["0", "-1"]]
    Path("spec.json").write_text(json.dumps(spec))
    ending = call("verify", "spec.json")
    assert ending.status == 1
    assert ending.err.startswith("error: ")
    assert ending.err.count("\n") == 1


def test_exported_module_loads_without_sharefind_and_is_equivariant(call, finished: Path) -> None:
    assert call("export", finished, "--format", "torch", "--out", "net.py").status == 0
    assert "sharefind" not in Path("net.py").read_text().replace("Written by sharefind", "")
    spec = importlib.util.spec_from_file_location("exported_net", "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    layer = module.SharedLinear().double()
    x = torch.randn(64, 2, dtype=torch.float64)
    assert torch.allclose(layer(x.flip(1)), layer(x).flip(1), atol=1e-12)


def test_export_refuses_a_run_whose_space_does_not_hold(call, run: Path) -> None:
    text = (run / "lattice.json").read_text()
    (run / "lattice.json").write_text(text.replace('"decision": "stay"', '"decision": "grow"'))
    ending = call("export", run, "--format", "json", "--out", "spec.json")
    assert ending.status == 1
    assert not Path("spec.json").exists()


def test_groups_lists_the_catalogue(call) -> None:
    out = call("groups").out
    for pattern in ("C<n>", "D<n>", "S<n>", "A<n>", "V4", "B<n>", "R<n>", "SO<n>", "O<n>", "AxB"):
        assert pattern in out


def test_groups_of_a_name(call) -> None:
    record = json.loads(call("groups", "D4", "--json").out)
    assert (record["order"], record["subgroups"], record["subgroup_classes"]) == (8, 10, 8)
    assert "(0 1 2 3)" in call("groups", "D4").out
