"""The report of a run: one page that needs no network, no script and no other file.

This module combines the parts from `verdict`, `page_parts`, `reproduce_command`, `run_samples` and `guarantees`.
page.html has the layout, page.css the appearance.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sharefind.errors import ConfigError, setting
from sharefind.html import facts, table
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.report.page.page_parts import (
    Drawing,
    chain_grid,
    diagnosis_grid,
    drawing,
    listed,
    map_grids,
    mirror_grids,
    open_grid,
    rival_grid,
    symmetry_grid,
    verdict_grid,
    visited_grid,
    yardstick_grid,
)
from sharefind.report.pictures.drawing import require_matplotlib
from sharefind.report.pictures.palette import DARK, NAMES
from sharefind.report.text import verdict as words
from sharefind.report.text.column_labels import column_list
from sharefind.report.text.diagnosis_words import diagnosis_sentences
from sharefind.report.text.guarantees import not_promised, promised
from sharefind.report.text.mirror_words import aside_lines, mirror_title
from sharefind.report.text.relation_words import decides_by_relation, relation_sentences
from sharefind.report.text.reproduce_command import command_of, settings_of
from sharefind.report.text.rows import origin_cells, tests_name, yardstick_note
from sharefind.report.text.run_samples import Samples
from sharefind.report.text.runs import RunView, load_run
from sharefind.report.text.text_style import STYLE
from sharefind.search import RunFolder, SearchConfig
from sharefind.storage import ENCODING, refuse_unwritable, shell_word, write_atomically
from sharefind.written import plural

SUFFIXES = (".html", ".htm")
"""Allowed endings of a report's file name."""


