"""The Python text of an exported module, in the pieces that `torch_source` puts together.

The pieces are written the way ruff formats them, at 88 and at 110 characters a line alike.
"""

IMPORTS = """
{imports}import torch
from torch import Tensor, nn

D_IN, D_OUT, DIM, WIDTH = {d_in}, {d_out}, {dim}, {width}

# Each coefficient moves some entries of W: with this factor, W x starts with the
# variance that it has when every entry of W is free.
GAIN = {gain}

# Root mean square length of an input x about its centre.
INPUT_LENGTH = {length}
"""

STATISTICS = """
# It was trained on x - CENTRE - REST (24 bits of the centre, then the rest of it) and
# on (y - SHIFT) / SCALE. Weights of another training may bring other numbers along.
CENTRE = {centre}
REST = {rest}
SHIFT = {shift}
SCALE = {scale}
"""

BASE = '''

class _Shared(nn.Module):
    """{parameters} in the shared space, made of free coefficients (*lead, {dim}).

    Args:
        lead: leading axes of the coefficients. std: of their start.
        device, dtype: as in torch.nn.Linear.
    """

    coefficient: Tensor
{declared}

    def __init__(
        self,
        *lead: int,
        std: float,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.std = std
        start = torch.empty(*lead, DIM, device=device, dtype=dtype)
        self.coefficient = nn.Parameter(start)
        self._make_tables()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new coefficients."""
        nn.init.normal_(self.coefficient, std=self.std)
{tables}
    @property
    def entries(self) -> Tensor:
        """{entries}: (*lead, {ambient})."""
{entries_code}

    @property
    def weight(self) -> Tensor:
        """W: (*lead, {d_out}, {d_in})."""
        entries = self.entries{weight_slice}
        return entries.reshape(*entries.shape[:-1], D_OUT, D_IN)
'''

BIAS = '''
    @property
    def bias(self) -> Tensor:
        """b: (*lead, {d_out})."""
        return self.entries[..., D_OUT * D_IN :]
'''

TIES_DECLARED = "    index: Tensor{sign}"

TABLES = """
    def _make_tables(self) -> None:
        like = self.coefficient.detach()
{code}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        # Tables are no part of the state: they are made anew, as for `to_empty`.
        super()._apply(fn, recurse)
        self._make_tables()
        return self

    def _load_from_state_dict(self, state: dict, prefix: str, *rest: object) -> None:
        super()._load_from_state_dict(state, prefix, *rest)
        self._make_tables()
"""

TIES_TABLES = """\
        labels = torch.tensor(LABELS, device=like.device)
        index = labels.abs(){first}{copies}
        self.register_buffer("index", index, persistent=False)"""

INDEX_COPIES = """
        places = torch.arange(len(LABELS), device=like.device)
        index = index + {width} * (places % COPIES)"""

SIGN_TABLE = """
        sign = labels.sign().to(like.dtype)
        self.register_buffer("sign", sign, persistent=False)"""

TIES_ENTRIES = """\
{table}        return {name}.index_select(-1, self.index){sign}"""

TIES_ZERO = """\
        # Index 0 stands for an entry that is zero.
        padded = nn.functional.pad(self.coefficient, (1, 0))
"""

TIES_COPIES = """\
        # Coefficients are read from copies in turn: their gradients then add up faster.
        copied = torch.cat([{name}] * COPIES, dim=-1)
"""

BASIS_TABLES = """\
        basis = torch.tensor(BASIS, device=like.device, dtype=like.dtype)
        self.register_buffer("basis", basis, persistent=False)"""

NETWORK = '''

class SharedShallowNetwork(_Shared):
    """The mean-field shallow network.

    {formula}
    maps x (..., {d_in}) to (..., {d_out}). The gradient of one hidden unit is of order
    1 / width: train with Adam, or with a step proportional to the width.

    Args:
        width: number of hidden units N. device, dtype: as in torch.nn.Linear.
    """
{statistics_declared}
    def __init__(
        self,
        width: int = WIDTH,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        std = GAIN / INPUT_LENGTH
        super().__init__(width, std=std, device=device, dtype=dtype)
        self._make_statistics()

    def forward(self, x: Tensor) -> Tensor:
        """x (..., {d_in}) -> (..., {d_out})."""
        centred = x - self.centre[0] - self.centre[1]
        inner = torch.einsum("noi,...i->...no", self.weight, centred)
        {result}
{statistics_code}'''

STATISTICS_DECLARED = """
    centre: Tensor
    shift: Tensor
    scale: Tensor
"""

