"""The layers with shared parameters: a drop-in for nn.Linear, a two-layer block, and the mean-field shallow network.

`standalone` has their computations, and `shared` their common base.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sharefind.architectures import SharingSpec, TrainedNetwork
from sharefind.architectures.forms.choice import AUTO
from sharefind.architectures.initial_values import block_start, runs
from sharefind.architectures.layers import dense, standalone, standalone_linear
from sharefind.architectures.layers.shared import Device, SharedModule, Source, read_source, single
from sharefind.architectures.linear_sharing import LinearSharing
from sharefind.architectures.scaling import STATISTICS, with_statistics
from sharefind.architectures.sharing import Sharing
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.meanfield.dynamics.tied import is_transformed


class SharedLinear(SharedModule, standalone_linear.SharedLinear):
    """x -> W x [+ b] with shared parameters: a drop-in for nn.Linear(d_in, d_out).

    On average an entry of W starts with the variance that entries of nn.Linear have, so that depth and step size need
    no change. The layer takes only the space from a specification; `SharedShallowNetwork` also takes the change of
    data. As the first layer of a network of your own it works best on x - `spec.change.centre`, which breaks no
    symmetry.

    Attributes:
        in_features: d_in.
        out_features: d_out.
        weight: W, shape (d_out, d_in), computed anew at each access.
        bias: b, shape (d_out,); None for a unit without a bias.
        form: The name of the form in which it is computed, one of `sharefind.architectures.forms.choice.FORMS`.

    Args:
        spec: The specification of a matrix unit.
        device: As in nn.Linear.
        dtype: As in nn.Linear.
        form: How W x is computed; "auto" takes the form with the lowest estimated cost among the forms that fit the
            space. Values, gradients and state are the same in every form, up to rounding.

    Raises:
        ConfigError: There is no such form, or it does not fit the space.
        InputError: The unit has a hidden layer.
    """

    def __init__(
        self, spec: SharingSpec, device: Device = None, dtype: torch.dtype | None = None, form: str = AUTO
    ) -> None:
        if spec.has_hidden:
            raise InputError(f"the unit {spec.unit} has a hidden layer; build a SharedTwoLayer from {spec.name}")
        super().__init__(LinearSharing(spec, form), device=device, dtype=dtype)

    @classmethod
    def from_spec(
        cls,
        source: Source,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
        form: str = AUTO,
    ) -> Self:
        """Return the layer of a specification, with its weights where the source has some.

        Args:
            source: A specification, a trained network, or a file with one of the two.
            device: As in nn.Linear.
            dtype: As in nn.Linear.
            limits: How large the file may be.
            form: As in `SharedLinear`.

        Raises:
            ConfigError: As in `SharedLinear`.
            ExportError: The generators generate no group, or a group other than the name says.
            InputError: As in `SharedLinear`; or the file cannot be read, or has the weights of several particles.
        """
        spec, coefficient = read_source(source, limits)
        return cls(spec, device, dtype, form)._loaded(None if coefficient is None else single(spec, coefficient))

    @property
    def form(self) -> str:
        """The name of the form in which it is computed."""
        return self.sharing.form.name

    def forward(self, x: Tensor) -> Tensor:
        """Return W x [+ b].

        Args:
            x: Inputs, shape (..., d_in).

        Returns:
            Shape (..., d_out).
        """
        if self.training or self.sharing.is_light:
            return super().forward(x)
        kept = self._kept.get("layer")
        # `_is_still` asks the same and more; these are its quick questions, since a row takes microseconds.
        may_serve = not torch.is_grad_enabled() and not is_transformed()
        # Not `self.coefficient`, for which torch searches the module; it may stand elsewhere, as what is parametrised.
        given = self._parameters.get("coefficient")
        if may_serve and kept is not None and given is not None and kept.is_true_of(given):
            return nn.functional.linear(x, *kept.made)
        if not self._is_still():
            return super().forward(x)
        return nn.functional.linear(x, *self._kept_as("layer", self._layer))

    def _layer(self) -> tuple[Tensor, Tensor | None]:
        """W and b, with W in the order in which the form reads it."""
        if self.sharing.is_gathered:
            return self.gathered()
        blocks = self.blocks
        return blocks["weight"], blocks.get("bias")

    def extra_repr(self) -> str:
        """Return the widths, what is shared, and the form."""
        return f"{super().extra_repr()}, form={self.form}"

    def _make_tables(self) -> None:
        super()._make_tables()
        self._make_form()

    @torch.no_grad()
    def to_linear(self, centre: ArrayLike | None = None) -> nn.Linear:
        """Return a plain nn.Linear with the present weights, which shares nothing.

        Args:
            centre: Shape (d_in,), such as `spec.change.centre`: the result computes at x what this layer computes at
                x - centre. Its bias is b - W centre, also where this layer has no bias.

        Raises:
            InputError: The centre has another shape or is not finite.
        """
        blocks = self.blocks
        origin = np.zeros(self.in_features) if centre is None else np.array(centre, dtype=np.float64)
        if origin.shape != (self.in_features,) or not np.isfinite(origin).all():
            raise InputError(f"the centre has shape {origin.shape}; give {self.in_features} finite numbers")
        plain = dense.centred_linear(blocks["weight"], blocks.get("bias"), torch.from_numpy(origin)[None])
        return plain.train(self.training)


class SharedTwoLayer(SharedModule):
    """x -> mean_c A_c sigma(W_c x + b_c) with shared parameters: two linear layers and an activation between them.

    Its hidden layer has channels times d_hidden units. It computes the same as `SharedShallowNetwork` with `channels`
    particles before labels are changed back, and starts with the variances of two nn.Linear.

    Attributes:
        in_features: d_in.
        out_features: d_out.
        hidden_features: channels times d_hidden.
        output: A, shape (channels, d_out, d_hidden).
        weight: W, shape (channels, d_hidden, d_in).
        bias: b, shape (channels, d_hidden).

    Args:
        spec: Specification of a two-layer unit.
        channels: Multiples of the hidden representation; 1 where None.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Raises:
        InputError: The unit has no hidden layer, or there is no channel.
    """

    def __init__(
        self, spec: SharingSpec, channels: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        channels = 1 if channels is None else channels
        if not spec.has_hidden:
            raise InputError(f"the unit {spec.unit} has no hidden layer; build a SharedLinear from {spec.name}")
        if channels < 1:
            raise InputError(f"channels is {channels}; give 1 or more")
        start = runs(block_start(spec, channels))
        super().__init__(Sharing(spec), channels, start=start, device=device, dtype=dtype)
        self.channels = channels
        self.in_features = spec.d_in
        self.out_features = spec.d_out
        self.hidden_features = channels * spec.block("weight").shape[0]

    @classmethod
    def from_spec(
        cls,
        source: Source,
        channels: int | None = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """Return the block of a specification, with its weights where the source has some.

        Args:
            source: A specification, a trained network, or a file with one of the two.
            channels: Multiples of the hidden representation; None takes the number in the source's weights, else 1.
            device: As in torch.nn.Linear.
            dtype: As in torch.nn.Linear.
            limits: How large the file may be.

        Raises:
            ExportError: The generators generate no group, or a group other than the name says.
            InputError: As in `SharedTwoLayer`; or the file cannot be read, or its weights have other channels.
        """
        return cls._read(source, limits, channels, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the block.

        Args:
            x: Inputs, shape (..., d_in).

        Returns:
            Shape (..., d_out).
        """
        return self.mean(x)

    def to_dense(self) -> nn.Sequential:
        """Return two plain nn.Linear and the activation with the present weights, which share nothing."""
        return self._dense(torch.zeros(1, self.in_features), 1.0, None)

    def extra_repr(self) -> str:
        """Return the widths and what is shared."""
        return f"{super().extra_repr()}, channels={self.channels}, hidden_features={self.hidden_features}"


