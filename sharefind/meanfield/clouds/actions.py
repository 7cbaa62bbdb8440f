"""Group elements acting on batches of samples and on clouds of particles, in torch.

The exact actions come from `sharefind.groups`; here they become index tables (permutations, with signs) or dense
matrices, and nothing is enumerated for a compact group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.groups import CompactGroup, FiniteGroup, Group, Representation
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.sampling import evaluate_permutations
from sharefind.meanfield.clouds.device_tensor import DeviceTensor


class SparseTable:
    """All elements of a (signed) permutation representation: (rho_g x)_j = sign[g, j] x[source[g, j]].

    Attributes:
        order: Number of group elements.

    Args:
        source: Shape (order, dim), int64.
        sign: Shape (order, dim), or None when no sign occurs.
    """

    def __init__(self, source: Tensor, sign: Tensor | None) -> None:
        self.order = len(source)
        self._source, self._sign = DeviceTensor(source), None if sign is None else DeviceTensor(sign)

    def apply(self, elements: Tensor, x: Tensor) -> Tensor:
        """Return the moved vectors; the shapes of elements and vectors broadcast against each other.

        Args:
            elements: Numbers of group elements, shape (...), int64.
            x: Vectors, shape (..., dim).

        Returns:
            rho_g x, shape (..., dim).
        """
        index = self._source.beside(x)[elements]
        shape = np.broadcast_shapes(index.shape, x.shape)
        moved = torch.gather(x.expand(shape), -1, index.expand(shape))
        return moved if self._sign is None else moved * self._sign.like(x)[elements]

    def images(self, theta: Tensor) -> Tensor:
        """Return the images of particles under every element.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            M_g theta, shape (R, D, order, N).
        """
        return self._signed(theta[:, self._source.beside(theta)].transpose(1, 2))

    def pull_back(self, images: Tensor) -> Tensor:
        """Return each image moved back by the inverse of its element.

        Args:
            images: One image for each element, shape (R, D, order, N).

        Returns:
            The same shape.
        """
        signed = self._signed(images)
        target = self._source.beside(images).t()[None, :, :, None].expand(signed.shape)
        return torch.zeros_like(signed).scatter(1, target, signed)

    def _signed(self, images: Tensor) -> Tensor:
        return images if self._sign is None else images * self._sign.like(images).t().unsqueeze(-1)


class DenseTable:
    """All elements of a matrix representation.

    Args:
        matrices: Shape (order, dim, dim), orthogonal for pull-backs.
    """

    def __init__(self, matrices: Tensor) -> None:
        self.order, self._matrices = len(matrices), DeviceTensor(matrices)

    def apply(self, elements: Tensor, x: Tensor) -> Tensor:
        """Return the moved vectors.

        Args:
            elements: Numbers of group elements, shape (...), int64.
            x: Vectors, shape (..., dim).

        Returns:
            rho_g x, shape (..., dim).
        """
        return torch.matmul(self._matrices.like(x)[elements], x.unsqueeze(-1)).squeeze(-1)

    def images(self, theta: Tensor) -> Tensor:
        """Return the images of particles under every element.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            M_g theta, shape (R, D, order, N).
        """
        return torch.einsum("gde,ren->rdgn", self._matrices.like(theta), theta)

    def pull_back(self, images: Tensor) -> Tensor:
        """Return each image moved back by the inverse of its element.

        Args:
            images: One image for each element, shape (R, D, order, N).

        Returns:
            The same shape.
        """
        return torch.einsum("gde,rdgn->regn", self._matrices.like(images), images)


def element_table(rep: Representation) -> SparseTable | DenseTable:
    """Return every element of a finite group's representation, ready to act on batches.

    Args:
        rep: Representation of a finite group.

    Raises:
        GroupError: The group has more elements than can be listed.
    """
    if rep.kind == "matrix":
        return DenseTable(torch.from_numpy(rep.float_matrices()))
    perms, signs = rep.images()
    source = np.argsort(perms, axis=1)
    sign = np.take_along_axis(signs, source, axis=1)
    has_sign = bool((sign < 0).any())
    return SparseTable(torch.from_numpy(source.astype(np.int64)), torch.from_numpy(sign) if has_sign else None)


def move_by_matrices(elements: tuple[Tensor, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return samples moved by matrices, (rho_g x, rhohat_g y).

    Args:
        elements: The matrices on X, shape (R, B, d_in, d_in), and on Y, shape (R, B, d_out, d_out).
        x: Inputs, as in `JointAction.move`.
        y: Outputs, as in `JointAction.move`.
    """
    on_x, on_y = elements
    return (
        torch.matmul(on_x.to(x.dtype), x.unsqueeze(-1)).squeeze(-1),
        torch.matmul(on_y.to(y.dtype), y.unsqueeze(-1)).squeeze(-1),
    )


def move_by_codes(codes: Tensor, x: Tensor) -> Tensor:
    """Signed permutations of coordinates: entry j becomes x[c mod d], with its sign changed where c >= d.

    Args:
        codes: c, int64, shape (R, B, d).
        x: Shape (R or 1, B, d).

    Returns:
        Shape (R, B, d).
    """
    dim = x.shape[-1]
    moved = torch.gather(x.expand(codes.shape), -1, codes % dim)
    return torch.where(codes < dim, moved, -moved)


