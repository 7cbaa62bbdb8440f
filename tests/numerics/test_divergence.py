"""Steps that are too large end with the replicate and a step that works, which is tried here; no NaN is silent."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sharefind.architectures.layers import fit
from sharefind.architectures.layers.training_record import DivergedError as DivergedFit
from sharefind.errors import ConfigError, InputError, NotConvergedError, SpaceError
from sharefind.groups import named_group, natural, regular
from sharefind.inference import (
    CrossDisplacement,
    Displacement,
    HeldOutGap,
    SmoothFit,
    lie_algebra_test,
    randomisation_test,
)
from sharefind.inference.statistics.surrogate_training import ParticleTraining
from sharefind.meanfield import FlowConfig, SGDConfig, build_unit, flow, train, vanilla_gradient
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.dynamics.divergence import DivergedError
from sharefind.meanfield.dynamics.sgd import Trajectory
from sharefind.meanfield.objectives.sources import EpochSource

GROUP = named_group("C4")
REP = natural(GROUP)
UNITS = {
    "logistic": build_unit("matrix:logistic", REP, REP),
    "tanh": build_unit("matrix+bias:tanh", REP, REP),
    "two-layer": build_unit("two-layer:tanh", REP, REP, regular(GROUP)),
    "radial": build_unit("radial:algebraic", REP, REP),
}


def rows(n: int = 60) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """x (n, 4) and labels y (n, 4) that C4 moves together."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4))
    weight = np.stack([np.roll([0.5, -0.25, 0.1, 0.3], k) for k in range(4)])
    return x, 0.5 + 0.4 * np.tanh(x @ weight.T) + 0.02 * rng.normal(size=(n, 4))


def trained(unit: str, config: SGDConfig, start: Tensor | None = None, factor: float = 1.0) -> Trajectory:
    """Training of 2 replicates, from a start of one's own or from small particles."""
    rng = np.random.default_rng(1)
    found = UNITS[unit]
    if start is None:
        start = torch.from_numpy(rng.normal(0, 0.25, size=(2, found.space.dim, config.particles)))
    x, y = (torch.from_numpy(v) for v in rows())
    source = EpochSource(factor * x, y, 20, np.random.default_rng(2))
    return train(vanilla_gradient(found), start, source, config, np.random.default_rng(3))


def settings(alpha: float, **given: Any) -> SGDConfig:
    return SGDConfig(**{"particles": 32, "alpha": alpha, "horizon": 4, "noise": "none", "beta": 0, "tau": 0, **given})


def suggested(message: str) -> float:
    found = re.search(r"SGDConfig\(alpha=([^)]+)\)", message)
    assert found is not None, message
    return float(found[1])


CASES = [
    (unit, backend, dtype, alpha)
    for unit, backends in (("logistic", ("torch", "compiled")), ("tanh", ("compiled",)), ("two-layer", ("torch",)))
    for backend in backends
    for dtype in ("float64", "float32")
    for alpha in (1e7, 1e12, 1e30)
] + [
    ("two-layer", "torch", "float64", 200.0),
    ("two-layer", "torch", "float32", 200.0),
    ("radial", "torch", "float32", 1e8),
]


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "backend", "dtype", "alpha"), CASES)
def test_the_step_that_is_named_works(unit: str, backend: Any, dtype: Any, alpha: float) -> None:
    config = settings(alpha, backend=backend, dtype=dtype)
    with pytest.raises(
        NotConvergedError, match=r"training diverged in replicate \d of 2: .*use a smaller step"
    ) as caught:
        trained(unit, config)
    smaller = suggested(str(caught.value))
    assert smaller < alpha
    path = trained(unit, config.model_copy(update={"alpha": smaller}))
    assert bool(torch.isfinite(path.final).all()) and float(path.risk.max()) < 2


@pytest.mark.slow
def test_the_number_of_particles_that_is_named_works() -> None:
    with pytest.raises(NotConvergedError, match=r"or \d+ particles") as caught:
        trained("two-layer", settings(25, particles=4))
    found = re.search(r"or (\d+) particles", str(caught.value))
    assert found is not None and 4 < int(found[1]) <= 4000
    assert bool(torch.isfinite(trained("two-layer", settings(25, particles=int(found[1]))).final).all())


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_particles_that_saturate_are_a_divergence(backend: Any, dtype: Any) -> None:
    """Units of the matrix kind are bounded: the particles stay finite, and predict worse than at the start."""
    config = settings(1e6, horizon=1, backend=backend, dtype=dtype)
    with pytest.raises(NotConvergedError, match=r"the loss is .* without training .*SGDConfig\(alpha=") as caught:
        trained("logistic", config)
    path = trained("logistic", settings(suggested(str(caught.value)), horizon=1, backend=backend, dtype=dtype))
    assert float(path.final.abs().max()) < 1e3


