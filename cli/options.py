"""The options of `discover`, as --help shows them. What their values may be is decided in `sharefind.search`.

Types stay plain, so that nothing heavy is loaded to show --help: a wrong value is refused by `search_config`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

WHAT, MODEL, RULES, TRAINING, RUN, LIMITS, OUTPUT = (
    "What is searched", "Model", "Rules", "Training", "Run folder", "Limits", "Output",
)  # fmt: skip

File = Annotated[
    str | None,
    typer.Argument(metavar="[DATA]", help="The data, as with --data.", show_default=False),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Candidate symmetry group: C4, D5, S4, C2xC3, ...", rich_help_panel=WHAT),
]
Generators = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Candidate group from a JSON file of generators.", rich_help_panel=WHAT),
]
Blind = Annotated[bool, typer.Option("--blind", help="Search without any candidate group.", rich_help_panel=WHAT)]
Task = Annotated[str | None, typer.Option(metavar="NAME", help="A named task; default c2-wi.", rich_help_panel=WHAT)]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="FILE_OR_NAME",
        help="An .npz, .csv or .parquet file, or a named data set.",
        rich_help_panel=WHAT,
    ),
]
RowsOf = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Rows with one value in this column of the file (array of an .npz) may depend on each other.",
        rich_help_panel=WHAT,
    ),
]
BlockLength = Annotated[
    int | None,
    typer.Option(
        metavar="L",
        help="Time series: rows depend on each other within blocks of L rows, and within units of --rows-of.",
        rich_help_panel=WHAT,
    ),
]
InRep = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR", help="How the group acts on inputs, such as 2*natural+trivial.", rich_help_panel=MODEL
    ),
]
OutRep = Annotated[
    str | None, typer.Option(metavar="EXPR", help="How the group acts on outputs.", rich_help_panel=MODEL)
]
HiddenRep = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="How the group acts on the hidden units of two-layer.", rich_help_panel=MODEL),
]
Unit = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The unit that is trained: matrix:tanh, two-layer, ...", rich_help_panel=MODEL),
]
Scheme = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="vanilla, da, fa or ea; default vanilla.", rich_help_panel=MODEL),
]
Growth = Annotated[
    str | None,
    typer.Option(metavar="RULE", help="Growth rule: invariant, escape or mean.", rich_help_panel=RULES),
]
Stop = Annotated[
    str | None,
    typer.Option(metavar="RULE", help="Stopping rule: randomisation, calibrated or fixed.", rich_help_panel=RULES),
]
Statistic = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Statistic of the exact tests: correlogram, marginal-likelihood, displacement, cross-displacement or "
        "held-out-gap.",
        rich_help_panel=RULES,
    ),
]
Delta = Annotated[
    float | None,
    typer.Option(metavar="FLOAT", help="Threshold on dist^2 of --stop fixed.", rich_help_panel=RULES),
]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="FLOAT", help="Level of the tests; default 0.01.", rich_help_panel=RULES),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        metavar="FLOAT",
        help="Largest relative escape that still counts as staying; 0: exact symmetry.",
        rich_help_panel=RULES,
    ),
]
Copies = Annotated[
    int | None,
    typer.Option(
        metavar="M",
        help="Randomised copies of the data in a test; without it 199 or more, and more near alpha.",
        rich_help_panel=RULES,
    ),
]
TrainingCopies = Annotated[
    int | None,
    typer.Option(
        metavar="M",
        help="Copies that each training is compared with; without it 39 where exact tests decide.",
        rich_help_panel=TRAINING,
    ),
]
Particles = Annotated[int | None, typer.Option(metavar="N", help="Number of particles.", rich_help_panel=TRAINING)]
Horizon = Annotated[float | None, typer.Option(metavar="T", help="Length of a training.", rich_help_panel=TRAINING)]
Replicates = Annotated[
    int | None,
    typer.Option(metavar="R", help="Independent trainings behind an escape.", rich_help_panel=TRAINING),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="S", help="Seed of all random numbers; default 0.", rich_help_panel=TRAINING),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="paper or fast: what is not given otherwise; default fast.",
        rich_help_panel=TRAINING,
    ),
]
Jobs = Annotated[int, typer.Option(metavar="K", min=1, max=10_000, help="Parallel processes.", rich_help_panel=RUN)]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Who works: loky (this machine), dask or ray; default loky.", rich_help_panel=RUN
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Of the cluster, such as tcp://host:8786.", rich_help_panel=RUN),
]
MaxNodes = Annotated[
    int | None,
    typer.Option(metavar="N", help="Most nodes to visit, all sittings of the run together.", rich_help_panel=RUN),
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(metavar="S", help="Most seconds to work, all sittings together.", rich_help_panel=RUN),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the run is kept; default a new folder in runs/.", rich_help_panel=RUN),
]
Resume = Annotated[Path | None, typer.Option(metavar="DIR", help="Go on with an interrupted run.", rich_help_panel=RUN)]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE.toml", help="Settings from a file; options override them.", rich_help_panel=RUN),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.", rich_help_panel=OUTPUT)]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=OUTPUT)]


def _limit(help: str) -> Any:
    return typer.Option(metavar="N", min=1, help=help, rich_help_panel=LIMITS)


MaxGroupOrder = Annotated[
    int | None,
    _limit("Most elements of a group that is listed (generator files, regular); default 20000, at most 50000."),
]
MaxDegree = Annotated[int | None, _limit("Most points that a group permutes; default 10000.")]
MaxDim = Annotated[int | None, _limit("Largest dim Z, the number of parameters of a unit; default 100000.")]
MaxLattice = Annotated[int | None, _limit("Most subgroups of a candidate, and so candidate spaces; default 5000.")]
MaxFileSize = Annotated[
    int | None,
    _limit("Bytes of the largest file that is read, also unpacked; default 1000000000 for data."),
]


Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.", show_default=False)]
PlainJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PlainQuiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
