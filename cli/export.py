"""`sharefind export`: write what a run found as a specification, as code, as weights or as a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sharefind.cli.console import result_console
from sharefind.cli.options import MaxDegree, MaxDim, MaxFileSize, MaxGroupOrder, MaxLattice, Run
from sharefind.errors import ConfigError
from sharefind.limits import Limits, limits_of
from sharefind.storage import refuse_unwritable, shell_word

if TYPE_CHECKING:
    from sharefind.architectures.formats.export_format import ExportFormat

NAMES = "json|torch|safetensors|onnx|emlp|escnn|augment"
"""The formats of `sharefind.architectures.formats.registry`, which takes too long to import for --help."""


def export(
    context: typer.Context,
    run: Run,
    format: Annotated[str, typer.Option("--format", metavar=NAMES, help="What to write.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The file to write.", show_default=False)],
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="float64|float32",
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
    model, onnx the same model as a graph; emlp and escnn are snippets for these libraries, augment the moves of the
    group on columns as a module that needs numpy only. In place of a run, a deep network that train wrote is taken, for
    the formats torch, onnx, safetensors and escnn.
    """
    chosen = _format(format, dtype)
    refuse_unwritable(out)
    from sharefind.architectures.deep.files import is_deep_file

    if run.is_file() and is_deep_file(run):
        _export_deep(run, format, dtype, out, limits_of(context.params))
        context.obj.written = out
        return
    from sharefind.architectures import refuse_open_maps, searched_network, spec_from_outcome
    from sharefind.cli.finished import finished_outcome
    from sharefind.search import RunFolder
    from sharefind.search.mirror_record import mirror_row

    folder = RunFolder.open(run, limits_of(context.params))
    outcome = finished_outcome(folder)
    mirror = mirror_row(outcome)
    refuse_open_maps(mirror)
    spec = spec_from_outcome(outcome)
    certificate = chosen.write(spec, lambda: searched_network(outcome, folder), out, folder.config().seed, dtype)
    context.obj.written = out
    console = result_console()
    console.print(f"wrote {out}: {certificate.statement}", soft_wrap=True)
    for number, line in enumerate(chosen.next(spec, run, out)):
        console.print(f"{'' if number else 'next':<5} {line}", soft_wrap=True)
    if mirror is not None and (aside := [*mirror.inputs_aside, *mirror.outputs_aside]):
        left = f"the maps leave {', '.join(aside)} alone: what they do there is not determined"
        console.print(f"note  {left}", soft_wrap=True)
    if out.suffix != chosen.suffix:
        console.print(f"note  readers expect a name that ends in {chosen.suffix}", soft_wrap=True)


def _export_deep(path: Path, format: str, dtype: str | None, out: Path, limits: Limits) -> None:
    """Write a deep network in another format."""
    if dtype == "float32":
        raise ConfigError("--dtype float32: deep networks are written in float64; drop --dtype")
    from sharefind.architectures.deep.files import read_deep, write_deep
    from sharefind.architectures.deep.torch_source import MODULE

    certificate = write_deep(read_deep(path, limits), out, format=format)
    console = result_console()
    console.print(f"wrote {out}: {certificate.statement}", soft_wrap=True, markup=False)
    if format == "torch":
        loaded = f"net = {MODULE}(); net.load_state_dict(load_file({str(path)!r}))"
        console.print(f"next  {loaded}", soft_wrap=True, markup=False)
    if format == "escnn":
        console.print(f"next  python {shell_word(out)}", soft_wrap=True, markup=False)


def _format(name: str, dtype: str | None) -> ExportFormat:
    """Return the format of a name.

    Raises:
        ConfigError: The format does not exist, or does not accept the type.
    """
    from sharefind.architectures.formats.registry import FORMATS

    if name not in FORMATS:
        raise ConfigError(f"--format {name}: there is no such format; use {', '.join(FORMATS)}")
    if dtype is not None and dtype not in FORMATS[name].dtypes:
        raise ConfigError(
            f"--dtype {dtype} with --format {name}: onnx alone takes it, float64 or float32; drop --dtype"
        )
    return FORMATS[name]
