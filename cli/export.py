"""`sharefind export`: write what a run found as an exact specification or as a plain torch module."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sharefind.cli.console import result_console
from sharefind.cli.options import Run
from sharefind.errors import ConfigError, RunFolderError

FORMATS = ("json", "torch")

LATER = ("safetensors", "onnx")
"""Formats of the contract that are not written yet."""


def export(
    run: Run,
    format: Annotated[str, typer.Option("--format", metavar="json|torch", help="What to write.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file to write.", show_default=False)],
) -> None:
    """Write what a run found: an exact specification (json), or a torch module that needs no sharefind."""
    _check(format, out)
    from sharefind.cli.problem import load_outcome
    from sharefind.export import certify, class_names, spec_from_outcome, write_json, write_torch
    from sharefind.search import RunFolder

    spec = spec_from_outcome(load_outcome(RunFolder.open(run)))
    (write_json if format == "json" else write_torch)(spec, out)
    follow = f"sharefind verify {shlex.quote(str(out))}" if format == "json" else _import_line(out, class_names(spec))
    console = result_console()
    console.print(f"wrote {out}: {certify(spec).statement}", soft_wrap=True)
    console.print(f"next  {follow}", soft_wrap=True)


def _import_line(out: Path, names: tuple[str, ...]) -> str:
    name = out.stem if out.stem.isidentifier() else "the module"
    return f"from {name} import {', '.join(names)}"


def _check(format: str, out: Path) -> None:
    if format in LATER:
        raise ConfigError(f"--format {format} is not available yet; use json or torch")
    if format not in FORMATS:
        raise ConfigError(f"--format {format}: there is no such format; use json or torch")
    if out.exists():
        raise RunFolderError(f"{out} exists; choose another --out, or move it away")
    if not out.parent.is_dir():
        raise RunFolderError(f"the folder {out.parent} does not exist; make it, or choose another --out")
