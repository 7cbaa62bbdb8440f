"""What a discovered space becomes: an exact specification, a certificate, a torch module, weights, an ONNX graph."""

from sharefind.export.certificate import Certificate, certify
from sharefind.export.onnx_graph import onnx_model, write_onnx
from sharefind.export.outcome import exact_texts, generator_pairs, spec_from_outcome
from sharefind.export.serial import from_json, read_spec, to_json, write_json
from sharefind.export.snippets import write_snippet
from sharefind.export.spec import SCHEMA, GeneratorPair, SharingSpec
from sharefind.export.tensors import read_safetensors, write_safetensors
from sharefind.export.torch_source import class_names, torch_source, write_torch
from sharefind.export.trained import TrainedNetwork, coefficients, searched_network
from sharefind.export.verification import verify_file

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
