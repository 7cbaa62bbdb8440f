"""Activations that are read from graphs and modules, as functions of numbers in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from sharefind.architectures.audit.layer_chain import Function, Pointwise
from sharefind.typing import FloatArray

SELU_ALPHA, SELU_GAMMA = 1.6732632423543772, 1.0507009873554805
"""Constants of SELU (Klambauer et al. 2017)."""


def _elu(alpha: float = 1.0, gamma: float = 1.0) -> Function:
    return lambda t: gamma * np.where(t > 0, t, alpha * np.expm1(np.minimum(t, 0)))


def _leaky(slope: float) -> Function:
    return lambda t: np.where(t > 0, t, slope * t)


def _softplus(t: FloatArray) -> FloatArray:
    return np.logaddexp(0.0, t)


def gelu(approximate: bool) -> Function:
    """Return the Gaussian error linear unit (Hendrycks and Gimpel 2016).

    Args:
        approximate: Whether it is the usual approximation by tanh.
    """
    if approximate:
        return lambda t: 0.5 * t * (1 + np.tanh(np.sqrt(2 / np.pi) * (t + 0.044715 * t**3)))
    return lambda t: t * special.ndtr(t)


def clip(low: float, high: float) -> Function:
    """Return the function that keeps numbers between two bounds.

    Args:
        low: The lower bound.
        high: The upper bound.
    """
    return lambda t: np.clip(t, low, high)


PLAIN: dict[str, Function] = {
    "Abs": np.abs,
    "Atan": np.arctan,
    "Cos": np.cos,
    "Erf": special.erf,
    "Exp": np.exp,
    "Mish": lambda t: t * np.tanh(_softplus(t)),
    "Relu": lambda t: np.maximum(t, 0),
    "Sigmoid": special.expit,
    "Sin": np.sin,
    "Softplus": _softplus,
    "Softsign": lambda t: t / (1 + np.abs(t)),
    "Tanh": np.tanh,
    "HardSwish": lambda t: t * np.clip(t / 6 + 0.5, 0, 1),
}
"""Operators of ONNX without settings."""


def onnx_activation(operator: str, attributes: Mapping[str, Any]) -> Pointwise | None:
    """Return the activation that an operator of ONNX is; None for any other operator.

    Args:
        operator: Its name.
        attributes: Its attributes.
    """
    alpha = attributes.get("alpha")
    made: dict[str, Function] = {
        "Elu": _elu(1.0 if alpha is None else alpha),
        "Selu": _elu(attributes.get("alpha", SELU_ALPHA), attributes.get("gamma", SELU_GAMMA)),
        "Celu": _celu(1.0 if alpha is None else alpha),
        "LeakyRelu": _leaky(0.01 if alpha is None else alpha),
        "HardSigmoid": _hard_sigmoid(0.2 if alpha is None else alpha, attributes.get("beta", 0.5)),
        "Gelu": gelu(attributes.get("approximate", b"none") in (b"tanh", "tanh")),
    }
    function = PLAIN.get(operator) or made.get(operator)
    return None if function is None else Pointwise(operator.lower(), function)


def _hard_sigmoid(alpha: float, beta: float) -> Function:
    return lambda t: np.clip(alpha * t + beta, 0, 1)


def _celu(alpha: float) -> Function:
    return lambda t: np.where(t > 0, t, alpha * np.expm1(np.minimum(t, 0) / alpha))
