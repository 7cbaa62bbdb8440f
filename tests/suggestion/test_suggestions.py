"""What is suggested for data of the kinds that people have, and that every suggestion can be searched."""

import datetime
import shlex
from pathlib import Path

import numpy as np
import pytest

import sharefind
from sharefind.api.resolve import resolve_problem
from sharefind.datasets import finite_task
from sharefind.errors import ConfigError, DataError
from sharefind.search import search_config
from sharefind.suggestion import Suggestions, suggest
from tests.suggestion.kinds import (
    by_channel,
    glyphs,
    largest,
    noise,
    particles,
    patches,
    ring,
    ring_classes,
    total,
    windows,
)

GLYPHS, KINDS = glyphs(800, 6)
PARTICLES, ENERGY = particles(900, 3, 5)

CASES = {
    "ring": (*ring(600, 5), {"group": "D5", "in_rep": "natural", "out_rep": "natural"}),
    "one way": (*ring(600, 10, both_ways=False, common=12.0, noise=0.5), {"group": "C10", "out_rep": "natural"}),
    "noisy ring": (*ring(400, 7, both_ways=False, noise=15.0), {"group": "C7", "out_rep": "natural"}),
    "few rows": (*ring(60, 8, both_ways=False), {"group": "C8", "out_rep": "natural"}),
    "sum": (*total(400, 4), {"group": "S4", "in_rep": "natural", "out_rep": "trivial"}),
    "largest": (*largest(700, 7), {"group": "S7", "in_rep": "natural", "out_rep": "trivial"}),
    "points": (PARTICLES, ENERGY, {"group": "S3", "shape": "3x6", "in_rep": "points:natural channels:trivial"}),
    "channels": (by_channel(PARTICLES, 3), ENERGY, {"shape": "6x3", "in_rep": "channels:trivial points:natural"}),
    "classes": (*ring_classes(700, 5), {"group": "D5", "labels": "classes", "out_rep": "trivial:3"}),
    "filter": (*windows(300, 12), {"blind": "true"}),
    "circulant": (*windows(300, 12), {"group": "C12", "in_rep": "natural", "out_rep": "natural"}),
    "image": (GLYPHS, KINDS, {"group": "D4", "shape": "6x6", "in_rep": "rows*cols:grid:6", "labels": "classes"}),
    "image array": (GLYPHS.reshape(-1, 6, 6), KINDS, {"group": "D4", "axes": "rows cols"}),
    "one-hot": (GLYPHS, np.eye(4)[KINDS], {"group": "D4", "labels": "classes", "out_rep": "trivial:4"}),
    "window": (*patches(800, 7), {"group": "D4", "in_rep": "patch:7", "out_rep": "trivial"}),
}


def has(found: Suggestions, wanted: dict[str, str], most: int = 3) -> bool:
    """Whether one of the first suggestions has these settings."""
    return any(wanted.items() <= dict(one.settings).items() for one in found.suggestions[:most])


def searched(command: str) -> None:
    """Resolve the search that a command runs, up to its first test."""
    words = shlex.split(command)
    assert words[:2] == ["sharefind", "discover"]
    settings: dict[str, object] = {"data": words[2]}
    rest = iter(words[3:])
    for word in rest:
        name = word.removeprefix("--").replace("-", "_")
        if name in ("classes", "numbers"):
            settings["labels"] = name
        else:
            settings[name] = True if name == "blind" else next(rest)
    resolve_problem(search_config(**settings))


@pytest.mark.parametrize("name", CASES)
def test_the_right_group_is_among_the_first_three(name: str) -> None:
    x, y, wanted = CASES[name]
    found = suggest(x, y)
    assert has(found, wanted), [(one.title, one.score) for one in found.suggestions]
    assert found.is_strong


@pytest.mark.parametrize("shape", [(800, 5, 1), (400, 6, 6), (300, 16, 1)])
def test_noise_gives_no_strong_suggestion(shape: tuple[int, int, int]) -> None:
    found = suggest(*noise(*shape))
    assert not found.is_strong and found.verdict.startswith("No strong")
    assert has(found, {"blind": "true"}, most=5)
    assert all("no model sees y" in one.reason for one in found.suggestions if "blind" not in one.settings)


def test_shuffled_pixels_are_no_image() -> None:
    x = GLYPHS[:, np.random.default_rng(1).permutation(36)]
    found = suggest(x, KINDS)
    assert not found.is_strong
    assert "pixels are correlated" not in found.suggestions[0].reason


def test_no_direction_of_a_drift_one_way_is_lost() -> None:
    """A ring with a direction is not suggested as one without."""
    x, y = ring(800, 6, both_ways=False)
    scores = {
        one.settings.get("group"): one.score
        for one in suggest(x, y, most=20).suggestions
        if one.title.count("natural") > 1
    }
    assert scores["C6"] > 2 * scores["D6"]


