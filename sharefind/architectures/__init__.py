"""Products of a discovered space: an exact specification, a certificate, a torch module, weights, an ONNX graph."""

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.onnx_graph import onnx_model, write_onnx
from sharefind.architectures.formats.registry import write_snippet
from sharefind.architectures.formats.spec_json import from_json, read_spec, to_json, write_json
from sharefind.architectures.formats.tensors import read_safetensors, write_safetensors
from sharefind.architectures.formats.torch_source import class_names, torch_source, write_torch
from sharefind.architectures.searched_spec import (
    exact_texts,
    generator_pairs,
    refuse_open_maps,
    spec_from_outcome,
)
from sharefind.architectures.spec import SCHEMA, SharingSpec
from sharefind.architectures.spec_parts import GeneratorPair
from sharefind.architectures.trained import TrainedNetwork, coefficients, searched_network
from sharefind.architectures.verification import verify_file

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
    "onnx_model",
    "read_safetensors",
    "read_spec",
    "refuse_open_maps",
    "searched_network",
    "spec_from_outcome",
    "to_json",
    "torch_source",
    "verify_file",
    "write_json",
    "write_onnx",
    "write_safetensors",
    "write_snippet",
    "write_torch",
]