def test_a_shrinkage_beyond_its_target_is_a_divergence() -> None:
    config = settings(1e6, tau=1e-3, horizon=4)
    with pytest.raises(NotConvergedError, match="smaller step") as caught:
        trained("logistic", config)
    trained("logistic", config.model_copy(update={"alpha": suggested(str(caught.value))}))


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_the_replicate_that_diverged_is_named(row: int, backend: Any) -> None:
    start = torch.zeros(2, UNITS["logistic"].space.dim, 32, dtype=torch.float64)
    start[row] = torch.nan
    with pytest.raises(NotConvergedError, match=rf"in replicate {row} of 2: particles are not finite after 1 steps"):
        trained("logistic", settings(1.0, backend=backend), start)


def test_samples_that_are_too_large_for_the_type_are_told() -> None:
    with pytest.raises(NotConvergedError, match="samples are not finite; rescale the inputs"):
        trained("two-layer", settings(1.0, dtype="float32"), factor=1e60)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_steps_that_work_are_not_called_divergent(unit: str, alpha: float) -> None:
    assert bool(torch.isfinite(trained(unit, settings(alpha)).final).all())


def test_pure_noise_is_not_called_divergent() -> None:
    """400 trainings on labels without signal, at a step near the largest stable one: none is refused."""
    rng = np.random.default_rng(4)
    x, y = torch.from_numpy(rng.normal(size=(40, 4))), torch.from_numpy(rng.standard_t(3, size=(400, 40, 4)))
    unit = UNITS["logistic"]

    class Rows:
        def batch(self, step: int) -> Any:
            from sharefind.meanfield.objectives.sources import Batch

            index = torch.from_numpy(np.random.default_rng(step).permutation(40)[:10])
            return Batch(x[index].unsqueeze(0), y[:, index])

    start = torch.from_numpy(rng.normal(0, 0.25, size=(400, unit.space.dim, 16)))
    path = train(vanilla_gradient(unit), start, Rows(), settings(60, particles=16, horizon=4), rng)
    assert path.final.shape == start.shape


@pytest.mark.parametrize("bad", ["alpha", "horizon", "tau", "beta"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_settings_that_are_no_numbers_are_refused(bad: str, value: float) -> None:
    with pytest.raises(ValueError, match=bad):
        SGDConfig(**{bad: value})


def test_errors_travel_from_workers_with_what_they_say() -> None:
    for error in (DivergedError("told", 0.1), DivergedFit("told", 0.1)):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert str(copy) == "told" and copy.__dict__ == error.__dict__


@pytest.mark.parametrize("statistic", [Displacement, CrossDisplacement, HeldOutGap])
@pytest.mark.parametrize("rate", [1e5, 1e300])
def test_statistics_name_a_rate_that_works(statistic: Any, rate: float) -> None:
    x, y = (torch.from_numpy(v) for v in rows())

    def test(rate: float) -> float:
        chosen, rng = statistic(training=ParticleTraining(rate=rate)), np.random.default_rng(0)
        return randomisation_test(x, y, JointAction(REP, REP), chosen, rng, copies=4).p_value

    with pytest.raises(NotConvergedError, match=r"ParticleTraining\(rate=.*; try rate=") as caught:
        test(rate)
    assert 0 < test(float(str(caught.value).rpartition("=")[2])) <= 1


def test_smooth_fits_name_a_rate_that_works() -> None:
    with pytest.raises(ConfigError, match="a rate of 1 at most"):
        SmoothFit(rate=1.5)
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.normal(size=(100, 3)))
    y = 20 * (x**3).sum(1, keepdim=True)
    with pytest.raises(NotConvergedError, match=r"SmoothFit\(rate=1000\); try rate=0.004") as caught:
        lie_algebra_test(x, y, fit=SmoothFit(width=16, steps=100, batch=50, rate=1e3, largest_rate=1e6))
    rate = float(str(caught.value).rpartition("=")[2])
    assert lie_algebra_test(x, y, fit=SmoothFit(width=16, steps=100, batch=50, rate=rate)).explained > -10


class Explosive:
    """z' = z^3, which leaves every ball at time 1/2."""

    def value(self, theta: Tensor) -> Tensor:
        return -(theta**4).sum((1, 2)) / 4

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        return -((theta if at is None else at) ** 3)


class Stiff(Explosive):
    """z' = -10^7 z, which explicit methods follow in tiny steps."""

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        return 1e7 * (theta if at is None else at)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "LSODA", "Radau"])
def test_flows_that_explode_name_a_horizon_that_works(method: Any) -> None:
    config = FlowConfig(horizon=100, method=method, evaluations=20_000)
    with pytest.raises(NotConvergedError, match=r"stopped at time 0\.5 of 100.*horizon=0\.45") as caught:
        flow(Explosive(), torch.ones(1, 2, 3, dtype=torch.float64), config)
    shorter = config.model_copy(update={"horizon": float(str(caught.value).rpartition("=")[2])})
    found = flow(Explosive(), torch.ones(1, 2, 3, dtype=torch.float64), shorter).final
    torch.testing.assert_close(found, torch.full_like(found, (1 - 2 * 0.45) ** -0.5), rtol=1e-6, atol=0)


