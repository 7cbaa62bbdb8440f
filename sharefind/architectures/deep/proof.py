"""The proof that a deep network is equivariant, from its architecture alone, and the measured error of its numbers.

Layer by layer: generators act by signed permutations on hidden layers, functions commute with them, and the weights lie
in spaces that are computed from the generators exactly. So the stack commutes with the group that they generate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sharefind.architectures.certificate.group_names import Naming
from sharefind.architectures.certificate.stabiliser import refusal
from sharefind.architectures.deep.deep_json import from_json, to_json
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.limits import DEFAULT_LIMITS


@dataclass(frozen=True)
class DeepCertificate:
    """Facts that were checked about a deep network, all with success.

    Attributes:
        group: Name of the group.
        order: Its order.
        generated_order: Order of the group that the generators generate on all layers, a divisor of `order`.
        naming: Status of the name: "proven", "image" of the named group, or "unchecked".
        unit: Unit expression.
        layers: For each layer its representation, and the dimension of its weights' space with that of all weights.
        error: Largest error of equivariance over the generators and random inputs, relative to the outputs.
        tolerance: Bound on this error.
    """

    group: str
    order: int
    generated_order: int
    naming: str
    unit: str
    layers: tuple[tuple[str, int, int], ...]
    error: float
    tolerance: float

    @property
    def statement(self) -> str:
        """The certificate in one sentence, the same on every machine."""
        if self.order == 1:
            return f"{self.unit}, {len(self.layers)} linear layers without a group: no symmetry is claimed, none proven"
        free = sum(dim for _, dim, _ in self.layers)
        total = sum(ambient for _, _, ambient in self.layers)
        name = f"{self.group}{' (name not checked)' if self.naming == Naming.UNCHECKED else ''}"
        return (
            f"{self.unit}, {len(self.layers)} linear layers, {free} numbers of {total}: equivariant under {name}, "
            f"proven exactly layer by layer; in float64 up to a relative error of {self.tolerance:.0e}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the attributes as keys."""
        return asdict(self)


def prove(network: DeepNetwork, trials: int = 16, tolerance: float = 1e-6) -> DeepCertificate:
    """Return the certificate that a network is equivariant, or refuse.

    Args:
        network: The network.
        trials: Random inputs of the numerical check.
        tolerance: Largest relative error in float64; rounding alone gives about 1e-15.

    Raises:
        ExportError: A claim does not hold; the message says which.
    """
    known = from_json(to_json(network), replace(DEFAULT_LIMITS, dim=max(1, network.unit.space.dim)))
    spaces = list(zip(known.unit.layer_spaces, network.unit.layer_spaces, strict=True))
    if any(rebuilt != own for rebuilt, own in spaces):
        raise refusal("the spaces of the weights are not those of the generators")
    error = equivariance_error(network, trials)
    if not error <= tolerance:
        raise refusal(f"the network misses equivariance by {error:.1e} of its outputs, more than {tolerance:.0e}")
    layers = zip(known.unit.reps[1:], (own for _, own in spaces), strict=True)
    return DeepCertificate(
        known.group_name,
        known.group_order,
        known.unit.in_rep.finite_group.order,
        known.naming,
        known.unit.name,
        tuple((rep.name, space.dim, space.ambient) for rep, space in layers),
        error,
        tolerance,
    )


def equivariance_error(network: DeepNetwork, trials: int = 16, seed: int = 0) -> float:
    """Return the largest |f(g x) - g f(x)| over generators g and random x, relative to the largest |f(x)|.

    Args:
        network: The network f.
        trials: Number of inputs.
        seed: Seed of the inputs.
    """
    x = np.random.default_rng(seed).standard_normal((trials, network.unit.d_in))
    y, worst = network.predict(x), 0.0
    group = network.group
    for generator in group.generators:
        rows = np.full(trials, group.index(generator))
        moved = network.predict(network.unit.in_rep.act_float(rows, x))
        worst = max(worst, float(np.abs(moved - network.unit.out_rep.act_float(rows, y)).max()))
    return worst / max(float(np.abs(y).max()), float(np.finfo(np.float64).tiny))