STATISTICS_CODE = '''
    def _make_statistics(self) -> None:
        like = self.coefficient.detach()
        for name, value in _statistics().items():
            self.register_buffer(name, value.to(like.dtype).to(like.device))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        # Memory that a device without values had is filled.
        is_empty = self.coefficient.is_meta
        super()._apply(fn, recurse)
        if is_empty:
            self._make_statistics()
        return self

    def _load_from_state_dict(self, state: dict, prefix: str, *rest: object) -> None:
        if prefix + "coefficient" in state:
            # Weights of earlier versions come alone: their inputs were not centred.
            like = state[prefix + "coefficient"]
            for name, value in _statistics().items():
                known = torch.zeros_like(value) if name == "centre" else value
                state.setdefault(prefix + name, known.to(like))
        super()._load_from_state_dict(state, prefix, *rest)


def _statistics() -> dict[str, Tensor]:
    """The centre of x in two parts (2, {d_in}), and the shift ({d_out},) and scale of y."""
    values = {{"centre": (CENTRE, REST), "shift": SHIFT, "scale": SCALE}}
    exact = {{"device": "cpu", "dtype": torch.float64}}
    return {{name: torch.tensor(value, **exact) for name, value in values.items()}}
'''

LINEAR = '''

class SharedLinear(_Shared):
    """A drop-in for nn.Linear({d_in}, {d_out}{no_bias}): {linear_formula} with shared parameters.

    Args:
        in_features, out_features, bias: as in the layer that it replaces.
        device, dtype: as in torch.nn.Linear.
    """

    def __init__(
        self,
        in_features: int = D_IN,
        out_features: int = D_OUT,
        bias: bool = {has_bias},
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if (in_features, out_features, bias) != (D_IN, D_OUT, {has_bias}):
            raise ValueError(f"this layer is ({{D_IN}}, {{D_OUT}}, bias={has_bias})")
        # torch.nn.Linear starts with this standard deviation.
        std = GAIN / (3 * D_IN) ** 0.5
        super().__init__(std=std, device=device, dtype=dtype)
        self.in_features, self.out_features = in_features, out_features
{no_bias_attribute}
    def forward(self, x: Tensor) -> Tensor:
        """x (..., {d_in}) -> (..., {d_out})."""
        return nn.functional.linear(x, self.weight{bias_argument})
'''

PERMUTATIONS = '''

def _matrix(image: tuple[int, ...], like: Tensor) -> Tensor:
    """The matrix e_i -> +-e_j, where image[i] = +-(j + 1)."""
    signed = torch.tensor(image, device=like.device)
    matrix = like.new_zeros(len(image), len(image))
    columns = torch.arange(len(image), device=like.device)
    matrix[signed.abs() - 1, columns] = signed.sign().to(like)
    return matrix
'''

MATRICES = '''

def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """The matrix with these rows."""
    return torch.tensor(rows, device=like.device, dtype=like.dtype)
'''

MOVES = '''

def _moves(like: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Group elements, on inputs and on outputs."""
    for on_inputs, on_outputs in GENERATORS:
        yield _matrix(on_inputs, like), _matrix(on_outputs, like)
'''

LIE_MOVES = """\
    for on_inputs, on_outputs in LIE_GENERATORS:
        t = torch.pi * (2 * torch.rand((), device=like.device, dtype=like.dtype) - 1)
        inputs, outputs = _matrix(on_inputs, like), _matrix(on_outputs, like)
        yield torch.matrix_exp(t * inputs), torch.matrix_exp(t * outputs)
"""

CHECK = '''

@torch.no_grad()
def check_equivariance(module: nn.Module, trials: int = 16) -> float:
    """Largest |f(g x) - g f(x)| over random x and all generators g, relative to |f(x)|.

    For the network x lies about its centre, and |f(x)| is that of f(x) - shift.
    Rounding gives about 1e-15 in float64 and 1e-6 in float32, times the size of the centre
    where that is above 1: g x is rounded.
    """
    like = next(module.parameters())
    x = torch.randn(trials, D_IN, device=like.device, dtype=like.dtype)
    if isinstance(module, SharedShallowNetwork):
        x = x + module.centre[0] + module.centre[1]
    y = module(x)
    worst = 0.0
    for on_inputs, on_outputs in _moves(x):
        error = module(x @ on_inputs.T) - y @ on_outputs.T
        worst = max(worst, float(error.abs().max()))
    size = float((y - getattr(module, "shift", 0.0)).abs().max())
    return worst / max(size, torch.finfo(y.dtype).tiny)
'''

CHECK_TRIVIAL = '''

def check_equivariance(module: nn.Module, trials: int = 16) -> float:
    """0.0: the group is trivial, and every map is equivariant."""
    return 0.0
'''
