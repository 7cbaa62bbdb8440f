"""Networks of classes: their logits survive every format, and their training is that of a classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from sharefind.architectures import (
    SharingSpec,
    TrainedNetwork,
    from_json,
    read_safetensors,
    to_json,
    torch_source,
    write_onnx,
    write_safetensors,
)
from sharefind.architectures.layers import SharedShallowNetwork
from sharefind.architectures.layers.comparison import TrainingPlan, beside_usual, compare, untied
from sharefind.errors import InputError
from sharefind.groups import named_group, natural, regular, trivial
from sharefind.meanfield.clouds.standardise import Standardisation, standardisation
from sharefind.search.scores import BASELINE, REGRESSION
from tests.specs import load_module, spec_on

NAMES = ("low, or none", 'a "quoted" name', "größer", "back\\slash")


def class_spec(unit: str = "matrix+bias:logistic", classes: tuple[str, ...] = NAMES) -> SharingSpec:
    """C4 turns four inputs and four classes."""
    rep = natural(named_group("C4"))
    reps = [rep, rep] if unit.startswith("matrix") else [rep, rep, regular(rep.group)]
    rng = np.random.default_rng(0)
    x, y = 300 + 10 * rng.normal(size=(60, 4)), np.eye(4)[rng.integers(4, size=60)]
    sigma = spec_on(reps, unit, 8).layer.output_activation
    change = standardisation(x, y, rep, rep, sigma, "whiten", has_classes=True)
    return replace(spec_on(reps, unit, 8), change=change, classes=classes)


def network_of(unit: str) -> TrainedNetwork:
    spec = class_spec(unit)
    return TrainedNetwork(spec, np.random.default_rng(1).standard_normal((8, spec.space.dim)))


@pytest.mark.parametrize("unit", ["matrix+bias:logistic", "two-layer:logistic"])
def test_logits_are_the_same_in_every_format(unit: str, tmp_path: Path) -> None:
    network = network_of(unit)
    x = 300 + 10 * np.random.default_rng(2).normal(size=(9, 4))
    logits = network.predict(x)
    assert float(np.ptp(logits)) > 1
    assert from_json(to_json(network.spec)) == network.spec
    write_safetensors(network, tmp_path / "net.safetensors")
    read = read_safetensors(tmp_path / "net.safetensors")
    assert read.spec == network.spec and read.spec.change.has_classes
    np.testing.assert_array_equal(read.predict(x), logits)
    write_onnx(network, tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession((tmp_path / "net.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": x})[0], logits, atol=1e-10)
    assert from_json(session.get_modelmeta().custom_metadata_map["sharefind.spec"]).classes == NAMES
    (tmp_path / "net.py").write_text(torch_source(network.spec), encoding="utf-8")
    module = load_module(tmp_path / "net.py")
    assert module.CLASSES == NAMES and "logits" in module.__doc__
    net = module.SharedShallowNetwork(dtype=torch.float64)
    net.load_state_dict(load_file(tmp_path / "net.safetensors"))
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach().numpy(), logits, atol=1e-10)
    live = SharedShallowNetwork.from_spec(tmp_path / "net.safetensors", dtype=torch.float64)
    assert live.change.has_classes and live.to_trained().spec == network.spec


def test_a_specification_of_numbers_says_nothing_of_classes() -> None:
    rep = natural(named_group("C4"))
    spec = spec_on([rep, rep], "matrix:logistic", 8)
    assert "classes" not in to_json(spec) and "CLASSES" not in torch_source(spec)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (("a", "b"), "2 names"),
        (("a", "b", "c", "d\n"), "printable"),
        ((), "none are named"),
    ],
)
def test_names_that_do_not_fit_are_refused(classes: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        class_spec(classes=classes)


def test_classes_are_learned_as_well_as_by_multinomial_regression() -> None:
    spec = class_spec(classes=tuple("abcd"))
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 4))
    y = np.eye(4)[(2 * x + np.roll(x, 1, 1) + 0.3 * rng.gumbel(size=x.shape)).argmax(1)]
    x = 300 + 10 * x
    plan = TrainingPlan(width=8, epochs=40)
    scores = compare({"shared": spec, "untied": untied(spec)}, x, y, plan)
    assert [score.r2 for score in scores] == [None, None]
    scored = beside_usual({score.name: score.network for score in scores}, x, y, plan.seed, has_classes=True)
    found = {name: scored.score(name) for name in ("shared", "untied", REGRESSION, BASELINE)}
    shared, regression, baseline = found["shared"], found[REGRESSION], found[BASELINE]
    assert shared is not None and regression is not None and baseline is not None
    assert shared.accuracy > regression.accuracy - 0.03 > baseline.accuracy
    assert shared.log_loss < regression.log_loss + 0.05
    validation = scores[0].fitted.validation_loss
    assert validation is not None and validation < 1.0  # in nats, which squared errors of logits would not be


def test_a_common_shift_of_logits_is_fixed_by_every_permutation() -> None:
    group = named_group("S4")
    rng = np.random.default_rng(4)
    y = np.eye(4)[rng.choice(4, size=50, p=(0.7, 0.2, 0.1, 0.0))]
    x = rng.normal(size=(50, 4))
    rep = natural(group)
    turned = standardisation(x, y, rep, rep, None, "scale", has_classes=True)
    assert float(np.ptp(turned.shift)) < 1e-12
    still = standardisation(x, y, rep, trivial(group, 4), None, "scale", has_classes=True)
    np.testing.assert_allclose(np.exp(still.shift), (y.sum(0) + 1) / 54)
    assert isinstance(still, Standardisation)
    np.testing.assert_array_equal(still.apply(x, y)[1], y)
