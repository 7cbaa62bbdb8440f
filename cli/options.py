"""The options of the commands, as --help shows them. `sharefind.search` decides which values are allowed.

Types are plain, so that --help loads nothing heavy; `search_config` refuses wrong values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer


class Choice(NamedTuple):
    """An option of a command that has many.

    Attributes:
        name: Name of the setting; the option is `--in-rep` for "in_rep".
        kind: Type of its value; bool for a flag.
        metavar: Placeholder of the value in --help; "" for a flag.
        help: Its description.
        default: Its value if it is not given.
        least: Its smallest value.
        most: Its largest value.
    """

    name: str
    kind: type
    metavar: str
    help: str
    default: int | None = None
    least: int | None = None
    most: int | None = None

    def parameter(self, panel: str | None) -> inspect.Parameter:
        """Return the function parameter from which typer makes this option.

        Args:
            panel: Panel of --help.
        """
        flags = (f"--{self.name}",) if self.kind is bool else ()
        option = typer.Option(
            False if self.kind is bool else self.default, *flags, metavar=self.metavar or None, help=self.help,
            rich_help_panel=panel, min=self.least, max=self.most,
        )  # fmt: skip
        is_always = self.kind is bool or self.default is not None
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option,
            annotation=self.kind if is_always else self.kind | None,
        )


Panels = dict[str | None, tuple[Choice, ...]]
"""Options by their panel of --help; the panel is None for a command with few options."""

LIMITS = tuple(
    Choice(f"max_{name}", int, "N", help, least=1)
    for name, help in (
        (
            "group_order",
            "Largest group whose elements are listed (generator files, regular); default 20000, at most 50000.",
        ),
        ("degree", "Largest number of points that a group permutes; default 10000."),
        ("dim", "Largest dim Z, the number of parameters of a unit; default 100000."),
        ("lattice", "Largest number of subgroups of a candidate, and thus of candidate spaces; default 5000."),
        ("file_size", "Largest file in bytes, packed or unpacked; default 1000000000 for data."),
    )
)

JSON = Choice("json", bool, "", "Print one JSON object.")
QUIET = Choice("quiet", bool, "", "Show no progress.")

DISCOVER: Panels = {
    "What is searched": (
        Choice("group", str, "NAME", "Candidate symmetry group: C4, D5, S4, C2xC3, ..."),
        Choice("generators", str, "FILE", "Candidate group from a JSON file of generators, or of points at rest."),
        Choice("map", str, "FILE", "Candidate group from a table of columns: name, image, sign."),
        Choice("blind", bool, "", "Search without any candidate group."),
        Choice("signs", bool, "", "With --blind: find mirror maps, which move and change signs of inputs and labels."),
        Choice("task", str, "NAME", "A named task; default c2-wi."),
        Choice("data", str, "FILE_OR_NAME", "An .npz, .csv, .parquet, .npy or .feather file, or a named data set."),
    ),
    "Columns of the data": (
        Choice("inputs", str, "COLUMNS", "Columns of x: names, globs and ranges, such as 'well_*_m,pressure_Pa'."),
        Choice("outputs", str, "COLUMNS", "Columns of y."),
        Choice("drop", str, "COLUMNS", "Columns that are left out."),
        Choice("categorical", str, "COLUMNS", "Columns of x that hold categories; each category becomes a column."),
        Choice("classes", bool, "", "The labels are classes."),
        Choice("numbers", bool, "", "The labels are numbers."),
        Choice("axes", str, "NAMES", "Axes of a row of x, the slowest first, such as 'points coords'."),
        Choice("shape", str, "AxB", "Lengths of the axes of a flat x, such as 5x4."),
        Choice("out_axes", str, "NAMES", "Axes of a row of y."),
        Choice("out_shape", str, "AxB", "Lengths of the axes of a flat y."),
        Choice(
            "relative_to_mean", str, "AXIS",
            "Take the coordinates along an axis of x, such as coords, relative to their mean over the other axes.",
        ),
        Choice("delimiter", str, "CHAR", "Separator of the cells of a csv file; detected if not given."),
        Choice("decimal", str, "CHAR", "Decimal sign of a csv file; detected if not given."),
        Choice(
            "rows_of", str, "COLUMN",
            "Rows with one value in this column of the file (array of an .npz) may depend on each other.",
        ),
        Choice(
            "block_length", int, "L",
            "Time series: rows depend on each other within blocks of L rows, and within units of --rows-of.",
        ),
    ),
    "Model": (
        Choice("in_rep", str, "EXPR", "How the group acts on inputs, such as 2*natural+trivial."),
        Choice("out_rep", str, "EXPR", "How the group acts on outputs."),
        Choice("hidden_rep", str, "EXPR", "How the group acts on the hidden units of two-layer and gated."),
        Choice("unit", str, "NAME", "The unit that is trained: matrix:tanh, two-layer, gated, ...; or deep."),
        Choice("layers", str, "L..M", "Numbers of hidden layers that are tried, with --unit deep; default 3."),
        Choice(
            "price", str, "NAME",
            "With --unit deep: see whether tying pays in each of the layers, or down chains of groups.",
        ),
        Choice("scheme", str, "NAME", "vanilla, da, fa or ea; default vanilla."),
    ),
    "Rules": (
        Choice("growth", str, "RULE", "Growth rule: invariant, escape or mean."),
        Choice("stop", str, "RULE", "Stopping rule: randomisation, calibrated or fixed."),
        Choice(
            "statistic", str, "NAME",
            "Statistic of the exact tests: correlogram, marginal-likelihood, vector-score, symmetric-evidence, "
            "displacement, cross-displacement or held-out-gap.",
        ),
        Choice(
            "symmetry", str, "NAME",
            "What decides: law of (X, Y), relation E[Y | X], or auto: the law and, where the inputs alone break it, "
            "the relation; default auto.",
        ),
        Choice("delta", float, "FLOAT", "Threshold on dist^2 of --stop fixed."),
        Choice("alpha", float, "FLOAT", "Level of the tests; default 0.01."),
        Choice("tolerance", float, "FLOAT", "Largest relative escape that still counts as staying; 0: exact symmetry."),
        Choice(
            "copies", int, "M",
            "Number of randomised copies of the data in a test; default 199 or more, and more near alpha.",
        ),
    ),
    "Training": (
        Choice(
            "training_copies", int, "M",
            "Number of copies with which each training is compared; default 39 if exact tests decide.",
        ),
        Choice("particles", int, "N", "Number of particles."),
        Choice("horizon", float, "T", "Length of a training."),
        Choice("replicates", int, "R", "Independent trainings behind an escape."),
        Choice("seed", int, "S", "Seed of all random numbers; default 0."),
        Choice("preset", str, "NAME", "paper or fast: values of all settings that are not given; default fast."),
    ),
    "Run folder": (
        Choice("max_nodes", int, "N", "Largest number of nodes to visit, in all sessions of the run together."),
        Choice("max_seconds", float, "S", "Largest number of seconds to work, in all sessions together."),
        Choice("out", Path, "DIR", "Folder of the run; default a new folder in runs/."),
        Choice("resume", Path, "DIR", "Resume an interrupted run."),
        Choice("jobs", int, "K", "Parallel processes.", default=1, least=1, most=10_000),
        Choice("executor", str, "NAME", "Where tasks run: loky (this machine), dask or ray; default loky."),
        Choice("address", str, "URL", "Address of the cluster, such as tcp://host:8786."),
        Choice("config", Path, "FILE.toml", "Settings from a file; options override them."),
    ),
    "Limits": LIMITS,
    "Output": (JSON, QUIET, Choice("debug", bool, "", "Show the traceback of an error.")),
}  # fmt: skip


def takes(panels: Panels) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command take options as its `**options`, in addition to the options it declares itself.

    Args:
        panels: The options.

    Returns:
        A decorator.
    """

    def with_them(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [choice.parameter(panel) for panel, choices in panels.items() for choice in choices]
        command.__annotations__ = {p.name: p.annotation for p in (*own, *more)}
        vars(command)["__signature__"] = signature.replace(parameters=[*own, *more])
        return command

    return with_them


def _limit(name: str) -> Any:
    """Return an option for commands that have few limits."""
    (choice,) = (choice for choice in LIMITS if choice.name == name)
    return typer.Option(metavar=choice.metavar, min=1, help=choice.help, rich_help_panel="Limits")


File = Annotated[str | None, typer.Argument(metavar="[DATA]", help="The data, as with --data.", show_default=False)]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.", show_default=False)]
MaxGroupOrder = Annotated[int | None, _limit("max_group_order")]
MaxDegree = Annotated[int | None, _limit("max_degree")]
MaxDim = Annotated[int | None, _limit("max_dim")]
MaxLattice = Annotated[int | None, _limit("max_lattice")]
MaxFileSize = Annotated[int | None, _limit("max_file_size")]
PlainJson = Annotated[bool, typer.Option("--json", help=JSON.help)]
PlainQuiet = Annotated[bool, typer.Option("--quiet", help=QUIET.help)]
Quiet = Annotated[bool, typer.Option("--quiet", help=QUIET.help, rich_help_panel="Output")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel="Output")]
