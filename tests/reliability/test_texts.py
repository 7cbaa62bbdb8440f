"""Texts are UTF-8 whatever the locale, names that are no text are kept, and all of it is said in one place."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sharefind
from sharefind.storage import encoded, json_text, local_name, portable_name, shell_word, shown

SOURCES = Path(sharefind.__file__).resolve().parent.parent
HELPER = SOURCES / "sharefind" / "storage.py"
TEXT_CALLS = {"read_text", "write_text", "TextIOWrapper"}

needs_bytes = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are texts there")


def text_io(source: str) -> list[int]:
    """Lines on which a file is opened as text, or read or written whole as one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
        is_binary = any(isinstance(mode, str) and "b" in mode for mode in modes)
        names_mode = name in ("open", "fdopen") and not is_binary and not _opens_folder(node)
        if (name in TEXT_CALLS and not _is_ours(node)) or names_mode:
            found.append(node.lineno)
    return found


def _opens_folder(call: ast.Call) -> bool:
    """`RunFolder.open`, `os.open` and members of archives, which are bytes, are no text files."""
    owner, name = getattr(call.func, "value", None), getattr(call.func, "attr", "")
    return (
        name == "open"
        and isinstance(owner, ast.Name)
        and owner.id in ("RunFolder", "ReproductionFolder", "os", "archive")
    )


def _is_ours(call: ast.Call) -> bool:
    """`read_text` of the helper, which is a function and no method."""
    return isinstance(call.func, ast.Name)


def test_texts_are_read_and_written_in_one_place() -> None:
    files = [p for folder in ("sharefind", "cli", "datasets") for p in (SOURCES / folder).rglob("*.py")]
    if not files[0].is_relative_to(SOURCES / "sharefind") or not (SOURCES / "cli").is_dir():
        pytest.skip("no checkout")
    found = {str(p): lines for p in files if p != HELPER and (lines := text_io(p.read_text("utf-8")))}
    assert not found


@pytest.mark.parametrize(
    "planted",
    ["open(p)", "open(p, 'w')", "p.open(encoding='ascii')", "p.read_text()", "p.write_text('')", "os.fdopen(1, 'w')"],
)
def test_a_planted_text_file_is_found(planted: str) -> None:
    assert text_io(planted) == [1]
    assert text_io("open(p, 'rb'); p.open('rb'); RunFolder.open(p); os.open(p, 0); read_text(p)") == []


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_every_name_is_kept_as_a_text(content: bytes) -> None:
    name = os.fsdecode(content)
    text = portable_name(name)
    assert text.encode("utf-8") and local_name(text) == name
    assert encoded(shown(name)).decode() == shown(name)
    assert shell_word(name).encode("utf-8")


@given(st.recursive(st.text(st.characters()) | st.integers(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_json_is_always_utf8(value: object) -> None:
    text = json_text(value)
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_json_of_texts_is_left_alone() -> None:
    value = {"ü": ["𝔖", 1.5, None, True], "a": {"b": ()}}
    assert json_text(value) == json.dumps(value)
    with pytest.raises(ValueError):
        json_text(float("nan"))


@needs_bytes
@pytest.mark.parametrize("name", ["d\udce9 x'\\", "ü\udcff"])
def test_a_shell_gives_the_name_back(name: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {shell_word(name)}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name)