def test_offsets_and_units_of_measurement_change_nothing() -> None:
    x, y = particles(900, 4, 2)
    assert has(suggest(x + 300, 1e5 * y), {"group": "S4", "shape": "4x3"}, most=1)


def written(path: Path, names: list[str], rows: list[list[object]]) -> str:
    path.write_text("\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return str(path)


def test_columns_are_put_in_order_by_their_names(tmp_path: Path) -> None:
    x, y = particles(700, 4, 2)
    names = [f"p{point}_{what}" for point in range(4) for what in ("x", "y", "mass")]
    order = np.random.default_rng(2).permutation(12)
    rows = [[k, *row] for k, row in enumerate(np.hstack([x[:, order], y]).round(4).tolist())]
    found = suggest(written(tmp_path / "set of points.csv", ["id", *(names[k] for k in order), "energy"], rows))
    first = found.suggestions[0]
    assert first.settings["group"] == "S4" and first.settings["shape"] == "4x3"
    assert [name[1] for name in first.settings["inputs"].split(",")] == list("000111222333")
    assert first.settings["outputs"] == "energy" and "id" not in first.settings["inputs"].split(",")
    assert any("row number" in note for note in found.notes)
    searched(first.command)


def test_wells_beside_a_pressure(tmp_path: Path) -> None:
    """Names with units, spaces, commas and brackets; columns that are not alike stay where they are."""
    rng = np.random.default_rng(0)
    level, pressure = rng.uniform(5, 20, size=(500, 4)), rng.normal(1e5, 1e3, size=500)
    flow = level.sum(axis=1) + (pressure - 1e5) / 500 + rng.normal(size=500)
    rows = np.column_stack([level[:, :2], pressure, level[:, 2:], flow]).round(3).tolist()
    names = ["well 1 [m]", "well 2 [m]", '"pressure, Pa"', "well 3 [m]", "well 4 [m]", "Fluß"]
    found = suggest(written(tmp_path / "w.csv", names, rows))
    first = found.suggestions[0]
    assert (first.settings["group"], first.settings["in_rep"]) == ("S4", "natural+trivial")
    assert "like means" in first.reason and "S4" in first.reason
    searched(first.command)


def test_two_families_of_columns_give_a_product(tmp_path: Path) -> None:
    rows = [[*row, round(sum(row[:3]) - 2 * sum(row[3:]), 3)] for row in noise(400, 7, 1)[0].round(3).tolist()]
    found = suggest(written(tmp_path / "t.csv", [*("u1", "u2", "u3", "v1", "v2", "v3", "v4"), "y"], rows))
    assert has(found, {"group": "S4xS3", "in_rep": "natural"}, most=1)


def test_times_subjects_categories_and_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    start = datetime.date(2024, 1, 1)
    values = rng.normal(size=(300, 3)).round(3)
    rows = [
        [
            start + datetime.timedelta(days=k),
            f"s{k // 10}",
            rng.choice(["red", "blue"]),
            *row,
            "hi" if sum(row) > 0 else "lo",
        ]
        for k, row in enumerate(values.tolist())
    ]
    found = suggest(written(tmp_path / "s.csv", ["date", "subject", "colour", "a1", "a2", "a3", "grade"], rows))
    first = found.suggestions[0]
    assert first.settings["rows_of"] == "subject" and first.settings["categorical"] == "colour"
    assert first.settings["labels"] == "classes" and first.settings["outputs"] == "grade"
    assert first.settings["group"] == "S3" and "--classes" in first.command
    searched(first.command)


def test_roles_that_are_given_are_kept(tmp_path: Path) -> None:
    x, y = total(300, 4)
    path = written(tmp_path / "d.csv", ["a", "b", "c", "d", "e"], np.hstack([y, x]).round(3).tolist())
    found = suggest(path, outputs="a")
    assert found.suggestions[0].settings["outputs"] == "a" and found.d_in == 4
    assert has(found, {"group": "S4"}, most=1)
    assert suggest(path, inputs="b,c", outputs="a").d_in == 2


def test_commands_can_be_searched(tmp_path: Path) -> None:
    """Groups of few inputs, as a blind search proposes groups before its first test."""
    points, energy = particles(300, 3, 1)
    files = {"flat": (points, energy), "rows": (points.reshape(-1, 3, 2), energy), "image": (GLYPHS, KINDS)}
    for name, (x, y) in files.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, x=x, y=y)
        for one in suggest(path).suggestions[:3]:
            assert one.data == str(path)
            searched(one.command)


