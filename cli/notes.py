"""What people should know about the data of a search before it begins."""

from __future__ import annotations

from sharefind.cli.config_file import is_data_file
from sharefind.datasets.task import class_warning
from sharefind.groups import named_group, parse_representation
from sharefind.search import Problem, SearchConfig
from sharefind.search.input_layouts import layout_notes


def layout_lines(config: SearchConfig) -> list[str]:
    """What the expressions of a configuration mean for the columns of its file, where they put channels on points."""
    if config.group is None or not is_data_file(config.data):
        return []
    group = named_group(config.group, config.limits)
    given = (("in_rep", "x", config.in_rep), ("out_rep", "y", config.out_rep))
    return [
        note
        for name, letter, text in given
        if text is not None
        for note in layout_notes(name, letter, parse_representation(text, group, config.limits))
    ]


def label_lines(config: SearchConfig, problem: Problem) -> list[str]:
    """A warning where the labels of a file look like classes."""
    if not is_data_file(config.data) or problem.task.y is None:
        return []
    found = class_warning(problem.task.y)
    return [] if found is None else [found]