def check_page(path: Path) -> None:
    """Refuse a report that could not be drawn or written.

    Args:
        path: The file to write.

    Raises:
        ConfigError: The ending is not .html or .htm, or matplotlib is not installed.
        RunFolderError: The file exists, or its folder does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{setting('out')} {path}: a report is one HTML page; end the name with .html")
    refuse_unwritable(path)
    require_matplotlib("a report")


def write_page(run: Path, samples: Samples, path: Path, limits: Limits = DEFAULT_LIMITS) -> RunView:
    """Write the report of a finished run, completely or not at all; the same run gives the same bytes.

    Args:
        run: Folder of the run.
        samples: The samples that it searched.
        path: The file to write, ending in .html.
        limits: Size limits of the files that are read.

    Returns:
        The run.

    Raises:
        ConfigError: As in `check_page`.
        RunFolderError: As in `check_page`; also if the run is not finished or its files are damaged.
    """
    check_page(path)
    view = load_run(run, limits)
    text = page(view, RunFolder.open(run).config(), samples)
    # Names in a run folder may contain halves of surrogate pairs, which UTF-8 cannot encode.
    write_atomically(path, text.encode(ENCODING, "xmlcharrefreplace"))
    return view


def page(view: RunView, config: SearchConfig, samples: Samples) -> str:
    """Return the report as HTML.

    Args:
        view: The run.
        config: Its configuration.
        samples: The samples that it searched.

    Raises:
        RunFolderError: Particles of the run cannot be read.
    """
    return rendered(
        "page.html", kind="report", folded_rows=STYLE.folded_rows,
        **_head(view, samples), **_pictures(view), **_tables(view), **_facts(view, config, samples),
        **_endings(view),
    )  # fmt: skip


def rendered(template: str, **values: Any) -> str:
    """Return a page of this folder, within the frame and with the style sheet that all pages have.

    Args:
        template: Name of its file, which extends `frame.html`.
        values: Values of its variables.
    """
    environment = Environment(
        loader=FunctionLoader(_page_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    css = Markup(_colours() + _page_file("page.css"))  # nosec B704 # constants, and a file of the package
    return environment.get_template(template).render(css=css, table=table, facts=facts, **values)


def _page_file(name: str) -> str:
    return files("sharefind.report.page").joinpath(name).read_bytes().decode(ENCODING)


def _colours() -> str:
    """Return CSS variables for the colours of the pictures: light, and dark for screens that prefer dark colours."""
    light = "".join(f"--{name}: {colour}; " for colour, name in NAMES.items())
    dark = "".join(f"--{name}: {colour}; " for name, colour in DARK.items())
    return f":root {{ {light}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"


def _head(view: RunView, samples: Samples) -> dict[str, Any]:
    return {
        "subject": f"{samples.name}, {_candidate(view)}",
        "verdict": words.verdict(view),
        "is_good": words.is_answer(view),
        "alarms": list(words.warnings(view)),
        "remarks": list(words.remarks(view)),
        "star": words.star_title(view),
    }


def _candidate(view: RunView) -> str:
    group = view.result.group
    if group.order == 1:
        return "no candidate"
    return f"{'proposed ' if view.result.blind else ''}candidate {group.name}"


def _pictures(view: RunView) -> dict[str, Any]:
    return {
        "tying": drawing(view, "tying"),
        "distances": drawing(view, "distances"),
        "lattice": drawing(view, "lattice") if view.e_star is not None else None,
        "spectra": drawing(view, "spectra"),
        "particles": list(_clouds(view)),
        "p_values": drawing(view, "p-values"),
        "verdicts": drawing(view, "verdicts"),
    }


def _clouds(view: RunView) -> Iterator[Drawing]:
    """Yield pictures of the particles where the search ended, and at the previous node, which they left."""
    for node in view.chain[:-3:-1]:
        if node.space.is_zero and node != view.e_star:
            continue  # all particles are at one place
        found = drawing(view, "particles", node)
        if found is not None:
            yield found


def _tables(view: RunView) -> dict[str, Any]:
    return {
        "chain_grid": chain_grid(view),
        "visited_grid": visited_grid(view),
        "open_grid": open_grid(view),
        "symmetry_grid": symmetry_grid(view),
        "tests_name": tests_name(view.result),
        "relation_alone": view.result.symmetry == "relation",
        "by_relation": decides_by_relation(view.result),
        "verdict_grid": verdict_grid(view),
        "verdict_sentences": relation_sentences(view.result),
        "diagnosis_grid": diagnosis_grid(view),
        "diagnosis_sentences": diagnosis_sentences(view.result),
        "map_grids": map_grids(view),
        "rival_grid": rival_grid(view),
        "mirror_title": None if view.result.mirror is None else mirror_title(view.result.mirror),
        "mirror_grids": mirror_grids(view),
        "mirror_notes": [] if view.result.mirror is None else list(aside_lines(view.result.mirror)),
        "yardstick_grid": yardstick_grid(view),
        "yardstick_missing": yardstick_note(view.result),
        "gate": view.result.independence_p_value,
        "alpha": view.alpha,
    }


def _facts(view: RunView, config: SearchConfig, samples: Samples) -> dict[str, Any]:
    result = view.result
    most = STYLE.names if result.symmetries else None  # the table of the tests has the others
    groups = {"accepted": listed(result.accepted, most), "rejected": listed(result.rejected, most)}
    if result.undecided:
        groups["undecided"] = listed(result.undecided, most)
    return {
        "origin": {**origin_cells(result), **groups},
        "data": _data(view, samples),
        "data_note": samples.note,
        "settings": {name: str(value) for name, value in settings_of(config).items()},
        "versions": result.versions,
        "command": command_of(config),
    }


def _data(view: RunView, samples: Samples) -> dict[str, str]:
    blocks = ", ".join(f"{b.name} {' x '.join(map(str, b.shape))}" for b in view.blocks)
    facts = {"name": samples.name, "fingerprint": samples.fingerprint}
    if samples.widths is not None:
        facts["samples"] = "fresh ones, as many as training asks for" if samples.rows is None else f"{samples.rows:,}"
        facts["widths"] = f"x {samples.widths[0]}, y {samples.widths[1]}"
    if view.names:
        facts["columns of x"] = column_list(view.result.inputs)
        facts["columns of y"] = column_list(view.result.outputs)
    lattice = view.result.lattice
    tests = {"exact tests": f"{sum(view.seconds.values()):.1f} s"} if view.seconds else {}
    return {
        **facts,
        "parameters": f"{view.ambient}: {blocks}",
        "seed": str(view.result.seed),
        "time": f"{view.result.wall_s:.1f} s",
        "search": f"{plural(lattice.nodes, 'node')}, {plural(lattice.edges, 'growth')}",
        **tests,
    }


def _endings(view: RunView) -> dict[str, Any]:
    run = shell_word(view.path)
    commands = [f"sharefind inspect {run}"]
    if view.is_exportable:
        commands += [f"sharefind export {run} --format {f} --out {o}" for f, o in EXPORTS]
        commands.append(f"sharefind train {run} --out net.safetensors")
    return {"promised": list(promised(view)), "not_promised": list(not_promised(view)), "commands": commands}


EXPORTS = (("torch", "net.py"), ("json", "net.json"))
"""Formats of `sharefind export` that the page suggests, each with a file name."""
