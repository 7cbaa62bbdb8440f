"""Finite and compact groups, exact representations, and subgroups: the algebra under `sharefind.spaces`."""

from sharefind.exact.fields import CosineField, common_domain, cosine_field, element_to_float
from sharefind.exact.numbers import exact_domain, exact_matrix, format_element, format_exact, parse_element, parse_exact
from sharefind.groups.catalogue import CatalogueEntry, catalogue, named_group
from sharefind.groups.constructors import grid, natural, regular, sign, trivial, unmoved
from sharefind.groups.cycles import cycle_notation
from sharefind.groups.expressions import parse_representation
from sharefind.groups.files import GeneratorFile, load_generators
from sharefind.groups.from_matrices import from_matrices
from sharefind.groups.group import CompactGroup, FiniteGroup, Group, NaturalBlock
from sharefind.groups.hidden_types import HiddenType, HiddenTypes, is_jointly_faithful, sum_of_types
from sharefind.groups.labels import subgroup_label, subgroup_labels
from sharefind.groups.representation import Representation, hom
from sharefind.groups.structure import structure_name
from sharefind.groups.subgroups import conjugacy_classes, subgroups

__all__ = [
    "CatalogueEntry",
    "CompactGroup",
    "CosineField",
    "FiniteGroup",
    "GeneratorFile",
    "Group",
    "HiddenType",
    "HiddenTypes",
    "NaturalBlock",
    "Representation",
    "catalogue",
    "common_domain",
    "conjugacy_classes",
    "cosine_field",
    "cycle_notation",
    "element_to_float",
    "exact_domain",
    "exact_matrix",
    "format_element",
    "format_exact",
    "from_matrices",
    "grid",
    "hom",
    "is_jointly_faithful",
    "load_generators",
    "named_group",
    "natural",
    "parse_element",
    "parse_exact",
    "parse_representation",
    "regular",
    "sign",
    "structure_name",
    "subgroup_label",
    "subgroup_labels",
    "subgroups",
    "sum_of_types",
    "trivial",
    "unmoved",
]
