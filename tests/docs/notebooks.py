"""The notebooks of the documentation: run with this interpreter, stripped of what differs from run to run, compared.

`python -m tests.docs.notebooks` runs them all and writes their outputs back; look at the difference before a commit.
With two names it runs the first notebook and writes the second.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

import sharefind

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
KEPT = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


class ThisInterpreter(KernelSpecManager):
    """The one kernel that is known: this interpreter, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="this interpreter", language="python")


def executed(path: Path, folder: Path) -> Any:
    """The notebook with the outputs of a run in `folder`, an empty one; stripped.

    Raises:
        CellExecutionError: A cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    home = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")}
    environment = {**os.environ, **home, "PYTHONPATH": str(Path(sharefind.__file__).resolve().parent.parent)}
    work = folder / "work"
    work.mkdir()
    manager = AsyncKernelManager(kernel_spec_manager=ThisInterpreter())
    client = NotebookClient(notebook, km=manager, timeout=300, resources={"metadata": {"path": str(work)}})
    asyncio.run(client.async_execute(env=environment))
    return stripped(notebook)


def stripped(notebook: Any) -> Any:
    """The notebook without versions, times and counts of runs."""
    notebook.metadata = nbformat.from_dict(KEPT)
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = nbformat.from_dict({}), f"cell-{number}"
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_stripped_output(output) for output in cell.outputs if not _is_estimate(output)]
    return notebook


def _is_estimate(output: Any) -> bool:
    """Whether it is the line before a search that says how long it will take on this machine, now."""
    return str(output.get("data", {}).get("text/plain", "")).startswith("time  ")


def _stripped_output(output: Any) -> Any:
    if "execution_count" in output:
        output.execution_count = None
    output.pop("transient", None)
    return output


def said(notebook: Any) -> Iterator[list[str]]:
    """What each code cell says, line by line: of an output with HTML its text, of a picture that it is there."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield [line.strip() for output in cell.outputs for line in _lines(output) if line.strip()]


def _lines(output: Any) -> list[str]:
    if output.output_type == "stream":
        return str(output.text).splitlines()
    data = output.get("data", {})
    if "text/html" in data:
        text = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.DOTALL)
        return unescape(re.sub(r"<[^>]+>", " ", text)).splitlines()
    return ["a picture"] if "image/png" in data else str(data.get("text/plain", "")).splitlines()


def main(names: list[str]) -> None:
    """Write all outputs again, or those of one notebook elsewhere."""
    for source, target in [names] if names else zip(NOTEBOOKS, NOTEBOOKS, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(Path(source), Path(folder)), target)


if __name__ == "__main__":
    main(sys.argv[1:])
