"""A deep network in the words of escnn: its group, a field type for each layer and linear layers between them.

escnn has the isometries of the plane and of space. Any representation of one of its finite groups can be given to it by
matrices, so that hidden types are written as they are, coordinate by coordinate.
"""

from __future__ import annotations

import re
from itertools import pairwise
from math import prod

import numpy as np

from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.proof import DeepCertificate
from sharefind.architectures.deep.torch_source import generator_moves
from sharefind.architectures.formats import literals
from sharefind.architectures.formats.escnn_snippet import INSTALL
from sharefind.architectures.formats.peers import not_theirs
from sharefind.exact.matrices import to_float
from sharefind.groups import FiniteGroup, Representation, hom
from sharefind.groups.structure import structure_name
from sharefind.spaces import fixed_space

SOLIDS = {"S4": "octa_group()", "A5": "ico_group()", "S4xC2": "full_octa_group()", "A5xC2": "full_ico_group()"}
"""Groups of solids by the names of their structure."""

FUNCTIONS = {
    "tanh": "torch.tanh",
    "logistic": "torch.sigmoid",
    "relu": "torch.relu",
    "gelu": "torch.nn.functional.gelu",
}


def escnn_source(network: DeepNetwork, certificate: DeepCertificate) -> str:
    """Return the source of a module with a class `DeepNetwork`, which escnn builds anew, without weights.

    Args:
        network: The network, whose architecture is written.
        certificate: Certificate of the network.

    Raises:
        ExportError: escnn has no group with this structure.
    """
    group = _group(network.group)
    _refuse_parts(network, certificate)
    lines = [_docstring(network, certificate), "", _IMPORTS, f"G = group.{group}", "space = gspaces.no_base_space(G)"]
    return "\n".join([*lines, "", *_data(network, certificate), _BODY])


def _refuse_parts(network: DeepNetwork, certificate: DeepCertificate) -> None:
    """Refuse layers that have a part of the equivariant maps: escnn's have all."""
    pairs = zip(pairwise(network.unit.reps), certificate.layers, strict=True)
    if any(fixed_space(hom(target, source) + target).dim != dim for (source, target), (_, dim, _) in pairs):
        raise not_theirs("escnn", "a layer has a part of the equivariant maps, and escnn's layers have all")


def _group(group: FiniteGroup) -> str:
    """The group as escnn names it, by its structure."""
    name = {"V4": "C2xC2", "S2": "C2", "S3": "D3"}.get(structure_name(group), structure_name(group))
    if name in SOLIDS:
        return SOLIDS[name]
    cyclic = re.fullmatch(r"C(\d+)", name)
    dihedral = re.fullmatch(r"D(\d+)", name)
    if group.order == 1 or (cyclic and int(cyclic[1]) == group.order):
        return f"cyclic_group({group.order})"
    if dihedral and 2 * int(dihedral[1]) == group.order:
        return f"dihedral_group({dihedral[1]})"
    product = re.fullmatch(r"C(\d+)xC(\d+)", name)
    if product and prod(map(int, product.groups())) == group.order:
        return f"direct_product(group.cyclic_group({product[1]}), group.cyclic_group({product[2]}))"
    raise not_theirs("escnn", f"it has no finite group with the structure of {group.name}")


def _docstring(network: DeepNetwork, certificate: DeepCertificate) -> str:
    columns = [f"x: {', '.join(network.inputs)}", f"y: {', '.join(network.classes or network.outputs)}"]
    text = [f"{network.name}, in escnn.", "", certificate.statement + ".", "", *columns, ""]
    text.append(f"Written by sharefind, without weights; it needs escnn ({INSTALL}).")
    return "\n".join(['"""' + literals.plain(text[0]), *map(literals.plain, text[1:]), '"""'])


def _data(network: DeepNetwork, certificate: DeepCertificate) -> list[str]:
    unit = network.unit
    points = [[str(int(image)) for image in generator] for generator in network.group.generators]
    generators = [list(layer) for layer in zip(*map(generator_moves, unit.reps), strict=True)]
    blocks = [list(map(str, block_widths(rep))) for rep in unit.reps]
    signed = [[str(value) for value in function.signed] for function in unit.layer_functions]
    return [
        "# fmt: off",
        f"DIMS = {literals.one_line(str(rep.dim) for rep in unit.reps)}",
        "# What each generator does to the points of the group, counted from 0.",
        *literals.assigned("POINTS", points),
        "# What it does to each layer: entry k is j or -j where e_k goes to e_j or -e_j, from 1; or a matrix.",
        *literals.assigned("GENERATORS", generators),
        "# Widths of the fields of each layer.",
        *literals.assigned("BLOCKS", blocks),
        "# Which hidden numbers change signs.",
        *literals.assigned("SIGNED", signed),
        "# Whether a hidden layer adds what comes in.",
        f"ADDS = {literals.one_line(str(value) for value in unit.adds_input)}",
        "# Free numbers of each layer, weights and biases together.",
        f"FREE = {literals.one_line(str(dim) for _, dim, _ in certificate.layers)}",
        f"FUNCTION = {FUNCTIONS[unit.function.name]}",
        "# fmt: on",
    ]


