"""A deep network as the source of a plain torch module: readable, and in no need of sharefind."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.proof import DeepCertificate
from sharefind.architectures.formats import literals
from sharefind.exact.matrices import rows_of, to_float
from sharefind.groups import Representation
from sharefind.spaces import Subspace
from sharefind.storage import ENCODING

MODULE = "DeepNetwork"
"""The class of an exported module."""


def torch_source(network: DeepNetwork, certificate: DeepCertificate) -> str:
    """Return the source of a module with `DeepNetwork` and `check_equivariance`.

    Ties follow from the generators where these permute, with signs or without; other layers have their bases written
    out. Weights are loaded from the safetensors file of the same network.

    Args:
        network: The network, whose architecture is written.
        certificate: Certificate of the network.
    """
    text = files("sharefind.architectures").joinpath("deep", "standalone.py").read_bytes().decode(ENCODING)
    body = text[text.index("from __future__") :]
    body = "\n".join(line.split("  # type: ignore")[0] for line in body.split("\n"))
    return "\n".join([_docstring(network, certificate), "", body, "", *_data(network), "", _CLASS])


_CLASS = '''
class DeepNetwork(SharedDeepNetwork):
    """The network: load its weights with load_state_dict(load_file(PATH))."""

    def __init__(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> None:
        super().__init__(DIMS, GENERATORS, SIGNED, ADDS, FUNCTION, BASES, WINDOWS, device, dtype)


def check_equivariance(network: nn.Module, trials: int = 16) -> float:
    """Largest |f(g x) - g f(x)| over random x and the generators, relative to |f(x)|."""
    return equivariance_error(network, GENERATORS, DIMS[0], trials)
'''


def _docstring(network: DeepNetwork, certificate: DeepCertificate) -> str:
    lines = [f"{number}: {rep.name}" for number, rep in enumerate(network.unit.reps)]
    columns = [f"x: {', '.join(network.inputs)}", f"y: {', '.join(network.classes or network.outputs)}"]
    text = [f"{network.name}.", "", certificate.statement + ".", "", "Layers:", *lines, "", *columns]
    return "\n".join(['"""' + _plain(text[0]), *map(_plain, text[1:]), '"""'])


def _plain(text: str) -> str:
    """Text that ends no docstring and escapes nothing."""
    return text.replace("\\", "/").replace('"""', "'''")


def _data(network: DeepNetwork) -> list[str]:
    unit = network.unit
    signed = [[str(value) for value in function.signed] for function in unit.layer_functions]
    generators = list(zip(*map(generator_moves, unit.reps), strict=True))
    return [
        "# fmt: off",
        f"DIMS = {literals.one_line(str(rep.dim) for rep in unit.reps)}",
        "# What each generator does to each layer.",
        *literals.assigned("GENERATORS", generators),
        "# Which hidden numbers change signs.",
        *literals.assigned("SIGNED", signed),
        "# Whether a hidden layer adds what comes in.",
        f"ADDS = {literals.one_line(str(value) for value in unit.adds_input)}",
        f'FUNCTION = "{unit.function.name}"',
        *_bases(network),
        *_windows(network),
        "# fmt: on",
    ]


def generator_moves(rep: Representation) -> list[literals.Nested]:
    """Return each generator on a layer, as texts of numbers: images counted from 1, with signs, or a matrix.

    Args:
        rep: The action on a layer.
    """
    if rep.is_sparse:
        perms, signs = rep.sparse_generators
        images = (perms.astype(np.int64) + 1) * signs
        return [list(map(str, image)) for image in images.tolist()]
    return [[list(map(repr, row)) for row in to_float(matrix).tolist()] for matrix in rep.generator_matrices]


def _bases(network: DeepNetwork) -> list[str]:
    """Bases of the layers between representations that are not both signed permutations."""
    unit, found = network.unit, ["BASES: dict[int, tuple[Triples, Triples]] = {}"]
    for number, (weight, bias) in enumerate(zip(unit.weight_spaces, unit.bias_spaces, strict=True)):
        if _follows(unit.reps[number], unit.reps[number + 1]):
            continue
        for name, space in (("WEIGHT", weight), ("BIAS", bias)):
            found += literals.assigned(f"{name}_{number}: Triples", _triples(space))
        found.append(f"BASES[{number}] = (WEIGHT_{number}, BIAS_{number})")
    return found


def _windows(network: DeepNetwork) -> list[str]:
    """Entries of the layers that have windows, one or more of each orbit."""
    found = ["WINDOWS: dict[int, list[int]] = {}"]
    for number, window in enumerate(network.unit.layer_windows):
        if window is not None:
            found.append(f"WINDOWS[{number}] = {literals.one_line(map(str, window.tolist()))}")
    return found


def _follows(source: Representation, target: Representation) -> bool:
    """Whether ties follow from the generators: there are some, and they are signed permutations."""
    return source.is_sparse and target.is_sparse


def _triples(space: Subspace) -> literals.Nested:
    rows = rows_of(space.exact_rows())
    values = to_float(space.exact_rows())
    return [[str(k), str(e), repr(float(values[k, e]))] for k in range(space.dim) for e in sorted(rows[k])]
