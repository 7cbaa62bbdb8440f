"""How the folders become packages: in a wheel, in an editable install and in the checkout itself."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

FOLDERS = {"sharefind": "sharefind", "cli": "sharefind.cli", "datasets": "sharefind.datasets"}
SOURCES = ("pyproject.toml", "README.md", "LICENSE", *FOLDERS)
MODULES = "sharefind", "sharefind.cli", "sharefind.datasets"
PROBE = f"import importlib; print(*(importlib.import_module(m).__file__ for m in {MODULES}))"
BARE = "import importlib.util as u; print([n for n in ('cli', 'datasets', 'tests', 'docs') if u.find_spec(n)])"


def _run(*command: str | Path, cwd: Path, **env: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env={**kept, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _build(source: Path, hook: str, target: Path) -> Path:
    """Build a wheel with setuptools' own hook and unpack it."""
    target.mkdir()
    code = f"import sys; from setuptools import build_meta as b; b.{hook}(sys.argv[1])"
    _run(sys.executable, "-c", code, str(target), cwd=source)
    (wheel,) = target.glob("*.whl")
    unpacked = target / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    return unpacked


@pytest.fixture(scope="module")
def source(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from, so that building leaves nothing behind in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "sharefind-source"
    copy.mkdir()
    for name in SOURCES:
        origin = repository / name
        if origin.is_dir():
            shutil.copytree(origin, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel: what an install puts into site-packages."""
    return _build(source, "build_wheel", tmp_path_factory.mktemp("wheel") / "out")


def _packages_in_folders(repository: Path) -> set[str]:
    found = set()
    for folder, package in FOLDERS.items():
        for init in (repository / folder).rglob("__init__.py"):
            found.add(".".join([package, *init.parent.relative_to(repository / folder).parts]))
    return found


def test_every_package_is_listed(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    assert set(project["tool"]["setuptools"]["packages"]) == _packages_in_folders(repository)


def test_wheel_holds_every_module_and_no_bare_name(repository: Path, wheel: Path) -> None:
    assert {p.name.split("-")[0] for p in wheel.iterdir()} == {"sharefind"}
    expected = {
        Path(*package.split("."), module.relative_to(repository / folder))
        for folder, package in FOLDERS.items()
        for module in (repository / folder).rglob("*.py")
    }
    assert {p.relative_to(wheel) for p in wheel.rglob("*.py")} == expected
    assert (wheel / "sharefind" / "py.typed").is_file()


def test_wheel_metadata(wheel: Path) -> None:
    (info,) = wheel.glob("*.dist-info")
    scripts = configparser.ConfigParser()
    scripts.read(info / "entry_points.txt")
    assert dict(scripts["console_scripts"]) == {"sharefind": "sharefind.cli:main"}
    metadata = (info / "METADATA").read_text()
    assert "License-Expression: Apache-2.0" in metadata
    assert (info / "licenses" / "LICENSE").is_file()


def test_wheel_imports_from_elsewhere(wheel: Path, tmp_path: Path) -> None:
    files = _run(sys.executable, "-c", PROBE, cwd=tmp_path, PYTHONPATH=str(wheel)).split()
    assert [Path(f).parent for f in files] == [wheel / "sharefind" / sub for sub in ("", "cli", "datasets")]


def test_checkout_comes_before_the_wheel_as_a_whole(repository: Path, wheel: Path) -> None:
    files = _run(sys.executable, "-c", PROBE, cwd=repository, PYTHONPATH=str(wheel)).split()
    assert [Path(f).parent for f in files] == [repository / sub for sub in ("sharefind", "cli", "datasets")]


def _environment_without_sharefind(folder: Path) -> tuple[Path, Path]:
    """A virtual environment with our libraries but no sharefind: its interpreter and its site-packages."""
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "sharefind" not in entry.name and entry.suffix != ".pth":
            (libraries / entry.name).symlink_to(entry)
    (site / "libraries.pth").write_text(f"{libraries}\n")
    return folder / "bin" / "python", site


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.skipif(os.name == "nt", reason="lays out the environment with symbolic links")
def test_editable_install_finds_the_folders(source: Path, tmp_path: Path) -> None:
    python, site = _environment_without_sharefind(tmp_path / "venv")
    shutil.copytree(_build(source, "build_editable", tmp_path / "editable"), site, dirs_exist_ok=True)
    for folder in (tmp_path, source):
        files = _run(python, "-c", PROBE, cwd=folder).split()
        assert [Path(f).parent for f in files] == [source / sub for sub in ("sharefind", "cli", "datasets")]
    assert _run(python, "-c", BARE, cwd=tmp_path).strip() == "[]"


def test_constraints_pin_every_direct_dependency(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for e in project["optional-dependencies"].values() for r in e)]
    names = {re.split(r"[\[<>=!~]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    lines = (repository / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin) for pin in pins)
    assert names <= {pin.split("==")[0].lower().replace("_", "-") for pin in pins}


def test_quick_start_has_two_commands(repository: Path) -> None:
    section = (repository / "README.md").read_text().split("## Quick start")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, re.S)
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 and block.startswith("python3.11 -m venv .venv && ") for block in blocks)
    assert blocks[0].rstrip().endswith(".venv/bin/sharefind discover --group C2")
    assert blocks[1].rstrip().endswith(".venv/bin/pytest")
