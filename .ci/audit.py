"""Whether constraints.txt pins a release with a known vulnerability: `python .ci/audit.py`, which .ci/check runs.

pip-audit asks the vulnerability services. Where none answers, which is said, the pins are held against
.ci/advisories.txt alone; they are held against it in any case. A finding is mended by another pin, or named in
.ci/accepted.txt with the reason why it does not matter. Needs the extra dev.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).resolve().parent
SERVICES = ("osv", "pypi")
PATIENCE = 300
"""Seconds for one service."""

CLEAN, VULNERABLE, WRONG, NOT_ASKED = 0, 1, 2, 3
"""Exit statuses."""

Pins = dict[str, Version]


@dataclass(frozen=True)
class Finding:
    """A pin with a known vulnerability. names: the advisory's, of which one is enough to accept it."""

    package: str
    version: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {', '.join(self.names)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit, and say what was found and who was asked.

    Returns:
        0 clean, 1 a finding that is not accepted, 2 pip-audit is missing, 3 no service answered and one was required.
    """
    asked = _parser().parse_args(arguments)
    if not asked.offline and find_spec("pip_audit") is None:
        print("pip-audit is not installed; pip install '.[dev]', or give --offline", file=sys.stderr)
        return WRONG
    pins = read_pins(asked.lock)
    answers = {} if asked.offline else {name: answer for name in SERVICES if (answer := ask(name, asked.lock))}
    advisories = list(_lines(asked.advisories))
    findings = [*listed(pins, advisories), *(finding for answer in answers.values() for finding in answer.findings)]
    accepted = dict(_lines(asked.accepted))
    open_findings = [f for f in findings if not accepted.keys() & set(f.names)]
    print(_who_answered(answers, pins, advisories))
    for finding in dict.fromkeys(findings):
        reason = next((accepted[name] for name in finding.names if name in accepted), None)
        print(f"{'VULNERABLE' if reason is None else 'accepted'}  {finding}{'' if reason is None else f' ({reason})'}")
    if open_findings:
        print(f"raise the pin in {asked.lock}, or give the reason why it does not matter in {asked.accepted}")
        return VULNERABLE
    return NOT_ASKED if asked.require_service and not answers else CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python .ci/audit.py", description=__doc__)
    parser.add_argument("--lock", type=Path, default=HERE.parent / "constraints.txt", metavar="FILE")
    parser.add_argument("--advisories", type=Path, default=HERE / "advisories.txt", metavar="FILE")
    parser.add_argument("--accepted", type=Path, default=HERE / "accepted.txt", metavar="FILE")
    parser.add_argument("--offline", action="store_true", help="ask no service")
    parser.add_argument("--require-service", action="store_true", help="3 where no service answers: for a release")
    return parser


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """What stands before and behind the `#` of each line that is not all comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        before, _, behind = line.partition("#")
        if before.strip():
            yield before.strip(), behind.strip()


def read_pins(lock: Path) -> Pins:
    """The pins of a lock. Raises: ValueError: a line that pins no version."""
    pins = {}
    for line, _ in _lines(lock):
        requirement = Requirement(line)
        versions = [Version(s.version) for s in requirement.specifier if s.operator == "=="]
        if len(versions) != 1:
            raise ValueError(f"{lock}: {line!r} pins no version; write NAME==VERSION")
        pins[canonicalize_name(requirement.name)] = versions[0]
    return pins


def listed(pins: Pins, advisories: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """The pins that the list names."""
    for line, names in advisories:
        affected = Requirement(line)
        pin = pins.get(canonicalize_name(affected.name))
        if pin is not None and affected.specifier.contains(pin, prereleases=True):
            yield Finding(affected.name, str(pin), tuple(names.split()))


@dataclass(frozen=True)
class Answer:
    """Of a service: how many pins it knows, and what it found."""

    known: int
    findings: tuple[Finding, ...]


def ask(service: str, lock: Path) -> Answer | None:
    """What pip-audit hears from a service; None where it does not answer.

    pip-audit itself ends with "No known vulnerabilities found" where a service knows none of the packages.
    """
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--no-deps", "--disable-pip", "-s", service]
    command += ["--progress-spinner", "off", "--format", "json"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
        packages = json.loads(told)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    known = [p for p in packages if "skip_reason" not in p]
    findings = [
        Finding(p["name"], p["version"], (v["id"], *v.get("aliases", []))) for p in known for v in p.get("vulns", [])
    ]
    return Answer(len(known), tuple(findings)) if known else None


def _who_answered(answers: dict[str, Answer], pins: Pins, advisories: Sequence[tuple[str, str]]) -> str:
    told = [f"{name} knows {answer.known}" for name, answer in answers.items()]
    services = "; ".join(told) if told else "no vulnerability service answered"
    return f"{len(pins)} pins: {services}; held against a list of {len(advisories)} advisories"


if __name__ == "__main__":
    sys.exit(main())
