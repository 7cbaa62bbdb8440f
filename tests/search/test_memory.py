"""What a search asks of its memory, and the names under which proposals of a blind search keep their work."""

from typing import Any

from sharefind.inference import RandomisationTest
from sharefind.search.memory import DIAGNOSIS, TEST, KeptTests, Kind, MemoryOfProposal, NoMemory

DONE = RandomisationTest(0.5, "known", 199, 99, 0.0)


class Shelf:
    """A memory in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Any] = {}

    def get(self, kind: Kind[Any], key: str) -> Any:
        """What was put there."""
        return self.kept.get((kind.name, key))

    def put(self, kind: Kind[Any], key: str, value: Any) -> None:
        """Put it there."""
        self.kept[kind.name, key] = value


def test_the_first_proposal_has_plain_names_and_the_others_say_which_they_are() -> None:
    shelf = Shelf()
    MemoryOfProposal(shelf, 1).put(TEST, "C3", DONE)
    MemoryOfProposal(shelf, 2).put(TEST, "C3", DONE)
    assert list(shelf.kept) == [("test", "C3"), ("test", "proposal 2: C3")]
    assert MemoryOfProposal(shelf, 2).get(TEST, "C3") == DONE
    assert MemoryOfProposal(shelf, 3).get(TEST, "C3") is None
    assert MemoryOfProposal(shelf, 2).get(DIAGNOSIS, "C3") is None


def test_what_a_session_has_done_is_known_without_a_run() -> None:
    first = MemoryOfProposal(NoMemory(), 2)
    first.put(TEST, "C3", DONE)
    assert first.get(TEST, "C3") == DONE
    assert MemoryOfProposal(NoMemory(), 2, first.known).get(TEST, "C3") == DONE
    assert MemoryOfProposal(NoMemory(), 2).get(TEST, "C3") is None


def test_tests_are_kept_as_inference_asks_for_them() -> None:
    shelf = Shelf()
    tests = KeptTests(shelf)
    assert tests.recall_test("C3") is None
    tests.keep_test("C3", DONE)
    assert tests.recall_test("C3") == DONE and shelf.get(TEST, "C3") == DONE
