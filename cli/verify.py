"""`sharefind verify`: check again what an exported specification claims, from the file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sharefind.cli.console import print_json, result_console
from sharefind.cli.options import PlainJson


def verify(
    spec: Annotated[
        Path,
        typer.Argument(metavar="SPEC", help="A file that export --format json wrote.", show_default=False),
    ],
    json: PlainJson = False,
) -> None:
    """Prove again that a specification is equivariant, and say what was proven."""
    from sharefind.export import certify, read_spec

    certificate = certify(read_spec(spec))
    if json:
        print_json({"schema": "sharefind.certificate/1", "spec": str(spec), **certificate.to_json()})
    else:
        result_console().print(f"{spec} holds: {certificate.statement}", soft_wrap=True)
