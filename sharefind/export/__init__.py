"""What a discovered space becomes: an exact specification, a certificate, a plain torch module."""

from sharefind.export.certificate import Certificate, certify
from sharefind.export.outcome import exact_texts, generator_pairs, spec_from_outcome
from sharefind.export.serial import from_json, read_spec, to_json, write_json
from sharefind.export.spec import SCHEMA, GeneratorPair, SharingSpec
from sharefind.export.torch_source import class_names, torch_source, write_torch
from sharefind.export.trained import TrainedNetwork, coefficients, searched_network

__all__ = [
    "SCHEMA",
    "Certificate",
    "GeneratorPair",
    "SharingSpec",
    "TrainedNetwork",
    "certify",
    "class_names",
    "coefficients",
    "exact_texts",
    "from_json",
    "generator_pairs",
    "read_spec",
    "searched_network",
    "spec_from_outcome",
    "to_json",
    "torch_source",
    "write_json",
    "write_torch",
]
