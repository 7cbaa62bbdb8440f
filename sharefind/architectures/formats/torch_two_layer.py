"""The pieces of an exported module that differ for a unit with a hidden layer; the others are in `torch_template`.

They are written the way ruff formats them, at 88 and at 110 characters a line alike.
"""

IMPORTS = """
{imports}import torch
from torch import Tensor, nn

D_IN, D_OUT, D_HIDDEN = {d_in}, {d_out}, {d_hidden}
DIM, WIDTH = {dim}, {width}
"""

BASE = '''

class _Shared(nn.Module):
    """A, W and b in the shared space, made of free coefficients (*lead, {dim}).

    Args:
        lead: leading axes of the coefficients. device, dtype: as in torch.nn.Linear.
    """

    coefficient: Tensor
{declared}

    def __init__(
        self,
        *lead: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        start = torch.empty(*lead, DIM, device=device, dtype=dtype)
        self.coefficient = nn.Parameter(start)
        self._make_tables()
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new coefficients: A, W x and b start as when every entry is free."""
        nn.init.normal_(self.coefficient)
        first = 0
        for count, std in START:
            self.coefficient[..., first : first + count] *= std
            first += count
{tables}
    @property
    def entries(self) -> Tensor:
        """A by rows, W by rows, then b: (*lead, {ambient})."""
{entries_code}

    @property
    def blocks(self) -> tuple[Tensor, Tensor, Tensor]:
        """A (*lead, {d_out}, {d_hidden}), W (*lead, {d_hidden}, {d_in}) and b (*lead, {d_hidden})."""
        sizes = [D_OUT * D_HIDDEN, D_HIDDEN * D_IN, D_HIDDEN]
        output, weight, bias = self.entries.split(sizes, dim=-1)
        lead = bias.shape[:-1]
        return (
            output.reshape(*lead, D_OUT, D_HIDDEN),
            weight.reshape(*lead, D_HIDDEN, D_IN),
            bias,
        )

    @property
    def output(self) -> Tensor:
        """A: (*lead, {d_out}, {d_hidden})."""
        return self.blocks[0]

    @property
    def weight(self) -> Tensor:
        """W: (*lead, {d_hidden}, {d_in})."""
        return self.blocks[1]

    @property
    def bias(self) -> Tensor:
        """b: (*lead, {d_hidden})."""
        return self.blocks[2]
'''

NETWORK = '''

class SharedShallowNetwork(_Shared):
    """The mean-field shallow network.

    {formula}
    maps x (..., {d_in}) to (..., {d_out}). With width 1 it is one hidden layer of {d_hidden} units.
    The gradient of one particle is of order 1 / width: train with Adam, or with a step
    proportional to the width.

    Args:
        width: number of particles N. device, dtype: as in torch.nn.Linear.
    """
{statistics_declared}
    def __init__(
        self,
        width: int = WIDTH,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(width, device=device, dtype=dtype)
        self._make_statistics()

    def forward(self, x: Tensor) -> Tensor:
        """x (..., {d_in}) -> (..., {d_out})."""
        output, weight, bias = self.blocks
        centred = x - self.centre[0] - self.centre[1]
        inner = torch.einsum("nhi,...i->...nh", weight, centred) + bias
        values = {sigma}(inner)
        mean = torch.einsum("noh,...nh->...o", output, values) / bias.shape[0]
        {result}
{statistics_code}'''
