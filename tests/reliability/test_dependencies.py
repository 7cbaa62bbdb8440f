"""What sharefind stands on: a vulnerable pin is found, dangerous calls are found, and lower bounds are those tested."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def pins(path: Path) -> dict[str, Version]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    requirements = [Requirement(line) for line in lines]
    assert all(re.fullmatch(r"==[^*]+", str(r.specifier)) for r in requirements)
    return {canonicalize_name(r.name): Version(str(r.specifier)[2:]) for r in requirements}


def direct(project: dict[str, Any]) -> list[Requirement]:
    """Everything that pyproject.toml names, extras and the build included."""
    told = project["project"]
    extras = told["optional-dependencies"].values()
    lines = [*told["dependencies"], *(line for extra in extras for line in extra), *project["build-system"]["requires"]]
    return [Requirement(line) for line in lines]


def audit(repository: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, repository / ".ci/audit.py", "--offline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_lock_is_clean_or_says_why(repository: Path) -> None:
    done = audit(repository)
    assert done.returncode == 0, done.stdout
    assert "no vulnerability service answered" in done.stdout and "VULNERABLE" not in done.stdout
    accepted = [line for line in done.stdout.splitlines() if line.startswith("accepted")]
    assert all(re.search(r"\(.{20,}\)$", line) for line in accepted)


@pytest.mark.parametrize(("pin", "advisory"), [("jinja2==2.10", "CVE-2020-28493"), ("PyYAML==5.3", "CVE-2020-14343")])
def test_a_vulnerable_pin_is_found(repository: Path, tmp_path: Path, pin: str, advisory: str) -> None:
    (tmp_path / "lock.txt").write_text(f"# a lock\n{pin}\nnumpy==2.4.6\n")
    done = audit(repository, "--lock", tmp_path / "lock.txt")
    assert done.returncode == 1 and advisory in done.stdout and "numpy 2.4.6" not in done.stdout
    names = re.findall(r"VULNERABLE  \S+ \S+: ([\w-]+)", done.stdout)
    (tmp_path / "accepted.txt").write_text("".join(f"{name}  # not reached from here\n" for name in names))
    again = audit(repository, "--lock", tmp_path / "lock.txt", "--accepted", tmp_path / "accepted.txt")
    assert again.returncode == 0 and "(not reached from here)" in again.stdout


def test_a_release_asks_a_service(repository: Path) -> None:
    done = audit(repository, "--require-service")
    assert done.returncode == 3


@pytest.mark.slow
@pytest.mark.ci
def test_dangerous_calls_are_found(repository: Path, tmp_path: Path) -> None:
    """With the settings of the project, whose own sources `.ci/check` reads."""
    pytest.importorskip("bandit")
    command = [sys.executable, "-m", "bandit", "-q", "-c", str(repository / "pyproject.toml"), "-r"]
    (tmp_path / "planted.py").write_text("import pickle\n\npickle.loads(b'')\neval('1')\n")
    planted = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert planted.returncode == 1 and "B301" in planted.stdout and "B307" in planted.stdout


def test_the_lowest_versions_allowed_are_those_tested(repository: Path, project: dict[str, Any]) -> None:
    tested = pins(repository / ".ci/minimum.txt")
    wrong = {}
    for requirement in direct(project):
        bounds = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
        assert len(bounds) == 1, f"{requirement} has no lower bound"
        pin = tested.get(canonicalize_name(requirement.name))
        if pin != bounds[0]:
            wrong[str(requirement)] = pin
    assert not wrong, "bash .ci/minimum lock finds the versions again; a bound must be a release that exists"


def test_the_lock_has_everything_at_an_allowed_version(repository: Path, project: dict[str, Any]) -> None:
    locked = pins(repository / "constraints.txt")
    for requirement in direct(project):
        pin = locked.get(canonicalize_name(requirement.name))
        assert pin is not None and requirement.specifier.contains(pin), f"{requirement} is locked at {pin}"
