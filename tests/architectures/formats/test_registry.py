"""Every format is a line of the registry, and the command line offers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sharefind.architectures import write_json
from sharefind.architectures.formats.registry import FORMATS, format_by_suffix, read_file
from sharefind.cli.export import NAMES
from tests.architectures.networks import network_of


def test_the_command_line_offers_every_format() -> None:
    assert NAMES.split("|") == list(FORMATS)
    assert format_by_suffix(Path("a.PY")) is FORMATS["torch"] and format_by_suffix(Path("a.txt")) is None


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_writes_what_it_reads(name: str, tmp_path: Path) -> None:
    network, chosen = network_of("c4"), FORMATS[name]
    path = tmp_path / f"file{chosen.suffix}"
    assert chosen.write(network.spec, lambda: network, path, seed=3).is_proven and path.stat().st_size
    assert chosen.next(network.spec, tmp_path, path)
    if chosen.read is not None:
        found = read_file(path)
        assert getattr(found, "spec", found) == network.spec


def test_weights_are_asked_for_by_formats_of_weights_alone(tmp_path: Path) -> None:
    asked: list[str] = []
    for name, chosen in FORMATS.items():
        chosen.write(network_of("c4").spec, lambda n=name: asked.append(n) or network_of("c4"), tmp_path / name)
    assert asked == ["safetensors", "onnx"]


def test_a_file_of_another_ending_is_a_specification(tmp_path: Path) -> None:
    spec = network_of("c4").spec
    write_json(spec, tmp_path / "spec.txt")
    assert read_file(tmp_path / "spec.txt") == spec
