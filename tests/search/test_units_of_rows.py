"""Units of rows in a search: blocks, sources, splits, warnings, fingerprints."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sharefind.architectures.layers.network_training import fit
from sharefind.datasets import finite_task
from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural
from sharefind.meanfield import JointAction
from sharefind.meanfield.objectives.sources import EpochSource, FoldSource, PermutedCopies, RandomisedCopies
from sharefind.search import Observer, RunFolder, build_problem, run_search, search_config
from sharefind.search.units_of_rows import blocks, unpermutable
from sharefind.search.yardstick import kept_apart
from tests.acceptance.dependent_rows import repeated

NUMBERS = np.arange(60) // 5


def _problem(units=None, **settings):  # type: ignore[no-untyped-def]
    x, y = repeated(60, 1e-6)(np.random.default_rng(0))
    rows_of = None if units is None else "subject"
    config = search_config(group="C4", rows_of=rows_of, alpha=0.05, copies=19, **settings)
    return build_problem(config, finite_task("t", x, y, units=units), named_group("C4"))


def test_blocks_are_cut_within_units() -> None:
    units = np.array([0, 1, 0, 1, 0, 0, 1])
    assert blocks(7, None, 3).tolist() == [0, 0, 0, 1, 1, 1, 2]
    found = blocks(7, units, 2)
    assert found.tolist() == [0, 2, 0, 2, 1, 1, 3]


def test_rows_that_repeat_are_warned_of_and_units_answer() -> None:
    (line,) = _problem().warnings
    assert "rows_of" in line and "block_length" in line and "groups=" in line
    named = _problem(NUMBERS)
    assert named.warnings == () and torch.equal(named.units, torch.from_numpy(NUMBERS))
    blocked = _problem(block_length=5)
    assert torch.equal(blocked.units, named.units)
    prints = {p.settings_fingerprint for p in (_problem(), named, blocked)}
    assert len(prints) == 3
    assert named.fingerprint != _problem().fingerprint


def test_settings_at_odds_with_the_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="names no units"):
        x, y = repeated(60, 1e-6)(np.random.default_rng(0))
        build_problem(search_config(group="C4", rows_of="s"), finite_task("t", x, y), named_group("C4"))
    with pytest.raises(ConfigError, match="one block"):
        _problem(block_length=60)
    with pytest.raises(ConfigError, match="block_length"):
        search_config(group="C4", block_length=0)
    with pytest.raises(ConfigError, match="cannot be split"):
        _problem(NUMBERS, replicates=13)
    assert "changes nothing" in _problem(np.arange(60)).warnings[0]
    assert "too few to reject" in _problem(np.arange(60) // 20).warnings[0]


def test_units_of_different_sizes_cannot_test_independence_and_say_so() -> None:
    sizes = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 15])
    problem = _problem(sizes)
    assert problem.warnings == (unpermutable(),) and problem.fingerprint


def test_copies_and_folds_keep_units_together() -> None:
    x, rng = torch.arange(60.0, dtype=torch.float64)[:, None].expand(60, 4), np.random.default_rng(0)
    units = torch.from_numpy(NUMBERS)
    folds = FoldSource(x, x, 4, 60, rng, units).batch(0).x[..., 0].long()
    members = [set(units[fold].tolist()) for fold in folds]
    assert sum(map(len, members)) == len(set().union(*members)) == 12
    base, rep = EpochSource(x, x, 60, rng), natural(named_group("C4"))
    columns = torch.eye(4, dtype=torch.float64).cumsum(0)[:1].expand(60, 4)
    source = EpochSource(columns, columns, 60, rng)
    moved = RandomisedCopies(source, JointAction(rep, rep), 20, 60, rng, units=units)
    batch = source.batch(0)
    copies = moved.batch(1)
    assert torch.equal(copies.x[0], batch.x[0])
    permuted = PermutedCopies(base, x, 20, rng, units=units).batch(0)
    assert torch.equal(permuted.x[..., 0] % 5, permuted.y[..., 0] % 5)
    assert not torch.equal(permuted.x[1], permuted.y[1])


def test_networks_are_scored_on_other_units() -> None:
    train, test = kept_apart(60, 0, NUMBERS)
    assert not set(NUMBERS[train]) & set(NUMBERS[test]) and len(test) in (10, 15)
    seen = []
    module = torch.nn.Linear(1, 1)
    module.register_forward_pre_hook(lambda m, a: seen.append((m.training, set(NUMBERS[a[0][:, 0].long()]))))
    x = np.arange(60.0)[:, None]
    fit(module, x, x, epochs=1, lr=1e-6, groups=[f"s{k}" for k in NUMBERS])
    trained = set().union(*(s for is_training, s in seen if is_training))
    assert any(not s & trained for is_training, s in seen if not is_training)


def test_a_run_keeps_its_units_and_its_warnings(tmp_path: Path) -> None:
    for name, problem in (("with", _problem(NUMBERS, symmetry="law")), ("without", _problem(symmetry="law"))):
        folder = RunFolder.create(tmp_path / name, problem.resolved)
        notes = []

        class Watcher(Observer):
            def on_note(self, note: str) -> None:
                notes.append(note)  # noqa: B023

        _, result = run_search(problem, folder, Watcher())
        assert result.warnings == list(problem.warnings)
        assert json.loads((tmp_path / name / "result.json").read_text())["warnings"] == result.warnings
        assert notes == [f"warning: {line}" for line in problem.warnings]
    assert RunFolder.open(tmp_path / "with").config().rows_of == "subject"
