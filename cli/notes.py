"""What people should know about the data of a search before it begins."""

from __future__ import annotations

from rich.console import Console

from sharefind.cli.config_file import is_data_file
from sharefind.groups import Group, Representation, named_group, parse_representation
from sharefind.groups.axes import Axes
from sharefind.groups.axis_expressions import axis_representation, is_by_axes
from sharefind.search import Problem, SearchConfig
from sharefind.search.input_layouts import Layout, layout_lines, layout_picture


def layout_of(problem: Problem) -> list[str]:
    """What was understood of the columns of a user's file, or of rows with axes."""
    config = problem.settings.config
    return layout_picture(problem) if is_data_file(config.data) or config.axes or config.out_axes else []


def kept_layout(config: SearchConfig) -> list[str]:
    """The same from the configuration of a run alone, which does not keep the names of columns."""
    if config.group is None or not (is_data_file(config.data) or config.axes or config.out_axes):
        return []
    group = named_group(config.group, config.limits)
    sides = (
        ("inputs", "in_rep", "x", config.in_rep, _kept_axes(config.axes, config.shape)),
        ("outputs", "out_rep", "y", config.out_rep, _kept_axes(config.out_axes, config.out_shape)),
    )
    return [
        line
        for side, name, letter, text, axes in sides
        if text is not None
        for line in layout_lines(Layout(side, name, letter, _rep(text, group, axes, config), text, axes, ()))
    ]


def _kept_axes(names: str | None, shape: str | None) -> Axes | None:
    return None if names is None or shape is None else Axes(tuple(names.split()), tuple(map(int, shape.split("x"))))


def _rep(text: str, group: Group, axes: Axes | None, config: SearchConfig) -> Representation:
    if axes is None or not is_by_axes(text, axes):
        return parse_representation(text, group, config.limits)
    return axis_representation(text, group, axes, config.limits)


def print_layout(lines: list[str], console: Console) -> None:
    """Print what was understood; lines that go on stand below their first one."""
    for line in lines:
        console.print(f"{'      ' if line.startswith(' ') else 'note  '}{line}", soft_wrap=True)
