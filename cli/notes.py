"""Notes about the data of a search that are printed before it begins."""

from __future__ import annotations

from rich.console import Console

from sharefind.cli.config_file import is_data_file
from sharefind.groups import named_group
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, Axes
from sharefind.groups.axis_expressions import representation_of
from sharefind.search import Problem, SearchConfig
from sharefind.search.input_layouts import Layout, layout_lines, layout_picture
from sharefind.search.relative_rows import relative_words


def layout_of(problem: Problem) -> list[str]:
    """Return how the columns of a user's file, or of rows with axes, were understood.

    Args:
        problem: The problem.
    """
    config = problem.settings.config
    lines = layout_picture(problem) if is_data_file(config.data) or config.axes or config.out_axes else []
    said = config.relative_to_mean
    return lines if said is None else [*lines, relative_words(problem.task.in_axes, said)]


def kept_layout(config: SearchConfig) -> list[str]:
    """Return the same from the configuration of a run alone, which does not contain the names of columns.

    Args:
        config: The configuration.
    """
    if config.group is None or not (is_data_file(config.data) or config.axes or config.out_axes):
        return []
    group = named_group(config.group, config.limits)
    sides = (
        ("inputs", "in_rep", "x", config.in_rep, _kept_axes(config.axes, config.shape), INPUT_AXES),
        ("outputs", "out_rep", "y", config.out_rep, _kept_axes(config.out_axes, config.out_shape), OUTPUT_AXES),
    )
    said, axes = config.relative_to_mean, _kept_axes(config.axes, config.shape)
    relative = [] if said is None else [relative_words(axes, said)]
    lines = [
        line
        for side, name, letter, text, axes, said in sides
        if text is not None
        for rep in [representation_of(text, group, axes, said, config.limits)]
        for line in layout_lines(Layout(side, name, letter, rep, text, axes, ()))
    ]
    return [*lines, *relative]


def _kept_axes(names: str | None, shape: str | None) -> Axes | None:
    return None if names is None or shape is None else Axes(tuple(names.split()), tuple(map(int, shape.split("x"))))


def print_layout(lines: list[str], console: Console) -> None:
    """Print the lines; a continuation line is indented below its first line.

    Args:
        lines: The lines; a continuation begins with a space.
        console: Where to print.
    """
    for line in lines:
        console.print(f"{'      ' if line.startswith(' ') else 'note  '}{line}", soft_wrap=True)
