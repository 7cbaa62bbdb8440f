"""A choice that was interrupted: trainings are kept, done once, and what is found is the same; a deadline; restarts."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sharefind.architectures.deep import choosing
from sharefind.architectures.deep.batch import DeepBatch
from sharefind.architectures.deep.choice_budget import ChoiceBudget
from sharefind.architectures.deep.choice_settings import ChoiceSettings
from sharefind.architectures.deep.choosing import choose_network
from sharefind.architectures.deep.kept import KeptTrainings, kept_in
from sharefind.architectures.deep.record import Choice
from sharefind.architectures.deep.training import Plan, Trained, row_losses, train
from sharefind.architectures.deep.tried_units import dense_unit
from sharefind.errors import RunFolderError
from sharefind.meanfield import build_unit
from sharefind.parallel import Deadline
from sharefind.search.observer import BudgetSpent
from sharefind.storage import TEMPORARY
from tests.architectures.deep.test_choosing import QUICK, teacher_rows

FIT = "fit_networks"
"""What a choice calls for each training, in `choosing`."""

DONE = getattr(choosing, FIT)

SETTINGS = ChoiceSettings(depths=(1, 2), widths=(4,), plan=QUICK, least_labels=0.0, escape=None)


class Counted:
    """Trains, counts, and is interrupted before training number `until`."""

    def __init__(self, until: int = 1_000, seconds: float = 0.0) -> None:
        self.count, self.until, self.seconds = 0, until, seconds

    def __call__(self, *arguments: Any, **more: Any) -> Trained:
        if self.count == self.until:
            raise KeyboardInterrupt
        self.count += 1
        time.sleep(self.seconds)
        return DONE(*arguments, **more)


def timeless(choice: Choice) -> Choice:
    """The choice without seconds."""
    return replace(choice, nodes=tuple(replace(node, seconds=0.0) for node in choice.nodes))


def test_an_interrupted_choice_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, settings = teacher_rows("C2", n=40), replace(SETTINGS, depths=(1,))
    expected, choice = choose_network(rows, settings)
    total = 0
    for until in (2, 3, 1_000):
        fit = Counted(until)
        monkeypatch.setattr(choosing, FIT, fit)
        with kept_in(tmp_path / "deep") as kept:
            try:
                network, again = choose_network(rows, settings, kept=kept)
            except KeyboardInterrupt:
                assert until < 1_000
        assert len(kept.found) == total and not kept.notes
        total += fit.count
    assert total == len(list((tmp_path / "deep").glob("*.safetensors")))
    np.testing.assert_array_equal(network.particle, expected.particle)
    assert timeless(again) == timeless(choice)


def test_what_decides_a_training_tells_it_from_others(tmp_path: Path) -> None:
    rows, fit = teacher_rows("C2", n=20), Counted()
    kept = KeptTrainings(tmp_path).over(fit)
    unit = dense_unit("deep:tanh", rows, (3,))
    held, plan = [np.arange(4)], Plan(steps=4, fewest=2, every=2)
    first = kept(unit, rows, held, plan, 0)
    changes: list[dict[str, Any]] = [
        {"held": [np.arange(5)]},
        {"plan": replace(plan, lr=0.02)},
        {"seed": 1},
        {"rows": replace(rows, y=rows.y + 1)},
        {"unit": dense_unit("deep:relu", rows, (3,))},
        {"augmentation": choosing.Augmentation(rows)},
        {"unit": replace(unit, windows=(np.array([0, 3]), None))},
    ]
    usual = {"unit": unit, "rows": rows, "held": held, "plan": plan, "seed": 0}
    for number, change in enumerate(changes, 2):
        kept(**{**usual, **change})
        assert fit.count == number
    again = kept(**usual)
    assert fit.count == len(changes) + 1
    assert (again.step, again.seconds) == (first.step, first.seconds)
    np.testing.assert_array_equal(again.losses, first.losses)
    np.testing.assert_array_equal(again.networks[0][1][0], first.networks[0][1][0])


@pytest.mark.parametrize("damage", ["cut", "nothing", "another", "text"])
def test_a_damaged_file_is_noted_and_trained_anew(tmp_path: Path, damage: str) -> None:
    rows, fit = teacher_rows("C2", n=20), Counted()
    keeper = KeptTrainings(tmp_path)
    kept = keeper.over(fit)
    plan = Plan(steps=4, fewest=2, every=2)
    usual = dense_unit("deep:tanh", rows, (3,)), rows, [np.arange(4)], plan, 0
    first = kept(*usual)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage == "another":
        kept(dense_unit("deep:tanh", rows, (4,)), *usual[1:])
        (other,) = set(tmp_path.iterdir()) - {path}
        whole = other.read_bytes()
        other.unlink()
    text = whole.replace(b'"step\\"', b'"stop\\"')
    path.write_bytes({"cut": whole[:-9], "nothing": b"", "another": whole, "text": text}[damage])
    before = fit.count
    again = kept(*usual)
    assert fit.count == before + 1
    assert len(keeper.notes) == 1 and "it is trained again" in keeper.notes[0]
    np.testing.assert_array_equal(again.predictions, first.predictions)
    assert kept(*usual).step == first.step and fit.count == before + 1


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(RunFolderError, match="cannot be made"), kept_in(tmp_path / "deep" / "trainings"):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with kept_in(tmp_path), pytest.raises(RunFolderError, match="is in use by"), kept_in(tmp_path):
        pass
    (tmp_path / f".x.{TEMPORARY}").write_text("half")
    with kept_in(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} <= {"lock"}


def spent(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, BudgetSpent("the seconds are spent"))


def test_a_deadline_ends_with_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = teacher_rows("C2", n=40)
    monkeypatch.setattr(choosing, FIT, Counted(seconds=0.05))
    network, choice = choose_network(rows, SETTINGS, budget=ChoiceBudget(spent(0.04)))
    assert choice.stopped == "the seconds are spent"
    assert len(choice.nodes) == 1 and [one.name for one in choice.references] == ["least squares"]
    assert network.unit.hidden_reps[0].name == choice.best.layers[0]
    assert network.evidence["stopped"] == choice.stopped
    with pytest.raises(BudgetSpent):
        choose_network(rows, SETTINGS, budget=ChoiceBudget(spent(-1.0)))


def test_a_training_that_runs_is_ended_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    late = spent(3600.0)
    calls = []

    def training(*arguments: Any, **more: Any) -> Trained:
        calls.append(more)
        if len(calls) == 3:
            raise late.late
        return DONE(*arguments, **more)

    @contextmanager
    def bounded(deadline: Deadline) -> Any:
        assert deadline is late
        yield

    monkeypatch.setattr(choosing, FIT, training)
    settings = replace(SETTINGS, widths=(4, 8))
    _, choice = choose_network(teacher_rows("C2", n=40), settings, budget=ChoiceBudget(late, bounded))
    assert choice.stopped and len(choice.nodes) == 2


def test_the_best_of_several_starts_is_kept() -> None:
    rows = teacher_rows("C2", n=60)
    settings = replace(SETTINGS, depths=(1,), widths=(4,), restarts=4, has_references=False)
    network, choice = choose_network(rows, settings)
    assert [start.seed for start in choice.starts] == [0, 1, 2, 3]
    best = choice.start
    assert best is not None and best.risk == min(start.risk for start in choice.starts)
    assert len({start.risk for start in choice.starts}) == 4
    plan = replace(QUICK, stop=best.steps)
    alone = DONE(network.unit, rows, [np.zeros(0, dtype=np.int64)], plan, best.seed).networks[0]
    for (weight, bias), found in zip(rows.scaling.unscaled(alone), network.matrices, strict=True):
        np.testing.assert_allclose(found[0], weight, atol=1e-12)
        np.testing.assert_allclose(found[1], bias, atol=1e-12)


def test_weights_decay_and_biases_do_not() -> None:
    """One step of size 1 of an entry, without a gradient: each weight loses its share, tied or not."""
    rows = teacher_rows("S3")
    for unit in (dense_unit("deep:tanh", rows, (4, 4)), _tied(rows)):
        batch = DeepBatch(unit, 2, 0)
        with torch.no_grad():
            for bias in batch.biases:
                bias.fill_(1.0)
        before = [parameter.detach().clone() for parameter in batch.parameters()]
        optimiser = torch.optim.AdamW(batch.step_groups(0.1, weight_decay=0.5))
        loss = row_losses(batch(torch.zeros(2, 1, 3)), torch.zeros(2, 1, 3), is_class=False).sum()
        optimiser.zero_grad()
        for parameter in batch.parameters():
            parameter.grad = torch.zeros_like(parameter)
        assert loss.isfinite()
        optimiser.step()
        for name, (old, new) in zip(
            dict(batch.named_parameters()), zip(before, batch.parameters(), strict=True), strict=True
        ):
            torch.testing.assert_close(new, old * 0.95 if name.startswith("weights") else old)


def _tied(rows: Any) -> Any:
    hidden = [rows.in_rep + rows.in_rep] * 2
    return build_unit("deep:tanh", rows.in_rep, rows.out_rep, hidden)


def test_weight_decay_is_part_of_a_plan() -> None:
    """With decay, weights end smaller."""
    rows = teacher_rows("C2", n=40)
    unit = dense_unit("deep:tanh", rows, (6,))
    nothing = [np.zeros(0, dtype=np.int64)]
    sizes = [
        sum(float((weight**2).sum()) for weight, _ in train(unit, rows, nothing, plan, 0).networks[0])
        for plan in (QUICK, replace(QUICK, weight_decay=1.0))
    ]
    assert sizes[1] < 0.9 * sizes[0]
