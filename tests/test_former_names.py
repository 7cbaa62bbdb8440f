"""Old names of modules: found once more, and said to go."""

import sys
from importlib import import_module

import pytest

from sharefind.former_names import FORMER, FORMER_MEMBERS


@pytest.mark.parametrize("old", FORMER)
def test_old_names_give_what_the_new_ones_hold(old: str) -> None:
    for name in [n for n in sys.modules if n in FORMER]:
        del sys.modules[name]
    with pytest.warns(DeprecationWarning, match="is now sharefind"):
        found = import_module(old)
    new = import_module(FORMER[old])
    names = [name for name in vars(new) if not name.startswith("_")]
    assert names and all(getattr(found, name) is getattr(new, name) for name in names)
    assert set(names) <= set(dir(found))


def test_names_that_never_were_are_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        import_module("sharefind.nonsense")
    with pytest.warns(DeprecationWarning, match="is now"), pytest.raises(ModuleNotFoundError):
        sys.modules.pop("sharefind.export", None)
        import_module("sharefind.export.nonsense")


@pytest.mark.filterwarnings("ignore:sharefind")
@pytest.mark.parametrize("old", FORMER_MEMBERS)
def test_members_with_other_names_are_found_under_the_old_ones(old: tuple[str, str]) -> None:
    module, renamed = FORMER_MEMBERS[old]
    assert getattr(import_module(old[0]), old[1]) is getattr(import_module(module), renamed)
