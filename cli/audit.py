"""`sharefind audit`: how far a network is from equivariance, and which layer breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sharefind.cli.console import print_json, progress_console, result_console
from sharefind.cli.options import DISCOVER, JSON, LIMITS, QUIET, Choice, Panels, takes
from sharefind.errors import ConfigError
from sharefind.limits import Limits, limits_of

if TYPE_CHECKING:
    from sharefind.architectures.audit import Audit
    from sharefind.datasets.input_rows import InputRows
    from sharefind.datasets.roles import Roles
    from sharefind.groups import Representation

COLUMNS = ("inputs", "outputs", "drop", "categorical", "axes", "shape", "out_axes", "out_shape", "delimiter", "decimal")
"""Options about the columns of the data; labels are not read."""

AUDIT: Panels = {
    "Group": (
        Choice("group", str, "NAME", "The group: C4, D5, S4, C2xC3, ..."),
        Choice("generators", str, "FILE", "The group from a JSON file of generators, with its actions."),
        Choice("map", str, "FILE", "The group from a table of columns: name, image, sign."),
        Choice("in_rep", str, "EXPR", "How the group acts on inputs; default natural."),
        Choice("out_rep", str, "EXPR", "How the group acts on outputs; default natural."),
    ),
    "Data": (
        Choice("data", str, "FILE_OR_NAME", "Rows on which the network is used; labels need not be there."),
        *(choice for choice in DISCOVER["Columns of the data"] if choice.name in COLUMNS),
    ),
    "What is written": (
        Choice("report", Path, "FILE.html", "Write the audit as one HTML page."),
        Choice("snap", Path, "FILE.onnx", "Write the network with every layer projected on its exact space."),
        Choice("tune", int, "K", "With --snap: steps of training in the exact spaces, towards the old outputs.", 0, 0),
        Choice("all", bool, "", "Show every element in the table."),
        JSON,
        QUIET,
    ),
    "Limits": LIMITS,
}


@takes(AUDIT)
def audit(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="An .onnx file, or .safetensors from sharefind.", show_default=False),
    ],
    **options: Any,
) -> None:
    """Audit a network: its equivariance error by element of a group, and by layer where its layers can be read.

    Example: sharefind audit model.onnx --group D4 --in-rep grid:8 --out-rep trivial:10 --data rows.npz
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    limits = limits_of(given)
    _check(given, model)
    from sharefind.architectures.audit import audit_network, network_file
    from sharefind.datasets.input_rows import load_inputs
    from sharefind.datasets.roles import Roles
    from sharefind.report.text.stage_progress import stage_progress

    _use_one_thread()
    network = network_file(model, limits)
    roles = Roles(**{name: given[name] for name in COLUMNS if name in given})
    rows = load_inputs(given["data"], limits, roles, network.inputs)
    in_rep, out_rep = _representations(given, rows, roles, network.outputs, limits)
    words, is_quiet, is_json = "reading the network", options["quiet"], options["json"]
    with stage_progress(progress_console(), words, is_silent=is_quiet, is_json=is_json) as on_progress:
        found = audit_network(network, in_rep, out_rep, rows.x, on_progress)
    snapped = _snapped(found, model, given) if "snap" in given else None
    if "report" in given:
        from sharefind.report.page.audit_page import write_audit_page

        write_audit_page(found, given["report"])
    if options["json"]:
        print_json({**found.to_json(), "snapped": snapped})
        return
    from sharefind.report.text.audit_tables import audit_view

    console = result_console()
    console.print(audit_view(found, is_whole=options["all"]))
    for line in _written(given, snapped):
        console.print(line, soft_wrap=True)


def _check(given: dict[str, Any], model: Path) -> None:
    """Refuse options that do not fit each other, and files that could not be written, before anything is loaded."""
    groups = [name for name in ("group", "generators", "map") if name in given]
    if len(groups) != 1:
        what = "no group is given" if not groups else f"--{' and --'.join(groups)} exclude each other"
        raise ConfigError(f"{what}; give one of --group NAME, --generators FILE and --map FILE")
    if "data" not in given:
        raise ConfigError("the network needs rows of inputs; give a file with --data")
    reps = [f"--{name.replace('_', '-')}" for name in ("in_rep", "out_rep") if name in given]
    if reps and "group" not in given:
        raise ConfigError(f"--{groups[0]} says how the group acts; drop {' and '.join(reps)}")
    if given.get("tune") and "snap" not in given:
        raise ConfigError("--tune trains the network that --snap writes; give a file with --snap, or drop --tune")
    if "report" in given:
        from sharefind.report.page.audit_page import check_audit_page

        check_audit_page(given["report"])
    if "snap" in given:
        from sharefind.architectures.audit.snap_files import check_snap

        check_snap(model, given["snap"])


def _representations(
    given: dict[str, Any], rows: InputRows, roles: Roles, outputs: tuple[str, ...], limits: Limits
) -> tuple[Representation, Representation]:
    from sharefind.datasets.map_file import written_map
    from sharefind.groups import load_generators, named_group
    from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, Axes
    from sharefind.groups.axis_expressions import representation_of

    if "generators" in given:
        file = load_generators(given["generators"], limits)
        return file.in_rep, file.out_rep
    if "map" in given:
        if not outputs:
            raise ConfigError("--map moves outputs by name, and the network has no names; give --group or --generators")
        bound = written_map(given["map"], limits).bound(rows.names, outputs, limits)
        return bound.in_rep, bound.out_rep
    group = named_group(given["group"], limits)
    out_axes = None
    if roles.out_axes is not None and roles.out_shape is not None:
        out_axes = Axes(tuple(roles.out_axes.split()), tuple(map(int, roles.out_shape.split("x"))))
    in_rep = representation_of(given.get("in_rep", "natural"), group, rows.axes, INPUT_AXES, limits)
    return in_rep, representation_of(given.get("out_rep", "natural"), group, out_axes, OUTPUT_AXES, limits)


def _snapped(found: Audit, model: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Write the network with every layer in its exact space; return what changed."""
    from sharefind.architectures.audit.snap_files import write_snapped
    from sharefind.architectures.audit.snapping import snap

    result = snap(found, given.get("tune", 0))
    written = write_snapped(found, result.chain, model, given["snap"])
    return {
        "file": str(given["snap"]),
        "error": result.error,
        "change": result.change,
        "tuned": result.tuned,
        "graph_error": written,
    }


def _written(given: dict[str, Any], snapped: dict[str, Any] | None) -> list[str]:
    lines = []
    if snapped is not None:
        tuned = f", tuned for {snapped['tuned']} steps" if snapped["tuned"] else ""
        lines.append(
            f"wrote {snapped['file']}: every layer in its exact space{tuned}; outputs change by "
            f"{100 * snapped['change']:.2g} % of their spread, the equivariance error is {snapped['error']:.1e}"
        )
    if "report" in given:
        lines.append(f"wrote {given['report']}")
    return lines


def _use_one_thread() -> None:
    """Use one torch thread: on arrays this small, threads wait for each other longer than they work."""
    import torch

    torch.set_num_threads(1)