def test_no_blind_search_where_an_input_follows_from_the_others() -> None:
    x = GLYPHS.copy()
    x[:, 0] = 0.0
    assert all("blind" not in one.settings for one in suggest(x, KINDS).suggestions)


def test_a_group_with_the_models_of_a_larger_one_comes_later() -> None:
    found = suggest(*total(400, 4), most=20).suggestions
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    later = next(one for one in found if one.settings.get("group") == "C4" and one.settings["in_rep"] == "natural")
    assert later.score < 0.6 and later.reason.endswith("its models are those of D4")


def test_an_exact_relation_of_products_is_seen_about_a_common_mean() -> None:
    """Means of each column's own would leave a trace of each that a group does not tie."""
    x = np.random.default_rng(3).normal(50, 1, size=(1000, 8))
    y = ((x - 50) * np.roll(x - 50, 1, axis=1)).sum(axis=1)
    assert has(suggest(x, y), {"group": "D8", "in_rep": "natural"}, most=1)


def test_fifteen_rows_of_a_sum() -> None:
    found = suggest(*total(15, 4))
    assert found.is_strong and has(found, {"group": "S4", "out_rep": "trivial"}, most=1)


def test_codes_of_kinds_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=300).tolist()
    rows = [[k, *row, round(sum(row) + k, 3)] for k, row in zip(codes, noise(300, 3, 1)[0].tolist(), strict=True)]
    found = suggest(written(tmp_path / "c.csv", ["region", "q1", "q2", "q3", "yield"], rows))
    assert any(note.startswith("'region' has 4 different whole values, taken as sizes") for note in found.notes)
    assert not any("'q1'" in note for note in found.notes)


def test_rows_of_a_series_are_kept_in_blocks() -> None:
    found = suggest(*windows(300, 12))
    assert found.suggestions[0].settings["block_length"] == "8"
    assert any("depend on those before them" in note for note in found.notes)
    assert "block_length" not in suggest(*ring(300, 6)).suggestions[0].settings


def test_what_a_task_recommends_comes_first() -> None:
    x, y = ring(200, 4)
    task = finite_task("mine", x, y, group="D4", description="four sensors")
    first = suggest(task).suggestions[0]
    assert first.settings == {"group": "D4", "in_rep": "natural", "out_rep": "natural"}
    assert "recommends" in first.reason and "four sensors" in first.reason
    assert suggest("tic-tac-toe").suggestions[0].command == (
        "sharefind discover tic-tac-toe --group D4 --in-rep grid:3 --out-rep grid:3"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "package", "wanted"),
    [
        ("texture:grass", "skimage", {"group": "D4", "in_rep": "patch:5"}),
        ("elnino", "statsmodels", {"group": "C12"}),
        ("dna:brca1-rates", "cogent3", {"group": "S4"}),
        ("methane", "ase", {}),
        ("elasticity:Cu", "ase", {}),
    ],
)
def test_real_data(name: str, package: str, wanted: dict[str, str]) -> None:
    pytest.importorskip(package)
    first = suggest(name).suggestions[0]
    assert wanted.items() <= dict(first.settings).items() and "recommends" in first.reason


def test_rows_of_a_task_by_look_alone() -> None:
    """Without its recommendation, the same group is found."""
    from sharefind.datasets import load_task

    task = load_task("tic-tac-toe")
    assert has(suggest(task.x, task.y), {"group": "D4", "in_rep": "rows*cols:grid:3", "out_rep": "grid:3"})


def test_the_same_data_give_the_same_suggestions() -> None:
    x, y = ring(3000, 6)
    first, again = (suggest(x, y, seconds_of=lambda *_: (1.0, 2.0)).to_json() for _ in range(2))
    assert first == again and first["schema"] == "sharefind.suggestions/1"


def test_time_is_estimated() -> None:
    x, y = ring(300, 5)
    for one in suggest(x, y).suggestions:
        low, high = one.seconds
        assert 0 < low <= high
        if "predicts held-out rows as well" in one.reason:
            assert high < 3 * low


def test_the_time_of_a_suggestion_is_that_of_its_search(tmp_path: Path) -> None:
    """Sizes that are guessed before a problem is built against those of the problem: a ring, and a rest left alone."""
    from sharefind.durations import Rates, estimate_from_sizes
    from sharefind.search.estimate import sizes_of
    from sharefind.suggestion.expected_seconds import seconds_with

    x, y = total(300, 4)
    rest = np.hstack([x, np.random.default_rng(1).normal(size=(300, 1))])
    for name, (inputs, labels) in {"ring": ring(400, 6, both_ways=False), "rest": (rest, y)}.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, x=inputs, y=labels)
        first = suggest(str(path), seconds_of=seconds_with(Rates())).suggestions[0]
        problem = resolve_problem(search_config(data=str(path), **first.settings))
        exact = estimate_from_sizes(sizes_of(problem), Rates(), holds=True)
        assert first.seconds == pytest.approx((exact.low, exact.high), rel=0.2)


