"""One observer that passes on to several."""

import inspect
from typing import Any

import pytest

from sharefind.search import Observer, Observers, StopSearch

HOOKS = [name for name in vars(Observer) if name.startswith("on_")]


class Log(Observer):
    """Writes down what it is told."""

    def __init__(self, name: str, told: list[tuple[Any, ...]]) -> None:
        for hook in HOOKS:
            setattr(self, hook, lambda *what, hook=hook: told.append((name, hook, *what)))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_passed_on_in_order(hook: str) -> None:
    told: list[tuple[Any, ...]] = []
    what = tuple(inspect.signature(getattr(Observer, hook)).parameters)[1:]
    getattr(Observers(Log("a", told), Log("b", told)), hook)(*what)
    assert told == [("a", hook, *what), ("b", hook, *what)]
    getattr(Observers(), hook)(*what)


def test_who_stops_the_search_stops_it_for_all() -> None:
    class Stops(Observer):
        def on_note(self, note: str) -> None:
            raise StopSearch(note)

    told: list[tuple[Any, ...]] = []
    with pytest.raises(StopSearch, match="enough"):
        Observers(Log("a", told), Stops(), Log("b", told)).on_note("enough")
    assert told == [("a", "on_note", "enough")]