def block_widths(rep: Representation) -> list[int]:
    """Return the widths of the finest runs of coordinates, one after another, that the group keeps apart.

    Args:
        rep: The action on a layer.
    """
    n = rep.dim
    mixed = np.zeros((n, n), dtype=bool)
    if rep.is_sparse:
        for perm in rep.sparse_generators[0]:
            mixed[np.asarray(perm), np.arange(n)] = True
    else:
        for matrix in rep.generator_matrices:
            mixed |= to_float(matrix) != 0
    mixed |= mixed.T
    cuts = [p for p in range(1, n) if not mixed[:p, p:].any()]
    return [after - before for before, after in pairwise([0, *cuts, n])]


_IMPORTS = """\
import itertools

import numpy as np
import torch
from escnn import group, gspaces, nn
"""

_BODY = '''

def matrix(move):
    """A generator on a layer."""
    if not isinstance(move[0], int):
        return np.array(move, dtype=float)
    result = np.zeros((len(move), len(move)))
    result[np.abs(move) - 1, np.arange(len(move))] = np.sign(move)
    return result


def products(chosen, values):
    """The value of each element of G, if `chosen` elements have `values`; None where that is no homomorphism."""
    known = {G.identity: np.eye(len(values[0]))}
    waiting = [G.identity]
    while waiting:
        element = waiting.pop()
        for generator, value in zip(chosen, values):
            product, result = generator @ element, value @ known[element]
            if product not in known:
                known[product] = result
                waiting.append(product)
            elif not np.allclose(known[product], result):
                return None
    return known if len(known) == G.order() else None


def order(value):
    """The order of a matrix."""
    power, count = value, 1
    while not np.allclose(power, np.eye(len(value))):
        power, count = power @ value, count + 1
    return count


def theirs():
    """Elements of G that multiply as the generators do: an isomorphism of G with the group of this network."""
    if not POINTS and G.order() == 1:
        return ()
    values = [matrix([point + 1 for point in points]) for points in POINTS]
    orders = [order(value) for value in values]
    of_order = {}
    for element in G.elements:
        power, count = element, 1
        while power != G.identity:
            power, count = power @ element, count + 1
        of_order.setdefault(count, []).append(element)
    for chosen in itertools.product(*(of_order.get(count, []) for count in orders)):
        found = products(chosen, values)
        if found is not None and len({value.tobytes() for value in found.values()}) == G.order():
            return chosen
    raise ValueError("escnn has another group")


def representation(images, name):
    """A representation with these orthogonal matrices: irreps of G, and orthonormal columns that they act on.

    The mean of image(g) M irrep(g)^T over g commutes with both, for any M, so that it is a copy of the irrep.
    """
    rng, columns, ids = np.random.default_rng(0), [], []
    for irrep in G.irreps():
        while True:
            start = rng.standard_normal((len(images[G.identity]), irrep.size))
            copy = sum(value @ start @ irrep(g).T for g, value in images.items()) / len(images)
            for known in columns:
                copy -= known @ (known.T @ copy)
            length = np.sqrt((copy**2).sum() / irrep.size)
            if length < 1e-8:
                break
            columns.append(copy / length)
            ids.append(irrep.id)
    return group.Representation(G, name, ids, np.concatenate(columns, axis=1), [])


def field_types():
    """The field type of each layer: a representation for each block of its coordinates."""
    chosen, known, types = theirs(), {}, []
    for layer, widths in enumerate(BLOCKS):
        moves, fields, start = [matrix(generator[layer]) for generator in GENERATORS], [], 0
        for width in widths:
            part = slice(start, start + width)
            values = [move[part, part] for move in moves]
            key = b"".join(value.tobytes() for value in values), width
            if key not in known:
                images = products(chosen, values) if values else {G.identity: np.eye(width)}
                known[key] = representation(images, f"type {len(known)}")
            fields.append(known[key])
            start += width
        types.append(nn.FieldType(space, fields))
    return types


class DeepNetwork(torch.nn.Module):
    """The network, with new weights."""

    def __init__(self):
        super().__init__()
        self.types = field_types()
        pairs = zip(self.types, self.types[1:])
        self.layers = torch.nn.ModuleList(nn.Linear(source, target, bias=True) for source, target in pairs)

    def forward(self, x):
        """x (batch, DIMS[0]) -> (batch, DIMS[-1])."""
        last = len(self.layers) - 1
        for number, layer in enumerate(self.layers):
            inner = layer(nn.GeometricTensor(x, self.types[number])).tensor
            if number == last:
                return inner
            signed = torch.tensor(SIGNED[number], device=x.device)
            value = torch.where(signed, torch.tanh(inner), FUNCTION(inner))
            x = x + value if ADDS[number] else value


dimensions = tuple(sum(p.numel() for p in layer.parameters()) for layer in DeepNetwork().layers)

assert dimensions == FREE, f"escnn finds {dimensions} free numbers, not {FREE}"
'''