def test_stiff_flows_end_with_an_error_and_a_method_that_works() -> None:
    start = torch.ones(1, 2, 3, dtype=torch.float64)
    with pytest.raises(NotConvergedError, match=r"3000 evaluations.*use method Radau, or horizon=") as caught:
        flow(Stiff(), start, FlowConfig(horizon=1, evaluations=3000))
    shorter = float(str(caught.value).rpartition("=")[2])
    flow(Stiff(), start, FlowConfig(horizon=shorter, evaluations=3000))
    assert flow(Stiff(), start, FlowConfig(horizon=1, evaluations=3000, method="Radau")).final.abs().max() < 1e-6


def test_flows_from_nowhere_are_refused() -> None:
    with pytest.raises(SpaceError, match="not finite"):
        flow(Explosive(), torch.full((1, 2, 3), torch.nan), FlowConfig())
    with pytest.raises(NotConvergedError, match=r"velocity 1e\+150"):
        flow(Explosive(), torch.full((1, 2, 3), 1e50, dtype=torch.float64), FlowConfig())


@pytest.mark.parametrize("lr", [1e4, 1e8, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fits_name_a_step_that_works(lr: float, dtype: torch.dtype) -> None:
    x, y = rows()
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4)).to(dtype)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(NotConvergedError, match=r"try lr = \S+, which did not") as caught:
        fit(module, x, y, lr=lr, epochs=20)
    assert all(bool(torch.isfinite(value).all()) for value in module.state_dict().values())
    found = re.search(r"try lr = ([^,]+),", str(caught.value))
    assert found is not None
    module.load_state_dict(before)
    result = fit(module, x, y, lr=float(found[1]), epochs=20)
    assert result.train_loss <= result.history[0].train_loss


@pytest.mark.parametrize(
    ("factor_x", "factor_y", "dtype", "message"),
    [
        (1e-30, 1, torch.float32, "x holds no value above .*whose squares vanish"),
        (1, 1e-30, torch.float32, "y holds no value above .*whose squares vanish"),
        (1, 1e-200, torch.float64, "y holds no value above .*whose squares vanish"),
        (1e60, 1, torch.float32, "before training; scale x or y"),
        (1, 1e200, torch.float64, "before training; scale x or y"),
    ],
)
def test_fits_refuse_scales_that_the_type_does_not_hold(
    factor_x: float, factor_y: float, dtype: torch.dtype, message: str
) -> None:
    x, y = rows()
    with pytest.raises((InputError, NotConvergedError), match=message):
        fit(nn.Linear(4, 4).to(dtype), factor_x * x, factor_y * y)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "longdouble"])
def test_fits_take_every_type_of_floats(dtype: str) -> None:
    x, y = (v.astype(dtype) for v in rows())
    torch.manual_seed(0)
    modules = [nn.Linear(4, 4).double() for _ in range(2)]
    modules[1].load_state_dict(modules[0].state_dict())
    given, plain = (
        fit(m, a, b, epochs=3) for m, a, b in zip(modules, (x, x.astype(float)), (y, y.astype(float)), strict=True)
    )
    assert given.history == plain.history
