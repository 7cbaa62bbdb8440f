"""The paper's teacher-student setting for any finite group: unit, laws and teachers {arbitrary, WI, SI}.

For C2 on the plane these are the teachers of Maass & Fontbona 2024, Appendix F; for any other group teachers of the
same make are drawn once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.datasets.c2 import X_SCALE, c2_teacher
from sharefind.errors import ConfigError, GroupError, UnitError
from sharefind.groups import FiniteGroup, Representation, named_group, parse_representation
from sharefind.meanfield.clouds.actions import JointAction, ParticleAction
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.sources import Sampler
from sharefind.meanfield.units import Unit, build_unit, read_unit
from sharefind.paper.context import Request
from sharefind.spaces import fixed_space

Kind = Literal["arbitrary", "wi", "si"]
KINDS: tuple[Kind, ...] = ("arbitrary", "wi", "si")
TEACHER_NAMES: Mapping[Kind, str] = {"arbitrary": "arbitrary", "wi": "WI", "si": "SI"}
"""What teachers are called in pictures and checks."""

TEACHER_SEED = 2024
"""Of the teachers of every group but C2: fixed, so that a group has one teacher, as C2 has in the paper."""

TEACHER_PARTICLES, TEACHER_STD = 5, 0.35
"""Particles of an arbitrary teacher and the spread of their entries: the number and the size of the paper's."""

CHUNK = 2**22
"""Activations of a teacher held at a time (32 MiB); it bounds memory and changes no value."""

DEFAULT_UNITS = ("matrix:logistic", "matrix:tanh", "radial:algebraic")
"""The unit is the first of these that the actions allow: Y permuted, with signs, or rotated."""


@dataclass(frozen=True)
class Setting:
    """A finite group acting on X and Y, a unit over it, and the laws of its teachers.

    Attributes:
        unit: sigma*, with the representations. x_scale: standard deviation of every input.
    """

    unit: Unit
    x_scale: float = X_SCALE

    @property
    def group(self) -> FiniteGroup:
        """G."""
        return self.unit.in_rep.finite_group

    @property
    def is_paper(self) -> bool:
        """Whether this is the setting of Appendix F itself, whose reference values are known."""
        names = (self.group.name, self.unit.in_rep.name, self.unit.out_rep.name, self.unit.name)
        return names == ("C2", "natural", "natural", "matrix:logistic")

    @cached_property
    def fixed(self) -> Projector:
        """P_{E^G}."""
        return Projector(fixed_space(self.unit.space.action))

    @cached_property
    def action(self) -> ParticleAction:
        """M on particles."""
        return ParticleAction(self.unit.space.action)

    @cached_property
    def joint(self) -> JointAction:
        """(rho, rhohat) on samples."""
        return JointAction(self.unit.in_rep, self.unit.out_rep)

    def teacher(self, kind: Kind) -> Tensor:
        """The teacher's particles, (D, M) float64: any, with all their images (WI), or inside E^G (SI)."""
        if self.is_paper:
            particles = c2_teacher(kind)
            return torch.from_numpy(particles.reshape(len(particles), -1).T.copy())
        rng = np.random.default_rng(TEACHER_SEED)
        drawn = torch.from_numpy(TEACHER_STD * rng.standard_normal((self.unit.space.dim, TEACHER_PARTICLES)))
        if kind == "wi":
            return self.action.images(drawn.unsqueeze(0)).flatten(2)[0]
        if kind == "si":
            # Drawn inside E^G at full size: projecting would leave little of a small space.
            basis = torch.tensor(self.fixed.space.orthonormal())
            coefficients = torch.from_numpy(rng.standard_normal((len(basis), TEACHER_PARTICLES)))
            size = TEACHER_STD * (self.unit.space.dim / len(basis)) ** 0.5
            return torch.matmul(basis.t(), size * coefficients)
        return drawn

    def sampler(self, kind: Kind) -> Sampler:
        """Fresh samples X ~ N(0, x_scale^2 I), Y = Phi(X) of a teacher, without noise."""
        teacher = self.teacher(kind).unsqueeze(0)
        rows = max(1, CHUNK // (teacher.shape[2] * teacher.shape[1]))

        def sample(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            x = self.x_scale * rng.standard_normal((n, self.unit.d_in))
            parts = torch.split(torch.from_numpy(x).unsqueeze(0), rows, dim=1)
            y = torch.cat([predict(self.unit, part, teacher)[0] for part in parts])
            return x, y.numpy()

        return sample

    def law(self, kind: Kind, n: int, rng: np.random.Generator) -> EmpiricalLaw:
        """The empirical law of n samples of a teacher; without symmetry until `symmetrised`."""
        x, y = self.sampler(kind)(rng, n)
        return EmpiricalLaw(torch.from_numpy(x), torch.from_numpy(y))


def setting(request: Request, default_group: str = "C2") -> Setting:
    """The setting of a request: the paper's C2 unless another group is asked for.

    Raises:
        GroupError: the group is infinite. UnitError: no unit is equivariant under its actions.
        ConfigError: E^G is {0} or Z, or M is not orthogonal, so that there is nothing to show.
    """
    group = named_group(request.group or default_group)
    if not isinstance(group, FiniteGroup):
        raise GroupError(f"{group.name} is infinite; this demonstration sums over the group, use a finite subgroup")
    in_rep = parse_representation(request.in_rep or "natural", group)
    out_rep = parse_representation(request.out_rep or "natural", group)
    unit = _unit(request, in_rep, out_rep)
    space = fixed_space(unit.space.action)
    if space.is_zero or space.is_full:
        what = "{0}" if space.is_zero else "all of Z"
        raise ConfigError(
            f"{group.name} on X ({in_rep.name}) and Y ({out_rep.name}): E^G is {what}, so there is nothing to show; "
            "choose another group or other representations"
        )
    if not unit.space.action.is_orthogonal:
        raise ConfigError(f"{group.name} does not act on Z by orthogonal matrices; choose other representations")
    return Setting(unit)


def _unit(request: Request, in_rep: Representation, out_rep: Representation) -> Unit:
    """The unit that was asked for, else the first of the default ones that the actions allow."""
    if request.unit is not None:
        hidden = parse_representation("regular", in_rep.group) if read_unit(request.unit).kind.has_hidden else None
        return build_unit(request.unit, in_rep, out_rep, hidden)
    refusals = []
    for expression in DEFAULT_UNITS:
        try:
            return build_unit(expression, in_rep, out_rep)
        except UnitError as error:
            refusals.append(error)
    raise refusals[-1]