class SharedShallowNetwork(SharedModule, standalone.SharedShallowNetwork):
    """x -> shift + scale mean_i sigma_*(x - centre, z_i) with particles z_i in the shared space.

    sigma_*(x, z) is sigma(W x [+ b]), or A sigma(W x + b) for a unit with a hidden layer; centre, shift and scale undo
    the change of data of the search, so that x and y are in the user's coordinates. All three are part of the state, so
    that weights trained about another centre come with it. A state with coefficients alone, as earlier versions wrote
    it, has centre 0. The gradient of one particle is of order 1 / width: train with Adam (`fit`), or with a step
    proportional to the width.

    Attributes:
        width: N.
        centre: Centre of x, shape (2, d_in): rounded to 24 bits, and the remainder, so that float32 inputs lose no
            digit.
        shift: Shift of y, shape (d_out,), in the units of y.
        scale: Scale of y, shape (), in the units of y.

    Args:
        spec: The architecture.
        width: N; None takes the number of particles of the search.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Raises:
        InputError: The width is below 1.
    """

    def __init__(
        self, spec: SharingSpec, width: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        if width is not None and width < 1:
            raise InputError(f"width is {width}; a network needs 1 particle or more")
        super().__init__(Sharing(spec), width, device=device, dtype=dtype)

    @classmethod
    def from_spec(
        cls,
        source: Source,
        width: int | None = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """Return the network of a specification, with its weights where the source has some.

        Args:
            source: A specification, a trained network, or a file with one of the two.
            width: N; None takes the number in the source's weights, else the number of particles of the search.
            device: As in torch.nn.Linear.
            dtype: As in torch.nn.Linear.
            limits: How large the file may be.

        Raises:
            ExportError: The generators generate no group, or a group other than the name says.
            InputError: The file cannot be read, or its weights have another width.
        """
        return cls._read(source, limits, width, device=device, dtype=dtype)

    @property
    def change(self) -> Standardisation:
        """The change of data in the state; it is the one of the specification unless a loaded state replaced it."""
        if all(self._is_own(name, value) for name, value in self._exact().items()):
            return self.spec.change
        return with_statistics(self.spec.change, {n: dense.on_host(getattr(self, n)).numpy() for n in STATISTICS})

    def to_dense(self) -> nn.Sequential:
        """Return two plain nn.Linear and the activation with the present weights, which share nothing.

        The centre becomes part of the first bias, b - W centre, in double precision. Use the result in float64 where
        the distance of the inputs from 0 is large compared to their spread.
        """
        return self._dense(self.centre, self.scale, self.shift if self.change.rescales_labels else None)

    def to_trained(self) -> TrainedNetwork:
        """Return the present weights with the specification, as `sharefind.architectures` writes them.

        Raises:
            InputError: A weight is not finite.
        """
        coefficient = dense.on_host(self.coefficient).numpy().copy()
        return TrainedNetwork(replace(self.spec, change=self.change), np.asarray(coefficient))

    def extra_repr(self) -> str:
        """Return the widths and what is shared."""
        return f"{super().extra_repr()}, unit={self.spec.unit}, width={self.width}"
