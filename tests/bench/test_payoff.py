"""The pay-off benchmark measures what it says: augmentation, intervals, true spaces, rows kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from sharefind.groups import named_group, natural
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.search import build_problem, search_config
from tests.bench import payoff, payoff_table
from tests.bench.payoff import Augmented, Record, append_records, read_records, true_space
from tests.bench.payoff_demos import DEMOS
from tests.bench.payoff_table import interval, lines, markdown

DIMENSIONS = {
    "teacher C6": 6,
    "teacher S5": 2,
    "teacher without symmetry": 16,
    "methane": 12,
    "elasticity:Cu": 3,
    "tic-tac-toe": 15 + 3,  # with a bias: corners, edges and the centre
    "dna:brca1-exchangeabilities": 3,
    "elnino": 144,
    "texture:brick": 8,
    "texture:gravel": 5,
    "texture:grass": 12,
}
"""dim E^G of each truth, as the textbooks and the issue of each data set say."""


def test_augmentation_has_the_loss_of_moved_data() -> None:
    """Mean over g of |g^-1 f(g x) - y|^2 = mean over g of |f(g x) - g y|^2, which the wrapper draws from."""
    rep = natural(named_group("C4"))
    network = torch.nn.Linear(4, 4, dtype=torch.float64)
    module = Augmented(network, JointAction(rep, rep))
    x, y = torch.randn(2, 4, dtype=torch.float64)
    moves = torch.from_numpy(rep.float_matrices())
    exact = torch.stack([(network(g @ x) - g @ y).square().sum() for g in moves]).mean()
    torch.manual_seed(0)
    drawn = (module(x.expand(20_000, 4)) - y).square().sum(1)
    assert torch.allclose(drawn.mean(), exact, rtol=0.02)
    assert torch.equal(module.eval()(x[None]), network(x[None]))


def test_intervals_are_students() -> None:
    values = np.random.default_rng(0).standard_normal(9)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = interval(values)
    assert found.mean - found.half == pytest.approx(low) and found.mean + found.half == pytest.approx(high)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMOS)
def test_the_truth_of_a_demo_is_the_space_of_the_textbooks(name: str) -> None:
    demo = DEMOS[name]
    task = demo.task()
    config = search_config(unit=demo.unit or task.unit)
    problem = build_problem(config, task, demo.candidate())
    assert true_space(problem, demo.truth()).dim == DIMENSIONS[name]


@pytest.mark.parametrize("name", ["teacher C6", "tic-tac-toe"])
def test_rows_that_score_are_not_trained_on(name: str) -> None:
    (x, _), (test, _) = DEMOS[name].rows(0, 50)
    assert len(x) == 50 and len(test) == 2000
    assert not {row.tobytes() for row in x} & {row.tobytes() for row in test}


def test_a_table_says_who_won(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        Record("elnino", 15, seed, model, error + 0.001 * rng.standard_normal(), 12, 384, 0.1, 2.0)
        for seed in range(5)
        for model, error in (("dense", 0.5), ("found", 0.6), ("true", 0.5), ("augmented", 0.5))
    ]
    append_records(tmp_path / "rows.csv", rows[:8])
    append_records(tmp_path / "rows.csv", rows[8:])
    (line,) = lines(read_records(tmp_path / "rows.csv"))
    assert line.verdict == "loses" and line.found_true == 5 and line.seeds == 5
    assert line.gain.mean == pytest.approx(-0.1, abs=0.01)
    assert "| elnino | 15 |" in markdown([line])


@pytest.mark.slow
@pytest.mark.ci
def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, table, drawing = (str(tmp_path / name) for name in ("pay-off.csv", "pay-off-table.md", "pay-off.png"))
    arguments = ["--demo", "teacher S5", "--rows", "30", "--seeds", "2"]
    monkeypatch.setattr("sys.argv", ["payoff", "--csv", rows, *arguments])
    payoff.main()
    payoff.main()  # nothing is left to do
    assert len(read_records(Path(rows))) == 2 * 4
    monkeypatch.setattr("sys.argv", ["payoff_table", rows, "--markdown", table, "--picture", drawing])
    payoff_table.main()
    assert "| teacher S5 | 30 |" in Path(table).read_text() and Path(drawing).stat().st_size > 10_000
