"""Wrong uses of the options that say what columns, classes and axes are: status 2, one line, nothing written."""

import shlex
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tables and arrays of many kinds, each fine as it is."""
    import pandas as pd

    folder, rng, n = tmp_path_factory.mktemp("files"), np.random.default_rng(0), 60
    x = 300 + 10 * rng.standard_normal((n, 4))
    wells = pd.DataFrame(x, columns=["well_a_m", "well_b_m", "well_c_m", "pressure_Pa"])
    wells["flow_l_s"] = x[:, :3].sum(1)
    wells["site"] = np.repeat(np.arange(20), 3)
    wells["rock"] = rng.choice(["clay", "sand"], n)
    wells["quality"] = rng.choice(["low", "mid", "high"], n)
    wells["grade"] = rng.integers(0, 3, n)
    wells["day"] = pd.date_range("2026-01-01", periods=n).astype(str)
    wells.to_csv(folder / "wells.csv", index=False)
    wells.to_csv(folder / "semicolon.csv", index=False, sep=";", decimal=",")
    wells.assign(flow_l_s=1.5).to_csv(folder / "flat.csv", index=False)
    wells.assign(quality="low").to_csv(folder / "one_class.csv", index=False)
    wells.assign(rock=[f"rock {k}" for k in range(n)]).to_csv(folder / "many.csv", index=False)
    wells.assign(quality=[None, *wells["quality"][1:]]).to_csv(folder / "gap.csv", index=False)
    np.savez(folder / "points.npz", x=rng.standard_normal((n, 5, 4)), y=rng.standard_normal((n, 1)))
    np.savez(folder / "flat.npz", x=rng.standard_normal((n, 20)), y=rng.standard_normal((n, 1)))
    np.savez(folder / "pixels.npz", x=rng.standard_normal((n, 16)), y=rng.standard_normal((n, 1)))
    np.savez(folder / "oblong.npz", x=rng.standard_normal((n, 12)), y=rng.standard_normal((n, 1)))
    np.savez(folder / "classes.npz", x=x, y=rng.integers(0, 3, (n, 1)))
    np.savez(folder / "keys.npz", inputs=x, target=x[:, :1], extra=rng.standard_normal((n, 2)))
    rows = "\n".join(",".join(f"{value:.3f}" for value in row) for row in [*x[:20, :3], *x[20:40, 1:]])
    texts = {
        "no_header": rows,
        "no_header_words": "\n".join(f"{line},{'yn'[k % 2]}" for k, line in enumerate(rows.splitlines())),
        "title": f"My measurements\na,b,c\n{rows}",
        "comments": f"# by hand\n# in K\na,b,c\n{rows}",
        "excel": f"sep=;\na;b;c\n{rows.replace(',', ';')}",
        "spaces": f"a b c\n{rows.replace(',', ' ')}",
        "wide": f"a  b  c\n{rows.replace(',', '  ')}",
        "thousands": 'a,b,c\n"1,300",2,3\n4,5,6\n',
        "numbered": "id,a,b,c\n" + "\n".join(f"{k},{line}" for k, line in enumerate(rows.splitlines())),
        "read_again": "Unnamed: 0,a,b,c\n" + "\n".join(f"{3 * k},{line}" for k, line in enumerate(rows.splitlines())),
        "late_word": "a,b,c\n1,2,3\n4,5,3a\n",
        "no_class": "a,b,c\n1,2,north\n4,5,NA\n",
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "latin.csv").write_bytes("größe,b,c\n1,2,3\n".encode("latin-1"))
    np.save(folder / "table.npy", rng.standard_normal((n, 5)))
    np.save(folder / "objects.npy", np.array([{"a": 1}] * n, dtype=object), allow_pickle=True)
    return folder


WELLS = "--group S3 --in-rep natural+trivial --out-rep trivial --data wells.csv"
IN, OUT = "--inputs well_*_m,pressure_Pa", "--outputs flow_l_s"
THREE = "--group S2 --out-rep trivial --outputs c --data"
POINTS = "--group S5 --out-rep trivial --data"

MISTAKES = {
    # columns
    WELLS: "--inputs",
    f"{WELLS} {IN} --outputs flow": "did you mean",
    f"{WELLS} --inputs wel_*_m {OUT}": "wel_*_m",
    f"{WELLS} {IN} --outputs pressure_Pa": "pressure_Pa",
    f"{WELLS} --inputs well_a_m,well_a_m {OUT}": "well_a_m",
    f"{WELLS} --inputs well_c_m..well_a_m {OUT}": "well_c_m",
    f"{WELLS} --inputs well_a_m..nowhere {OUT}": "nowhere",
    f"{WELLS} --inputs 0..99 {OUT}": "99",
    f"{WELLS} --inputs '' {OUT}": "--inputs",
    f"{WELLS} --inputs , {OUT}": "--inputs",
    f"{WELLS} --inputs pressure_Pa {OUT} --drop pressure_Pa": "pressure_Pa",
    f"{WELLS} {OUT} --drop nothing": "nothing",
    f"{WELLS} {OUT} --drop *": "--drop",
    f"{WELLS} {IN} {OUT} --rows-of well_a_m": "well_a_m",
    f"{WELLS} {IN} {OUT} --rows-of well": "well",
    f"{WELLS} --inputs well_*_m,rock {OUT}": "rock",
    f"{WELLS} --inputs well_*_m,day {OUT}": "day",
    f"{WELLS} {IN}": "'rock' among the labels holds words",
    "--group S3 --task c2-wi --inputs a": "--inputs",
    "--group S3 --data elnino --outputs y": "--outputs",
    # categories
    f"{WELLS} --inputs well_*_m,rock {OUT} --categorical stone": "stone",
    f"{WELLS} {IN} {OUT} --categorical rock": "rock",
    f"{WELLS} {IN} {OUT} --categorical well_a_m": "well_a_m",
    f"{WELLS.replace('wells', 'many')} --inputs well_*_m,rock {OUT} --categorical rock": "rock",
    f"{WELLS} {IN} {OUT} --categorical flow_l_s": "flow_l_s",
    # classes
    f"{WELLS} {IN} --outputs grade": "--classes or --numbers",
    f"{WELLS} {IN} --outputs grade --classes --numbers": "--classes and --numbers",
    f"{WELLS} {IN} --outputs quality --numbers": "quality",
    f"{WELLS} {IN} --outputs quality,grade": "quality",
    f"{WELLS} {IN} --outputs flow_l_s --classes": "classes",
    f"{WELLS} {IN} --outputs flow_l_s,pressure_Pa --classes": "pressure_Pa",
    f"{WELLS.replace('wells', 'one_class')} {IN} --outputs quality": "class",
    f"{WELLS.replace('wells', 'gap')} {IN} --outputs quality": "quality",
    "--group C4 --data classes.npz": "--classes or --numbers",
    "--group C4 --data classes.npz --classes --out-rep natural": "natural of C4 has dimension 4",
    "--group C4 --task c2-wi --classes": "--classes",
    "--group C4 --data classes.npz --classes --out-rep trivial": "for example trivial:3)",
    f"{WELLS} --inputs well_a_m.. {OUT}": "both",
    # texts as people have them
    f"{THREE} no_header.csv": "looks like a row",
    f"{THREE} no_header_words.csv": "looks like a row",
    f"{THREE} title.csv": "the lines below have 3",
    f"{THREE} comments.csv": "the lines below have 3",
    f"{THREE} excel.csv": "the lines below have 3",
    f"{THREE} spaces.csv": "--delimiter space",
    f"{THREE} wide.csv": "commas",
    f"{THREE} thousands.csv": "thousands",
    f"{THREE} numbered.csv": "--drop id",
    f"{THREE} read_again.csv": "--drop 0",
    f"{THREE} late_word.csv": "--classes",
    f"{THREE} no_class.csv": "rename it if it is a class",
    f"{THREE} latin.csv": "UTF-8",
    # separators
    f"{WELLS} {IN} {OUT} --delimiter ;": "delimiter",
    f"{WELLS} {IN} {OUT} --delimiter ab": "--delimiter",
    f"{WELLS} {IN} {OUT} --decimal x": "--decimal",
    f"{WELLS} {IN} {OUT} --decimal , --delimiter ,": "--decimal",
    f"{WELLS.replace('wells', 'semicolon')} {IN} {OUT} --decimal .": "well_a_m",
    f"{POINTS} flat.npz --delimiter ,": "--delimiter",
    # arrays
    "--group C4 --data keys.npz": "--inputs",
    "--group C4 --out-rep trivial --data keys.npz --inputs inputs --outputs target --rows-of inputs": "an array",
    "--group C4 --data keys.npz --inputs input --outputs target": "did you mean",
    "--group C4 --data table.npy": "--outputs",
    "--group C4 --data table.npy --outputs 7": "7",
    "--group C4 --data objects.npy --outputs 0": "object",
    # axes
    f"{POINTS} points.npz": "--axes",
    f"{POINTS} points.npz --axes points": "points",
    f"{POINTS} points.npz --axes 'points points'": "different names",
    f"{POINTS} points.npz --axes 'points coords channels'": "names 3 axes",
    f"{POINTS} points.npz --axes 'points coords' --shape 4x5": "--shape",
    f"{POINTS} flat.npz --axes 'points coords'": "--shape",
    f"{POINTS} flat.npz --axes 'points coords' --shape 5x5": "25",
    f"{POINTS} flat.npz --axes 'points coords' --shape 5by4": "--shape",
    f"{POINTS} flat.npz --shape 5x4": "--axes",
    f"{POINTS} flat.npz --axes 'points 1st' --shape 5x4": "1st",
    f"{POINTS} points.npz --axes 'points coords' --in-rep 'point:natural'": "point",
    f"{POINTS} points.npz --axes 'points coords' --in-rep 'points:natural coords:natural'": "coords",
    f"{POINTS} points.npz --axes 'points coords' --in-rep 'points:natural points:trivial'": "points",
    f"{POINTS} points.npz --axes 'points coords' --in-rep 'points:'": "points",
    f"{POINTS} flat.npz --in-rep 'points:natural coords:trivial'": "--axes",
    "--group D4 --out-rep trivial --data oblong.npz --axes 'rows cols'": "--shape",
    "--group D4 --out-rep trivial --data oblong.npz --axes 'rows cols' --shape 3x4": "3",
    f"{POINTS} points.npz --axes 'points coords' --out-axes 'a b'": "--out-axes",
    "--group D4 --out-rep trivial --data pixels.npz --axes 'a b' --shape 4x4": '--in-rep "a*b:grid:4"',
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(
    arguments: str, files: Path, call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    before = sorted(files.rglob("*"))
    ending = call("discover", *shlex.split(arguments))
    lines = [line for line in ending.err.splitlines() if not line.startswith("note ")]
    assert ending.status == 2, ending
    assert len(lines) == 1 and lines[0].startswith("error: "), ending.err
    assert MISTAKES[arguments] in lines[0]
    assert any(word in lines[0] for word in (";", "give ", "drop", "looks like")), lines[0]
    assert "Traceback" not in ending.err and ending.out == ""
    assert sorted(files.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("no_header.csv", "looks like a row"),
        ("flat.npz --axes 'points coords'", "--shape 2x10"),
        ("points.npz --axes 'points coords' --out-axes 'a b'", "name fewer"),
        ("latin.csv", "UTF-8"),
    ],
)
def test_a_suggestion_asks_in_one_line_too(
    arguments: str, message: str, files: Path, call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    before = sorted(files.rglob("*"))
    ending = call("suggest", *shlex.split(arguments))
    assert ending.status == 2 and ending.out == "" and len(ending.err.splitlines()) == 1, ending
    assert message in ending.err and sorted(files.rglob("*")) == before
