"""From the name of a data set to the answer that its field knows, through the command line."""

from pathlib import Path
from typing import Any

import pytest

from sharefind.api.resolve import resolve_problem
from sharefind.cli import main
from sharefind.cli.finished import load_outcome
from sharefind.errors import ConfigError
from sharefind.limits import SETTINGS
from sharefind.search import RunFolder, search_config


def _discover(folder: Path, *arguments: str) -> dict[str, Any]:
    assert main(["discover", *arguments, "--out", str(folder), "--quiet", "--json"]) == 0
    return RunFolder.open(folder).result().to_json()


def _answer(result: dict[str, Any]) -> tuple[str | None, int]:
    return result["e_star"]["candidate"], result["e_star"]["dim"]


@pytest.mark.slow
def test_kimura_1980_from_exchangeabilities(tmp_path: Path) -> None:
    pytest.importorskip("cogent3")
    result = _discover(tmp_path / "run", "--data", "dna:brca1-exchangeabilities")
    assert _answer(result) == ("E^D4", 3)
    assert "S4" in result["rejected"]


@pytest.mark.slow
def test_copper_is_cubic_and_the_run_can_be_taken_up(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    folder = tmp_path / "run"
    result = _discover(folder, "--data", "elasticity:Cu", "--copies", "99")
    assert _answer(result) == ("E^O", 3)
    config = RunFolder.open(folder).config()
    assert config.group is None and config.generators is None and config.data == "elasticity:Cu"
    assert main(["discover", "--resume", str(folder), "--json", "--quiet"]) == 0
    again = RunFolder.open(folder).result().to_json()
    assert {k: again[k] for k in ("e_star", "chain")} == {k: result[k] for k in ("e_star", "chain")}
    outcome = load_outcome(RunFolder.open(folder))
    # The limits are those of the reader, the rest is the run's own.
    theirs, ours = (c.model_dump(exclude=set(SETTINGS)) for c in (config, outcome.problem.resolved))
    assert outcome.e_star.space.dim == 3 and ours == theirs
    spec = tmp_path / "cu.json"
    assert main(["export", str(folder), "--format", "json", "--out", str(spec)]) == 0
    assert main(["inspect", str(folder)]) == 0 and main(["verify", str(spec)]) == 0


@pytest.mark.slow
@pytest.mark.ci
def test_methane_is_a_tetrahedron(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    result = _discover(tmp_path / "run", "--data", "methane", "--copies", "99")
    assert _answer(result) == ("E^Td", 12)


@pytest.mark.slow
def test_el_nino_has_seasons(tmp_path: Path) -> None:
    pytest.importorskip("statsmodels")
    result = _discover(tmp_path / "run", "--data", "elnino", "--copies", "99")
    assert result["e_star"]["dim"] == 144 and "C12" in result["rejected"]


@pytest.mark.slow
def test_the_board_is_a_square(tmp_path: Path) -> None:
    assert _answer(_discover(tmp_path / "run", "--data", "tic-tac-toe")) == ("E^D4", 15)


@pytest.mark.slow
def test_a_stretched_bond_and_a_stretched_crystal(tmp_path: Path) -> None:
    pytest.importorskip("ase")
    molecule = _discover(tmp_path / "molecule", "--data", "methane:stretched")
    assert _answer(molecule) == ("E^S3:<(1 2 3), (1 3)>", 42)
    crystal = _discover(tmp_path / "crystal", "--data", "elasticity:Cu-stretched")
    assert _answer(crystal) == ("E^D4:<(0 2 3 1), (0 2)(1 3)>", 7)


@pytest.mark.slow
def test_rates_of_dna_are_no_textbook_model(tmp_path: Path) -> None:
    pytest.importorskip("cogent3")
    assert _answer(_discover(tmp_path / "run", "--data", "dna:brca1-rates")) == ("E^C2:<(1 3)>", 10)


def test_a_recommended_name_is_written_into_the_configuration() -> None:
    problem = resolve_problem(search_config(data="tic-tac-toe"))
    assert (problem.candidate.group.name, problem.resolved.group) == ("D4", "D4")
    assert (problem.resolved.in_rep, problem.fixed_space.dim) == ("grid:3", 15)
    assert resolve_problem(problem.resolved).resolved == problem.resolved


def test_what_is_given_comes_before_what_is_recommended() -> None:
    problem = resolve_problem(search_config(data="tic-tac-toe", group="C4"))
    assert problem.candidate.group.order == 4 and problem.fixed_space.dim == 21


def test_representations_of_a_recommended_action_are_refused() -> None:
    pytest.importorskip("ase")
    with pytest.raises(ConfigError, match=r"^methane says how the group acts; drop in_rep and out_rep"):
        resolve_problem(search_config(data="methane", in_rep="trivial:15"))


@pytest.mark.parametrize("data", [{}, {"task": "c2-si"}])
def test_data_that_recommend_nothing_want_a_group(data: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"^no candidate symmetry was given; add group NAME"):
        resolve_problem(search_config(**data))