def test_the_top_level_has_it() -> None:
    assert sharefind.suggest is suggest and "suggest" in dir(sharefind)


@pytest.mark.parametrize(
    ("data", "y", "settings", "message"),
    [
        (np.zeros((5, 2)), None, {}, "without labels"),
        (np.zeros(5), np.zeros(5), {}, "a row for each sample"),
        (np.zeros((5, 2)), np.zeros(4), {}, "5 rows but y has 4"),
        (np.full((5, 2), np.nan), np.zeros(5), {}, "nan"),
        ("no-such-task", None, {}, "no task"),
        ("gone.csv", None, {}, "no such file"),
        ("notes.txt", None, {}, "not a kind of file"),
        ("tic-tac-toe", None, {"outputs": "a"}, "has its own columns"),
        ({"a": np.arange(5.0)}, None, {}, "seem to be times, row numbers"),
        (np.zeros((5, 2)), np.zeros(5), {"most": 0}, "at least 1"),
    ],
)
def test_one_line_for_what_cannot_be_looked_at(data, y, settings, message: str) -> None:
    with pytest.raises((DataError, ConfigError), match=message) as caught:
        suggest(data, y, **settings)
    assert "\n" not in str(caught.value)


def test_frames_are_looked_at_with_the_names_of_their_columns() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    x, y = total(300, 4)
    frame = pandas.DataFrame(x, columns=["T north", "T, south", "T_east", "T_west"])
    for data, labels in ((frame, pandas.Series(y[:, 0], name="sum")), (frame.assign(sum=y[:, 0]), None)):
        found = suggest(data, labels).suggestions[0].settings
        assert (found["group"], found["out_rep"], found["outputs"]) == ("S4", "trivial", "sum")
    assert suggest(polars.DataFrame(frame.assign(sum=y[:, 0]))).suggestions[0].settings["inputs"] == (
        'T north,"T, south",T_east,T_west'
    )
    with pytest.raises(DataError, match="both have a column 'T_east'"):
        suggest(frame, frame["T_east"])


def test_a_model_that_sees_nothing_does_not_speak_for_a_group() -> None:
    """The linear model sees nothing of an energy, and rows are too few for C5 to tie the quadratic one."""
    x = np.random.default_rng(2).standard_normal((80, 5, 3))
    found = suggest({"points": x, "energy": (x**2).sum((1, 2))}).suggestions
    assert found[0].settings["group"] == "S5"
    cyclic = next(one for one in found if one.settings.get("group") == "C5")
    assert cyclic.score < found[0].score / 2 and "little speaks for or against C5" in cyclic.reason


def test_labels_with_axes_are_named_beside_flat_inputs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.standard_normal((60, 5)), y=rng.standard_normal((60, 5, 3)))
    for one in suggest(tmp_path / "d.npz").suggestions:
        searched(one.command)


def test_one_hot_columns_at_the_end_are_labels_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((90, 4))
    kinds = np.digitize(x.sum(1), [-1.0, 1.0])
    lines = [
        ",".join([*(f"{v:.3f}" for v in row), *(str(int(k == c)) for c in range(3))])
        for row, k in zip(x, kinds, strict=True)
    ]
    (tmp_path / "d.csv").write_text("\n".join(["t1,t2,t3,t4,low,mid,high", *lines]))
    found = suggest(tmp_path / "d.csv").suggestions
    assert found[0].settings["outputs"] == "low,mid,high" and found[0].settings["labels"] == "classes"


def test_the_narrowest_array_is_the_label(tmp_path: Path) -> None:
    x = np.random.default_rng(3).standard_normal((60, 4))
    np.savez(tmp_path / "d.npz", temps=x, heat=x.sum(1), extra=x[:, :2], kind=np.array(["a", "b"] * 30))
    assert suggest(tmp_path / "d.npz").suggestions[0].settings["outputs"] == "heat"


def test_categories_are_no_points_beside_numbers(tmp_path: Path) -> None:
    x = 300 + np.random.default_rng(4).standard_normal((60, 2))
    lines = [f"{'yes' if k % 2 else 'no'},{a:.3f},{b:.3f},{a + b:.3f}" for k, (a, b) in enumerate(x)]
    (tmp_path / "d.csv").write_text("\n".join(["flag,a,b,s", *lines]))
    for one in suggest(tmp_path / "d.csv").suggestions:
        assert "shape" not in one.settings and one.settings.get("group") not in ("S4", "D4", "C4")
