"""What people should know about the data of a search before it begins."""

from __future__ import annotations

from sharefind.cli.config_file import is_data_file
from sharefind.groups import named_group, parse_representation
from sharefind.search import SearchConfig
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