class JointAction:
    """One group acting on X and on Y: draws Haar elements and moves samples, (x, y) -> (rho_g x, rhohat_g y).

    Attributes:
        is_listed: Whether all elements of the group are listed, so that an element is drawn as a number.

    Args:
        in_rep: Representation on the inputs.
        out_rep: Representation of the same group on the outputs.

    Raises:
        GroupError: The representations belong to different groups, or to one group given by different generators.
    """

    def __init__(self, in_rep: Representation, out_rep: Representation) -> None:
        if in_rep.group != out_rep.group:
            raise GroupError(f"X is moved by {in_rep.group.name} but Y by {out_rep.group.name}; give one group")
        # Elements are listed along words in the generators: other generators number the same elements differently.
        if getattr(in_rep.group, "generators", ()) != getattr(out_rep.group, "generators", ()):
            raise GroupError(
                f"X and Y are moved by {in_rep.group.name} through different generators; build both representations "
                "from one group"
            )
        self.in_rep, self.out_rep = in_rep, out_rep
        self.is_listed = isinstance(in_rep.group, FiniteGroup) and self._is_tabled(in_rep.group)
        self._tables = (element_table(in_rep), element_table(out_rep)) if self.is_listed else None
        self._points = JointPoints.of((in_rep, out_rep)) if self._is_chained(in_rep.group) else None

    @property
    def draws_codes(self) -> bool:
        """Whether elements are codes of signed permutations, see `move_by_codes`."""
        return self._points is not None

    @property
    def _are_sparse(self) -> bool:
        return self.in_rep.is_sparse and self.out_rep.is_sparse

    def _is_chained(self, group: Group) -> bool:
        """Whether elements are drawn with their images of all coordinates."""
        is_large = isinstance(group, FiniteGroup) and not self.is_listed and group.order <= group.most_unlisted
        return is_large and self._are_sparse

    def _is_tabled(self, group: FiniteGroup) -> bool:
        """Whether all elements are kept in a table: they are few, or nothing else can move samples by them."""
        return group.is_small or (group.is_listable and not self._are_sparse)

    @property
    def group(self) -> Group:
        """The group that acts."""
        return self.in_rep.group

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Return independent Haar elements.

        A listed finite group gives numbers of elements. A group of signed permutations that is not listed gives a pair
        of codes, see `move_by_codes`. Any other group gives a pair of matrices.

        Args:
            shape: How many elements, on which axes.
            rng: Source of the draws.

        Returns:
            Numbers of shape `shape`, codes of shapes `(*shape, d_in)` and `(*shape, d_out)`, or matrices with
            these last axes twice.
        """
        size, group, reps = int(np.prod(shape)), self.group, (self.in_rep, self.out_rep)
        if self._points is not None:
            joint = self._points.chain.sample(rng, size)  # their inverses are Haar draws, too
            codes = (torch.from_numpy(self._points.signed(joint, side)) for side in (0, 1))
            return tuple(code.reshape(*shape, code.shape[1]) for code in codes)
        if isinstance(group, FiniteGroup) and self.is_listed:
            return torch.from_numpy(np.asarray(group.sample(rng, size), dtype=np.int64).reshape(shape))
        if isinstance(group, FiniteGroup):
            drawn = group.sample_permutations(rng, size)
            pair = [evaluate_permutations(rep, drawn) for rep in reps]
        else:
            seed = int(rng.integers(2**63))  # one seed draws the same elements for both
            pair = [rep.sample_matrices(np.random.default_rng(seed), size) for rep in reps]
        return tuple(torch.from_numpy(matrices).reshape(*shape, *matrices.shape[1:]) for matrices in pair)

    def with_identity_first(self, elements: Any) -> Any:
        """Return the elements with the first row of the first axis replaced by the identity; they are changed in place.

        Args:
            elements: The result of `draw`.
        """
        if isinstance(elements, Tensor):
            elements[0] = 0
            return elements
        for matrices in elements:
            if self._points is not None:
                matrices[0] = torch.arange(matrices.shape[-1])
                continue
            matrices[0] = torch.eye(matrices.shape[-1], dtype=matrices.dtype)
        return elements

    def take(self, elements: Any, index: Tensor) -> Any:
        """Return columns of elements.

        Args:
            elements: The result of `draw`, shape (R, n).
            index: Numbers of columns, shape (B,).

        Returns:
            Elements, shape (R, B).
        """
        if isinstance(elements, Tensor):
            return elements[:, index]
        return tuple(matrices[:, index] for matrices in elements)

    def move(self, elements: Any, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return moved samples, (rho_g x, rhohat_g y).

        Args:
            elements: The result of `draw`, shape (R, B).
            x: Inputs, shape (R or 1, B, d_in).
            y: Outputs, shape (R or 1, B, d_out).
        """
        if self._tables is not None:
            table_in, table_out = self._tables
            return table_in.apply(elements, x), table_out.apply(elements, y)
        if self._points is not None:
            return move_by_codes(elements[0], x), move_by_codes(elements[1], y)
        return move_by_matrices(elements, x, y)


class ParticleAction:
    """A finite group acting on particles by M_g: images of a cloud and pull-backs of gradients.

    Args:
        action: the representation M on Z.

    Raises:
        GroupError: the group is not finite, or M is not orthogonal (then M_g^{-1} is not the adjoint of M_g).
    """

    def __init__(self, action: Representation) -> None:
        if isinstance(action.group, CompactGroup):
            raise GroupError(f"{action.group.name} is infinite: its images cannot be listed; use a finite subgroup")
        if not action.is_orthogonal:
            raise GroupError(f"the action of {action.group.name} on Z is not orthogonal; give orthogonal matrices")
        table = element_table(action)
        self.order, self._table = table.order, table

    def images(self, theta: Tensor) -> Tensor:
        """Return M_g theta_i for every g.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, D, |G|, N).
        """
        return self._table.images(theta)

    def pull_back(self, images: Tensor) -> Tensor:
        """Return M_g^{-1} applied to the g-th image: the inverse of `images`.

        Args:
            images: Shape (R, D, |G|, N).

        Returns:
            The same shape.
        """
        return self._table.pull_back(images)
