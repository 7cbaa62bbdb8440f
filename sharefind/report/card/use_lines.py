"""How a card says that weights are loaded: lines of Python that run as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def onnx_use(weights: Path) -> Sequence[str]:
    """Return lines that run an ONNX graph on x.

    Args:
        weights: The file of the graph.
    """
    return (
        "import onnxruntime",
        "",
        f"session = onnxruntime.InferenceSession({weights.name!r})",
        'y = session.run(None, {"x": x})[0]  # x: an array of shape (rows, columns), float64',
    )


def torch_use(weights: Path, module: str, source: str, width: str = "") -> Sequence[str]:
    """Return lines that load weights into the exported module and call it on x.

    Args:
        weights: The file of the weights.
        module: Name of the class.
        source: The argument of `sharefind export` for the module.
        width: Further arguments of the class, each followed by a comma and a space.
    """
    return (
        f"# net.py: sharefind export {source} --format torch --out net.py",
        "import torch",
        "from safetensors.torch import load_file",
        "",
        f"from net import {module}",
        "",
        f"network = {module}({width}dtype=torch.float64)",
        f"network.load_state_dict(load_file({weights.name!r}))",
        "y = network(x)  # x: a tensor of shape (rows, columns), float64",
    )
