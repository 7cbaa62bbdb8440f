"""`sharefind verify`: verify the claims of an exported file again, from the file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sharefind.cli.console import print_json, result_console
from sharefind.cli.options import MaxDim, MaxFileSize, PlainJson
from sharefind.limits import Limits, limits_of


def verify(
    spec: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC", help="A file that export --format json or safetensors wrote.", show_default=False
        ),
    ],
    max_dim: MaxDim = None,
    max_file_size: MaxFileSize = None,
    json: PlainJson = False,
) -> None:
    """Prove again that a specification is equivariant, and say what was proven."""
    from sharefind.architectures import verify_file
    from sharefind.architectures.deep.files import is_deep_file

    if is_deep_file(spec):
        _verify_deep(spec, limits_of({"max_dim": max_dim, "max_file_size": max_file_size}), is_json=json)
        return
    certificate, network = verify_file(spec, limits_of({"max_dim": max_dim, "max_file_size": max_file_size}))
    particles = None if network is None else len(network.coefficient)
    if json:
        extra = {} if particles is None else {"particles": particles}
        print_json({"schema": "sharefind.certificate/1", "spec": str(spec), **certificate.to_json(), **extra})
        return
    weights = "" if particles is None else f"; {particles} particles in the space, every coefficient finite"
    result_console().print(f"{spec} holds: {certificate.statement}{weights}", soft_wrap=True)


def _verify_deep(path: Path, limits: Limits, *, is_json: bool) -> None:
    """Prove again that the deep network of a file is equivariant."""
    from sharefind.architectures.deep.files import read_deep
    from sharefind.architectures.deep.proof import prove

    certificate = prove(read_deep(path, limits))
    if is_json:
        print_json({"schema": "sharefind.deep-certificate/1", "spec": str(path), **certificate.to_json()})
        return
    result_console().print(f"{path} holds: {certificate.statement}", soft_wrap=True)
