"""What every reader of text does with a byte order mark and with a key that is given twice."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.architectures import TrainedNetwork, from_json, read_safetensors, read_spec, to_json, write_safetensors
from sharefind.architectures.verification import verify_file
from sharefind.datasets import load_csv
from sharefind.errors import GroupError, InputError, RunFolderError
from sharefind.formats import RepeatedKeyError, parse_json, parse_toml
from sharefind.groups import load_generators
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.storage import Journal
from tests.architectures.networks import spec_of

BOM = b"\xef\xbb\xbf"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_json_reads_as_the_library_reads_it(value: object, is_finite: bool) -> None:
    text = json.dumps(value)
    known = [parse_json(t) for t in (text, text.encode(), BOM + text.encode(), "\ufeff" + text)]
    try:
        known.append(parse_json(text, is_finite=is_finite))
    except ValueError as error:
        assert is_finite and "Infinity" in text and "not a JSON number" in str(error)
    assert known == [json.loads(text)] * len(known)


@given(st.text(), VALUES, VALUES)
def test_a_key_given_twice_is_named_at_any_depth(key: str, one: object, other: object) -> None:
    doubled = f"{{{json.dumps(key)}: {json.dumps(one)}, {json.dumps(key)}: {json.dumps(other)}}}"
    for text in (doubled, f"[1, {doubled}]", f'{{"outer": {{"inner": [{doubled}]}}}}'):
        with pytest.raises(RepeatedKeyError, match="is given twice; keep one of them") as found:
            parse_json(text)
        assert "\n" not in str(found.value)


def test_toml_takes_a_mark_and_no_key_twice() -> None:
    assert parse_toml(BOM + b'group = "C4"') == {"group": "C4"}
    with pytest.raises(ValueError, match="overwrite"):
        parse_toml('group = "C4"\ngroup = "D4"')


GENERATORS = b'{"name": "flip", "generators": [{"in": [[0, 1], [1, 0]], "out": [[1]]}]}'


def test_generator_files(tmp_path: Path) -> None:
    path = tmp_path / "group.json"
    path.write_bytes(BOM + GENERATORS)
    assert load_generators(path).group.order == 2
    for key in (b'"name": "flip"', b'"out": [[1]]'):
        path.write_bytes(GENERATORS.replace(key, key + b", " + key))
        name = key.split(b":")[0].decode().strip('"')
        with pytest.raises(GroupError, match=f"the key '{name}' is given twice"):
            load_generators(path)


def test_specifications(tmp_path: Path) -> None:
    text, path = to_json(spec_of("C4", "matrix:logistic", "natural", "natural")), tmp_path / "spec.json"
    path.write_bytes(BOM + text.encode())
    assert to_json(read_spec(path)) == text
    assert verify_file(path)[0].is_proven
    for lie in (
        text.replace('"order": 4', '"order": 4, "order": 4'),
        text.replace(' "unit"', ' "name": "x",\n "unit"'),
    ):
        assert lie != text
        path.write_text(lie)
        with pytest.raises(InputError, match=r"the key '(order|name)' is given twice") as found:
            verify_file(path)
        assert str(path) in str(found.value) and "\n" not in str(found.value)


def test_weights(tmp_path: Path) -> None:
    spec, path = spec_of("C4", "matrix:logistic", "natural", "natural"), tmp_path / "net.safetensors"
    write_safetensors(TrainedNetwork(spec, np.ones((2, spec.space.dim))), path)
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = content[8:start].rstrip().replace(b'"__metadata__":{', b'"__metadata__":{"schema":"other",', 1)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[start:])
    with pytest.raises(InputError, match="the key 'schema' is given twice"):
        read_safetensors(path)
    assert from_json("\ufeff" + to_json(spec)).group_name == "C4"


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(BOM + b"x0,y0\n" + b"".join(b"%d,%d\n" % (k, -k) for k in range(30)))
    assert load_csv(path)[0].shape == (30, 1)


def test_journals(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "work.jsonl")
    journal.append({"node": 1})
    journal.path.write_bytes(BOM + journal.path.read_bytes())
    journal.append({"node": 2})
    assert journal.read() == [{"node": 1}, {"node": 2}] and journal.damage == []


def test_a_journal_that_gives_a_key_twice_under_a_right_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "work.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr("sharefind.storage.json.dumps", lambda *_, **__: '{"node": 1, "node": 2}')
        journal.append({"node": 1})
    assert journal.read() == []
    assert journal.damage == ["work.jsonl: line 1 is damaged (the key 'node' is given twice; keep one of them)"]


def test_run_folders(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(BOM + b'group = "C4"\n')
    (tmp_path / "result.json").write_text('{"schema": 1, "status": 2, "status": 3}')
    folder = RunFolder(tmp_path)
    assert folder.config().group == "C4"
    with pytest.raises(RunFolderError, match=r"result\.json is not JSON \(the key 'status' is given twice"):
        folder.result()
