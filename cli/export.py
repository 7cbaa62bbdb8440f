"""`sharefind export`: write what a run found as a specification, as code, as weights or as a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sharefind.cli.console import result_console
from sharefind.cli.options import MaxDegree, MaxDim, MaxFileSize, MaxGroupOrder, MaxLattice, Run
from sharefind.errors import ConfigError
from sharefind.limits import limits_of
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures import Certificate, SharingSpec
    from sharefind.search import RunFolder, SearchOutcome

SUFFIXES = {
    "json": ".json",
    "torch": ".py",
    "safetensors": ".safetensors",
    "onnx": ".onnx",
    "emlp": ".py",
    "escnn": ".py",
}
"""Every format, with the ending that its readers expect of a file."""

DTYPES = ("float64", "float32")


def export(
    context: typer.Context,
    run: Run,
    format: Annotated[
        str, typer.Option("--format", metavar="|".join(SUFFIXES), help="What to write.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file to write.", show_default=False)],
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="|".join(DTYPES),
            help="Numbers of an ONNX graph.  [default: float64]",
            show_default=False,
        ),
    ] = None,
    max_group_order: MaxGroupOrder = None,
    max_degree: MaxDegree = None,
    max_dim: MaxDim = None,
    max_lattice: MaxLattice = None,
    max_file_size: MaxFileSize = None,
) -> None:
    """Write what a run found, each format verified before it is written.

    json is an exact specification, torch a module that needs no sharefind, safetensors the weights of the search's own
    model, onnx the same model as a graph; emlp and escnn are snippets for these libraries.
    """
    _check(format, out, dtype)
    from sharefind.architectures import spec_from_outcome
    from sharefind.cli.problem import finished_outcome
    from sharefind.search import RunFolder

    folder = RunFolder.open(run, limits_of(context.params))
    outcome = finished_outcome(folder)
    spec = spec_from_outcome(outcome)
    if format in ("safetensors", "onnx"):
        certificate = _write_model(outcome, folder, format, out, dtype)
    else:
        certificate = _write_spec(spec, format, out)
    context.obj.written = out
    console = result_console()
    console.print(f"wrote {out}: {certificate.statement}", soft_wrap=True)
    for title, line in zip(("next", *[""] * 9), _next(spec, format, run, out), strict=False):
        console.print(f"{title:<5} {line}", soft_wrap=True)
    if out.suffix != SUFFIXES[format]:
        console.print(f"note  readers expect a name that ends in {SUFFIXES[format]}", soft_wrap=True)


def _write_spec(spec: SharingSpec, format: str, out: Path) -> Certificate:
    from sharefind.architectures import write_json, write_snippet, write_torch

    if format in ("emlp", "escnn"):
        return write_snippet(spec, out, format)
    return write_json(spec, out) if format == "json" else write_torch(spec, out)


def _write_model(outcome: SearchOutcome, folder: RunFolder, format: str, out: Path, dtype: str | None) -> Certificate:
    from sharefind.architectures import searched_network, write_onnx, write_safetensors

    network = searched_network(outcome, folder)
    if format == "safetensors":
        return write_safetensors(network, out, folder.config().seed)
    return write_onnx(network, out, "float32" if dtype == "float32" else "float64", folder.config().seed)


def _next(spec: SharingSpec, format: str, run: Path, out: Path) -> list[str]:
    """What can be done with the file, in lines that can be pasted."""
    from sharefind.architectures import class_names

    if format == "torch":
        weights = shell_word(out.with_suffix(".safetensors"))
        return [
            f"from {out.stem if out.stem.isidentifier() else 'the module'} import {', '.join(class_names(spec))}",
            f"sharefind export {shell_word(run)} --format safetensors --out {weights}   (its trained weights)",
        ]
    if format == "safetensors":
        return [
            f"net.load_state_dict(safetensors.torch.load_file({str(out)!r}))   (net: the module of --format torch)",
            f"sharefind verify {shell_word(out)}",
        ]
    if format == "onnx":
        return [f'onnxruntime.InferenceSession({str(out)!r}).run(None, {{"x": x}})   (x: (batch, {spec.d_in}))']
    return [f"python {shell_word(out)}" if format != "json" else f"sharefind verify {shell_word(out)}"]


def _check(format: str, out: Path, dtype: str | None) -> None:
    if format not in SUFFIXES:
        raise ConfigError(f"--format {format}: there is no such format; use {', '.join(SUFFIXES)}")
    if dtype is not None and (format != "onnx" or dtype not in DTYPES):
        raise ConfigError(
            f"--dtype {dtype} with --format {format}: onnx alone takes it, float64 or float32; drop --dtype"
        )
    refuse_unwritable(out)
