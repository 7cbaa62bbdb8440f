"""Maps of columns from tables and from mappings: every form reads alike, and every slip is one line with its row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.datasets.map_file import written_map
from sharefind.errors import InputError
from sharefind.groups.column_maps import MapRow

MIRROR = "name,image,sign\nhip_1,hip_4,-1\nhip_4,hip_1,-1\n"


def rows_of(given):
    return {
        label: [(row.name, row.image, row.sign) for row in rows]
        for label, rows in written_map(given).generators.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        MIRROR,
        "name;image;sign\nhip_1;hip_4;-1\nhip_4;hip_1;-1,0\n",
        "sign,image,name\n-1.0,hip_4,hip_1\n\n-, hip_1 ,hip_4\n",
        "\ufeffname,image,sign\r\nhip_1,hip_4,-1\r\nhip_4,hip_1,-1\r\n",
    ],
)
def test_tables(text, tmp_path):
    path = tmp_path / "mirror.csv"
    path.write_text(text, encoding="utf-8", newline="")
    if "-1,0" in text:
        with pytest.raises(InputError, match=r"row 2: the sign is '-1,0'; write \+1 or -1"):
            written_map(path)
        return
    assert rows_of(path) == {"": [("hip_1", "hip_4", -1), ("hip_4", "hip_1", -1)]}
    assert written_map(path).name == "mirror"


def test_tabs_and_parquet_and_generators(tmp_path):
    path = tmp_path / "maps.tsv"
    path.write_text("name\timage\tsign\tgenerator\n1\t2\t+1\t1\n2\t1\t+1\t1\n3\t3\t-1\tflip\n", encoding="utf-8")
    expected = {"1": [("1", "2", 1), ("2", "1", 1)], "flip": [("3", "3", -1)]}
    assert rows_of(path) == expected
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": ["a", "b"], "image": ["b", "a"], "sign": [1, -1], "generator": [1, 1]})
    frame.to_parquet(tmp_path / "maps.parquet")
    assert rows_of(tmp_path / "maps.parquet") == {"1": [("a", "b", 1), ("b", "a", -1)]}


def test_mappings():
    pair = [("a", "b", -1), ("b", "a", -1)]
    assert rows_of({"a": "-b", "b": "-a"}) == {"": pair}
    assert rows_of({"a": ("b", -1), "b": ["a", "-1"]}) == {"": pair}
    assert rows_of([{"a": "-b", "b": "-a"}, {"c": "+c"}]) == {"1": pair, "2": [("c", "c", 1)]}
    assert rows_of({"mirror": {"a": "-b", "b": "-a"}}) == {"mirror": pair}
    assert written_map({0: "1", 1: "0"}).generators[""][0] == MapRow("0", "0", "1", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,image\na,b\n", "the column sign is missing; write the columns name, image and sign"),
        ("name,image,sign,angle\na,b,1,2\n", "a map has no column 'angle'"),
        ("name,image,sign\na,b,2\n", r"row 1: the sign is '2'; write \+1 or -1"),
        ("name,image,sign\na,b,0\n", "row 1: the sign is '0'"),
        ("name,image,sign\na,b,plus\n", "row 1: the sign is 'plus'"),
        ("name,image,sign\na,b,nan\n", "'nan' on line 2, column 'sign', is a missing value"),
        ("name,image,sign,generator\na,b,1,1\nb,a,1, \n", "row 2|missing|empty"),
        ("name,image,sign\n", "moves no column|no rows|header"),
    ],
)
def test_slips_in_a_table_are_one_line(text, message, tmp_path):
    path = tmp_path / "map.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as refusal:
        written_map(path)
    assert str(refusal.value).startswith(str(path)) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["map.npz", "map.json", "map.npy", "map.xlsx", "map.pkl"])
def test_other_files_are_no_tables(name, tmp_path):
    with pytest.raises(InputError, match="is no table of columns"):
        written_map(tmp_path / name)


@pytest.mark.parametrize(
    "given_map", [{}, [], {"a": 3}, {"a": ("b",)}, {"a": ("b", 2)}, [3], 7, {"g": {"a": "b"}, "h": 1}]
)
def test_other_mappings_are_refused(given_map):
    with pytest.raises(InputError, match=r"^map") as refusal:
        written_map(given_map)
    assert "\n" not in str(refusal.value)


@given(st.text(st.sampled_from('name,image,sign\n"abc+-1;0. \t'), max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_or_refused(text):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.csv"
        path.write_text("name,image,sign\n" + text, encoding="utf-8")
        try:
            found = written_map(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert all(row.sign in (1, -1) for rows in found.generators.values() for row in rows)
