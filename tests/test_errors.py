"""How messages call settings: as Python does, or as the front door that somebody came through."""

import ast
import copy
import os
import re
from pathlib import Path

import pytest

from sharefind.api.parameters import Parameters
from sharefind.cli.wording import Demonstrations, Options
from sharefind.errors import ConfigError, Wording, setting, worded
from sharefind.limits import raise_it
from sharefind.search import search_config

LIMIT = {
    Wording: "raise it with Limits(dim=7)",
    Options: "raise it with --max-dim 7 (Limits(dim=7) in Python)",
    Parameters: "raise it with limits=Limits(dim=7)",
    Demonstrations: "a hard limit of reproduce",
}


@pytest.mark.parametrize(("wording", "limit"), LIMIT.items())
def test_limits_are_raised_where_one_came_from(wording: type[Wording], limit: str) -> None:
    with worded(wording()):
        assert raise_it("dim", 7) == limit
    assert raise_it("dim", 7) == LIMIT[Wording]


def test_every_front_door_has_its_own_names() -> None:
    assert (setting("in_rep"), setting("seed")) == ("in_rep", "seed")
    with worded(Options()):
        assert (setting("in_rep"), setting("seed")) == ("--in-rep", "--seed")
        with worded(Parameters(out="path")):
            assert (setting("in_rep"), setting("seed"), setting("out")) == ("in_rep", "random_state", "path")
        assert setting("seed") == "--seed"


@pytest.mark.parametrize(("wording", "name"), [(Wording(), "alpha"), (Options(), "--alpha"), (Parameters(), "alpha")])
def test_an_error_carries_its_setting(wording: Wording, name: str) -> None:
    with worded(wording), pytest.raises(ConfigError) as caught:
        search_config(alpha=2.0)
    assert caught.value.setting == "alpha"
    assert str(caught.value).startswith(f"{name}: Input should be less than 1")
    again = copy.copy(caught.value)
    assert (str(again), again.setting) == (str(caught.value), "alpha")


def test_settings_that_exclude_each_other_are_both_named() -> None:
    with worded(Options()), pytest.raises(ConfigError, match=r"^--task and --data exclude each other") as caught:
        search_config(task="c2-wi", data="texture:gravel")
    assert caught.value.setting is None


def test_the_library_leaves_options_to_the_command_line(repository: Path) -> None:
    """Reports show commands, and one message tells how a Ray cluster is started; everything else names settings."""
    found = []
    for path in (repository / "sharefind").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        found += [
            f"{path}:{text.lineno}: {text.value}"
            for text in texts
            if id(text) not in prose and re.search(r"(?<![\w-])--[a-z]", text.value.replace("ray start --head", ""))
        ]
    assert [line for line in found if f"{os.sep}report{os.sep}" not in line] == []
