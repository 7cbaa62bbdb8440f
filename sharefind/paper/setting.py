"""The paper's teacher-student setting for any finite group: unit, laws and arbitrary, WI and SI teachers.

For C2 on the plane these are the teachers of Maass & Fontbona 2024, Appendix F. For other groups, teachers of the same
form are drawn once.
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

from sharefind import meanfield as mf
from sharefind.datasets.c2 import X_SCALE, c2_teacher
from sharefind.errors import ConfigError, GroupError, UnitError
from sharefind.groups import FiniteGroup, Group, Representation, named_group, parse_representation
from sharefind.meanfield.objectives.sources import Sampler
from sharefind.meanfield.units import read_unit
from sharefind.paper.context import Request
from sharefind.spaces import fixed_space

Kind = Literal["arbitrary", "wi", "si"]
KINDS: tuple[Kind, ...] = ("arbitrary", "wi", "si")
TEACHER_NAMES: Mapping[Kind, str] = {"arbitrary": "arbitrary", "wi": "WI", "si": "SI"}
"""Names of the teachers in pictures and checks."""

DEFAULT_UNITS = ("matrix:logistic", "matrix:tanh", "radial:algebraic")
"""The default unit is the first of these that the actions allow: for permutations of Y, for signs, for rotations."""


@dataclass(frozen=True)
class Setting:
    """A finite group acting on X and Y, a unit, and the laws of its teachers.

    Attributes:
        unit: The unit sigma*, with the representations.
        x_scale: Standard deviation of every input.
        teacher_seed: Seed of the teachers of every group but C2. It is fixed, so that each group has one teacher, as C2
            has in the paper.
        teacher_particles: Number of particles of an arbitrary teacher, as in the paper.
        teacher_std: Standard deviation of their entries, similar to the paper.
        chunk: Number of activations of a teacher held at a time (32 MiB); it limits memory and changes no value.
    """

    unit: mf.Unit
    x_scale: float = X_SCALE
    teacher_seed: int = 2024
    teacher_particles: int = 5
    teacher_std: float = 0.35
    chunk: int = 2**22

    @property
    def group(self) -> FiniteGroup:
        """The group G."""
        return self.unit.in_rep.finite_group

    @property
    def is_paper(self) -> bool:
        """Whether this is the setting of Appendix F, for which reference values are known."""
        return list(self.names.values()) == ["C2", "natural", "natural", "matrix:logistic"]

    @property
    def names(self) -> dict[str, str]:
        """Names of the group, its actions on X and Y, and the unit; they identify stored cells."""
        unit = self.unit
        return {"group": self.group.name, "in": unit.in_rep.name, "out": unit.out_rep.name, "unit": unit.name}

    @cached_property
    def fixed(self) -> mf.Projector:
        """The projection P_{E^G}."""
        return mf.Projector(fixed_space(self.unit.space.action))

    @cached_property
    def action(self) -> mf.ParticleAction:
        """The action M on particles."""
        return mf.ParticleAction(self.unit.space.action)

    @cached_property
    def joint(self) -> mf.JointAction:
        """The actions (rho, rhohat) on samples."""
        return mf.JointAction(self.unit.in_rep, self.unit.out_rep)

    def teacher(self, kind: Kind) -> Tensor:
        """Return the teacher's particles, shape (D, M), float64.

        Args:
            kind: "arbitrary", "wi" (with all images of the particles) or "si" (inside E^G).
        """
        if self.is_paper:
            particles = c2_teacher(kind)
            return torch.from_numpy(particles.reshape(len(particles), -1).T.copy())
        rng = np.random.default_rng(self.teacher_seed)
        drawn = torch.from_numpy(self.teacher_std * rng.standard_normal((self.unit.space.dim, self.teacher_particles)))
        if kind == "wi":
            return self.action.images(drawn.unsqueeze(0)).flatten(2)[0]
        if kind == "si":
            # Drawn inside E^G at full size: projections on a small space would be short.
            basis = torch.tensor(self.fixed.space.orthonormal())
            coefficients = torch.from_numpy(rng.standard_normal((len(basis), self.teacher_particles)))
            size = self.teacher_std * (self.unit.space.dim / len(basis)) ** 0.5
            return torch.matmul(basis.t(), size * coefficients)
        return drawn

    def sampler(self, kind: Kind) -> Sampler:
        """Return a sampler of X ~ N(0, x_scale^2 I) and Y = Phi(X), without noise.

        Args:
            kind: Kind of the teacher Phi.
        """
        teacher = self.teacher(kind).unsqueeze(0)
        rows = max(1, self.chunk // (teacher.shape[2] * teacher.shape[1]))

        def sample(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            x = self.x_scale * rng.standard_normal((n, self.unit.d_in))
            parts = torch.split(torch.from_numpy(x).unsqueeze(0), rows, dim=1)
            y = torch.cat([mf.predict(self.unit, part, teacher)[0] for part in parts])
            return x, y.numpy()

        return sample

    def law(self, kind: Kind, n: int, rng: np.random.Generator) -> mf.EmpiricalLaw:
        """Return the empirical law of samples of a teacher; it has no symmetry until `symmetrised`.

        Args:
            kind: Kind of the teacher.
            n: Number of samples.
            rng: Source of the samples.
        """
        x, y = self.sampler(kind)(rng, n)
        return mf.EmpiricalLaw(torch.from_numpy(x), torch.from_numpy(y))


def representations(request: Request, group: Group) -> tuple[Representation, Representation]:
    """Return the representations on inputs and on outputs; the default is the natural one.

    Args:
        request: The user's choices.
        group: The group.
    """
    return (
        parse_representation(request.in_rep or "natural", group),
        parse_representation(request.out_rep or "natural", group),
    )


def setting(request: Request) -> Setting:
    """Return the setting of a request; the default is the paper's C2.

    Args:
        request: The user's choices.

    Raises:
        GroupError: The group is infinite.
        UnitError: No unit is equivariant under its actions.
        ConfigError: E^G is {0} or Z, so there is nothing to demonstrate, or the action on Z is not orthogonal.
    """
    group = named_group(request.group or "C2")
    if not isinstance(group, FiniteGroup):
        raise GroupError(f"{group.name} is infinite; this demonstration sums over the group, use a finite subgroup")
    in_rep, out_rep = representations(request, group)
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


def _unit(request: Request, in_rep: Representation, out_rep: Representation) -> mf.Unit:
    """Return the requested unit, or the first default unit that the actions allow."""
    if request.unit is not None:
        hidden = parse_representation("regular", in_rep.group) if read_unit(request.unit).kind.has_hidden else None
        return mf.build_unit(request.unit, in_rep, out_rep, hidden)
    refusals = []
    for expression in DEFAULT_UNITS:
        try:
            return mf.build_unit(expression, in_rep, out_rep)
        except UnitError as error:
            refusals.append(error)
    raise refusals[-1]
