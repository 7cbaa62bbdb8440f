"""Run by test_torch_source in a process of its own, in which sharefind cannot be imported.

Arguments: a folder of modules NAME.py with elements NAME.npz, the file for the figures. Nothing is judged.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np
import torch

STEPS = 15


class _NoSharefind(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname.partition(".")[0] == "sharefind":
            raise ImportError("sharefind is not there")


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def error(net: torch.nn.Module, elements: dict[str, np.ndarray], dtype: torch.dtype) -> float:
    """Largest relative equivariance error over given group elements, which the export never saw."""
    ins, outs = (torch.from_numpy(elements[side]).to(dtype) for side in ("ins", "outs"))
    x = torch.randn(8, ins.shape[-1], dtype=dtype)
    with torch.no_grad():
        y = net(x)
        moved = net(torch.einsum("gij,bj->gbi", ins, x))
        worst = (moved - torch.einsum("gij,bj->gbi", outs, y)).abs().max()
    return float(worst / y.abs().max().clamp(min=torch.finfo(dtype).tiny))


def train(net: torch.nn.Module, target: torch.nn.Module, d_in: int, dtype: torch.dtype) -> list[float]:
    x = torch.randn(64, d_in, dtype=dtype)
    with torch.no_grad():
        y = target(x)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = (net(x) - y).square().mean()
        if loss.requires_grad:
            loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def examine(module: Any, elements: dict[str, np.ndarray], dtype: torch.dtype) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in ("SharedShallowNetwork", "SharedLinear"):
        torch.manual_seed(0)
        kind = getattr(module, name)
        net, target = kind(dtype=dtype), kind(dtype=dtype)
        with torch.no_grad():
            target.coefficient.mul_(3)
        before = (module.check_equivariance(net), error(net, elements, dtype))
        losses = train(net, target, module.D_IN, dtype)
        after = (module.check_equivariance(net), error(net, elements, dtype))
        figures[name] = {
            "before": before,
            "after": after,
            "first": losses[0],
            "last": losses[-1],
            "state": {key: list(value.shape) for key, value in net.state_dict().items()},
            "dtype": str(net(torch.zeros(module.D_IN, dtype=dtype)).dtype),
            "shape": list(net(torch.zeros(2, 3, module.D_IN, dtype=dtype)).shape),
        }
    if dtype is torch.float64:
        wide = module.SharedShallowNetwork(5_000, dtype=dtype)
        figures["weight_length"] = float((wide.weight.detach().square().sum((1, 2)).mean() / module.D_OUT).sqrt())
    return figures


def main(folder: Path, out: Path) -> None:
    sys.meta_path.insert(0, _NoSharefind())
    results: dict[str, Any] = {}
    for path in sorted(folder.glob("*.py")):
        module = load(path)
        with np.load(path.with_suffix(".npz")) as elements:
            arrays = {key: elements[key] for key in elements.files}
        results[path.stem] = {
            "float32": examine(module, arrays, torch.float32),
            "float64": examine(module, arrays, torch.float64),
            "constants": [module.D_IN, module.D_OUT, module.DIM, module.WIDTH, module.INPUT_LENGTH],
        }
    results["loaded"] = sorted(name for name in sys.modules if name.partition(".")[0] in ("sharefind", "sympy"))
    out.write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
