"""Data made by a teacher, a shallow model with known particles, so that the symmetry of (X, Y) is known.

Groups and their actions come from `sharefind.groups`; `sharefind.meanfield` trains a student.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import DataError
from sharefind.fresh_samples import are_compiled
from sharefind.groups import FiniteGroup, Representation, hom
from sharefind.typing import FloatArray

Kind = Literal["arbitrary", "wi", "si"]
Activation = Literal["logistic", "tanh"]

KINDS: tuple[Kind, ...] = ("arbitrary", "wi", "si")
ACTIVATIONS: tuple[Activation, ...] = ("logistic", "tanh")


@dataclass(frozen=True, eq=False)
class TeacherStudent:
    """The law X ~ N(0, x_scale^2 I), Y = mean_i sigma(z_i X + b_i) + N(0, noise^2 I).

    That is Phi_mu with mu the empirical measure of the particles (Maass & Fontbona 2024, section 2).

    Attributes:
        particles: (N, d_out, d_in) float64, the z_i, of equal weights.
        biases: (N, d_out) float64, the b_i; None for no bias.
        activation: sigma, "logistic" or "tanh", entry by entry.
        x_scale: standard deviation of every input.
        noise: standard deviation of the noise on every output; 0 for none.
    """

    particles: FloatArray
    biases: FloatArray | None = None
    activation: Activation = "logistic"
    x_scale: float = 1.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what defines no law (DataError)."""
        if self.particles.ndim != 3 or self.particles.size == 0:
            raise DataError(
                f"teacher: particles of shape {self.particles.shape}; give (N, d_out, d_in), none of them 0"
            )
        if self.biases is not None and self.biases.shape != self.particles.shape[:2]:
            raise DataError(
                f"teacher: biases of shape {self.biases.shape} for particles of shape "
                f"{self.particles.shape}; give {self.particles.shape[:2]}"
            )
        if self.activation not in ACTIVATIONS:
            raise DataError(f"teacher: no activation {self.activation!r}; use one of {', '.join(ACTIVATIONS)}")
        for name, value in (("x_scale", self.x_scale), ("noise", self.noise)):
            if not (np.isfinite(value) and value >= 0):
                raise DataError(f"teacher: {name} is {value}; give a finite number, 0 or above")

    @property
    def d_in(self) -> int:
        """Width of X."""
        return int(self.particles.shape[2])

    @property
    def d_out(self) -> int:
        """Width of Y."""
        return int(self.particles.shape[1])

    def target(self, x: FloatArray, most: int = 2**22) -> FloatArray:
        """Return the regression function E[Y | X = x], at a cost of O(n N d_in d_out).

        Args:
            x: Points, shape (n, d_in).
            most: Most activations held at a time (float64, so 32 MiB); it bounds memory and changes no value.

        Returns:
            Shape (n, d_out).
        """
        rows = max(1, most // (len(self.particles) * self.d_out))
        chunks = [self._target(x[start : start + rows]) for start in range(0, len(x), rows)]
        return np.concatenate([np.empty((0, self.d_out)), *chunks])

    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        """Return independent pairs.

        Args:
            rng: Source of the draws.
            n: Number of pairs.

        Returns:
            x, shape (n, d_in), and y, shape (n, d_out), float64.
        """
        x = self.x_scale * rng.standard_normal((n, self.d_in))
        y = self.target(x)
        if self.noise > 0:
            y = y + self.noise * rng.standard_normal(y.shape)
        return x, y

    def _target(self, x: FloatArray) -> FloatArray:
        n_particles, d_out, d_in = self.particles.shape
        if are_compiled():
            return self._compiled_target(x)
        inner = x @ self.particles.reshape(-1, d_in).T
        if self.biases is not None:
            inner = inner + self.biases.ravel()
        # The mean over particles as a matrix product: numpy's own, along an axis in the middle, takes longer than tanh.
        mean = np.tile(np.eye(d_out) / n_particles, (n_particles, 1))
        return np.asarray(_activate(inner, self.activation) @ mean)

    def _compiled_target(self, x: FloatArray, stretch: int = 256) -> FloatArray:
        """The same up to rounding, in compiled code, `stretch` points at a time."""
        from sharefind.meanfield.dynamics.kernels.teacher import mean_activations

        n_particles, d_out, d_in = self.particles.shape
        biases = np.zeros((n_particles, d_out)) if self.biases is None else self.biases
        means = np.empty((len(x), d_out))
        rows = np.ascontiguousarray(self.particles.reshape(-1, d_in), dtype=np.float64)
        points, shifts = (np.ascontiguousarray(v, dtype=np.float64) for v in (x, biases.ravel()))
        mean_activations(points, rows, shifts, self.activation == "tanh", means, stretch)
        return means


def teacher_student(
    in_rep: Representation,
    out_rep: Representation,
    kind: Kind,
    rng: np.random.Generator,
    *,
    n_particles: int = 5,
    particle_scale: float = 1.0,
    bias: bool = False,
    activation: Activation = "logistic",
    x_scale: float = 1.0,
    noise: float = 0.0,
) -> TeacherStudent:
    """Return a teacher with entries from N(0, particle_scale^2) and a measure that is arbitrary, WI or SI.

    "arbitrary" keeps the particles, "wi" takes all their images under M_g (|G| n_particles particles), "si" projects
    them on E^G. With "wi" and "si" the law of (X, Y) is G-equivariant: Phi_mu is equivariant (Maass & Fontbona 2024,
    section 2), and N(0, I) is invariant.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.
        kind: "arbitrary", "wi" or "si".
        rng: Source of the draws.
        n_particles: Number of particles that are drawn.
        particle_scale: Standard deviation of their entries.
        bias: Whether the particles have biases.
        activation: The activation of the teacher.
        x_scale: Standard deviation of x.
        noise: Standard deviation of the noise on y.

    Raises:
        DataError: The kind is unknown, or there are no particles. For "wi" and "si" also: the group is not finite, its
            action on X is not orthogonal, or its action on Y does not commute with the activation.
    """
    if kind not in KINDS:
        raise DataError(f"teacher: no kind {kind!r}; use one of {', '.join(KINDS)}")
    if n_particles < 1:
        raise DataError(f"teacher: {n_particles} particles; give at least 1")
    particles = particle_scale * rng.standard_normal((n_particles, out_rep.dim, in_rep.dim))
    biases = particle_scale * rng.standard_normal((n_particles, out_rep.dim)) if bias else None
    if kind != "arbitrary":
        _require_equivariance(in_rep, out_rep, activation)
        make = weakly_invariant if kind == "wi" else strongly_invariant
        particles, biases = make(particles, biases, in_rep, out_rep)
    return TeacherStudent(particles, biases, activation, x_scale, noise)


def weakly_invariant(
    particles: FloatArray, biases: FloatArray | None, in_rep: Representation, out_rep: Representation
) -> tuple[FloatArray, FloatArray | None]:
    """Return the particles of mu^G = mean over g of M_g # mu: the particles and all their images.

    The first N rows are the particles themselves, since the identity comes first.

    Args:
        particles: Shape (N, d_out, d_in).
        biases: Shape (N, d_out), or None.
        in_rep: Representation on X.
        out_rep: Representation on Y.

    Returns:
        Particles, shape (|G| N, d_out, d_in), and biases, shape (|G| N, d_out), or None.

    Raises:
        DataError: The group is not finite.
    """
    images, bias_images = _images(particles, biases, in_rep, out_rep)
    flat = images.reshape(-1, *particles.shape[1:])
    return flat, None if bias_images is None else bias_images.reshape(-1, out_rep.dim)


def strongly_invariant(
    particles: FloatArray, biases: FloatArray | None, in_rep: Representation, out_rep: Representation
) -> tuple[FloatArray, FloatArray | None]:
    """Return the particles of P_{E^G} # mu, P the mean of M_g over the group.

    Args:
        particles: Shape (N, d_out, d_in).
        biases: Shape (N, d_out), or None.
        in_rep: Representation on X.
        out_rep: Representation on Y.

    Returns:
        Particles and biases of the same shapes.

    Raises:
        DataError: The group is not finite.
    """
    images, bias_images = _images(particles, biases, in_rep, out_rep)
    return images.mean(axis=0), None if bias_images is None else bias_images.mean(axis=0)


def _images(
    particles: FloatArray, biases: FloatArray | None, in_rep: Representation, out_rep: Representation
) -> tuple[FloatArray, FloatArray | None]:
    order = _finite_order(in_rep)
    flat = particles.reshape(len(particles), -1)
    images = _orbit(hom(out_rep, in_rep), flat, order).reshape(order, *particles.shape)
    return images, None if biases is None else _orbit(out_rep, biases, order)


def _orbit(action: Representation, vectors: FloatArray, order: int) -> FloatArray:
    """All images of vectors (N, dim), as (order, N, dim)."""
    indices: NDArray[np.int64] = np.repeat(np.arange(order), len(vectors))
    return action.act_float(indices, np.tile(vectors, (order, 1))).reshape(order, *vectors.shape)


def _finite_order(rep: Representation) -> int:
    if not isinstance(rep.group, FiniteGroup):
        raise DataError(f"teacher: {rep.group.name} is not finite; WI and SI teachers take a finite group")
    return rep.group.order


def _require_equivariance(in_rep: Representation, out_rep: Representation, activation: Activation) -> None:
    _finite_order(in_rep)
    if not in_rep.is_orthogonal:
        raise DataError(
            f"teacher: {in_rep.name} is not orthogonal on X, so N(0, I) is not invariant; use a basis that is"
        )
    if out_rep.kind == "permutation" or (out_rep.kind == "signed" and activation == "tanh"):
        return
    allowed = "a permutation or signed permutation" if activation == "tanh" else "a permutation"
    raise DataError(f"teacher: {out_rep.name} on Y does not commute with {activation}; use {allowed} representation")


def _activate(inner: FloatArray, activation: Activation, block: int = 4096) -> FloatArray:
    """Each number by the activation, in blocks that stay in the first cache: twice as fast as whole arrays."""
    out = np.empty(inner.shape)
    source, target = inner.reshape(-1), out.reshape(-1)
    for start in range(0, len(source), block):
        _block(source[start : start + block], target[start : start + block], activation)
    return out


def _block(inner: FloatArray, out: FloatArray, activation: Activation) -> None:
    if activation == "tanh":
        np.tanh(inner, out=out)
        return
    # 1 / (1 + exp(-t)), cut where exp would overflow and the value is 0 in any case; numpy's tanh takes twice as long.
    np.minimum(np.negative(inner, out=out), 700.0, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
