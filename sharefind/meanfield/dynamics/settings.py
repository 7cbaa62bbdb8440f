"""Settings of trainings: of the recursion, which decide what comes out, and of its pace, which do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

Backend = Literal["auto", "torch", "compiled"]
"""Who carries out the steps; "auto" is the kernel where it can be used and compiling it pays."""


@dataclass(frozen=True)
class Pace:
    """How much a training does at once.

    Attributes:
        reports: How often it reports its progress.
        silence: How long at most it is silent, in seconds, but for the steps under way: the listener may want to end
            it.
        numbers: Numbers of samples and noise that are drawn at once: they stay in a core's cache.
        steps: Steps that are carried out at once, so that progress is seen and an interrupt heard.
        activations: Activations that are computed at once, for the same reason: the kernel takes half a second.
        pays_from: Activations of a training from which compiling pays: torch takes 5 s over them, the compiler 4 s,
            once a machine.
        stretch_bytes: Bytes of the row of particles that the kernel works on at a time, so that many rows stay in the
            first cache.
    """

    reports: int = 50
    silence: float = 0.5
    numbers: int = 2**18
    steps: int = 64
    activations: int = 2**26
    pays_from: float = 6e8
    stretch_bytes: int = 4096


PACE = Pace()


class SGDConfig(BaseModel):
    """Settings of one training. The defaults are those of Maass & Fontbona 2024, Appendix F, at N = 100.

    Attributes:
        particles: Number N of particles.
        alpha: Step factor; a particle moves by alpha/N times its gradient.
        horizon: The time T, so that N T steps are taken.
        batch: Size B of a minibatch.
        tau: Weight of the penalty |z|^2 / 2.
        beta: Temperature of the noise.
        initial_std: Standard deviation of the Gaussian start.
        noise: "projected" uses P_E xi with the E that training starts on, "gaussian" uses xi, "none" uses no noise.
        dtype: Precision of the particles.
        device: Where the particles are, "cpu" or a torch device such as "cuda". Double precision is the default on
            "cpu", single precision elsewhere.
        backend: Implementation of the steps, see `stepping`.
        run_activations: Number of activations that all trainings of a run compute together, where known; they share the
            cost of compiling.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    particles: int = Field(default=100, ge=1)
    alpha: float = Field(default=50.0, gt=0)
    horizon: float = Field(default=20.0, gt=0)
    batch: int = Field(default=20, ge=1)
    tau: float = Field(default=1e-4, ge=0)
    beta: float = Field(default=1e-6, ge=0)
    initial_std: float = Field(default=0.25, gt=0)
    noise: Literal["projected", "gaussian", "none"] = "projected"
    dtype: Literal["float32", "float64"] = "float64"
    device: str = "cpu"
    backend: Backend = "auto"
    run_activations: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _single_precision_on_accelerators(cls, given: Any) -> Any:
        if isinstance(given, dict) and "dtype" not in given and str(given.get("device", "cpu")) != "cpu":
            return {**given, "dtype": "float32"}
        return given

    @property
    def steps(self) -> int:
        """N_e = N T, at least one."""
        return max(1, round(self.particles * self.horizon))

    @property
    def step_size(self) -> float:
        """alpha / N."""
        return self.alpha / self.particles

    @property
    def torch_dtype(self) -> torch.dtype:
        """The torch dtype that `dtype` names."""
        return torch.float32 if self.dtype == "float32" else torch.float64
