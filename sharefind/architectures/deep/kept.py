"""Trainings of a choice that are kept in a folder, so that an interrupted choice does none of them again.

A training is kept under a digest of everything that decides it: the rows, the actions on all layers, the plan, the
seed, and the versions of the libraries that compute it. A file that does not fit is reported and trained anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.deep_json import moves
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Augmentation, Plan, Trained
from sharefind.architectures.formats.tensors import check_header, in_one_order
from sharefind.errors import InputError, RunFolderError, one_line
from sharefind.exact.matrices import rows_of
from sharefind.folder_locks import sole_use
from sharefind.formats import parse_json
from sharefind.meanfield.units import DeepUnit
from sharefind.search.result import versions
from sharefind.spaces import Subspace
from sharefind.storage import json_text, sweep, write_atomically

Fit = Callable[..., Trained]
"""A training: (unit, rows, held, plan, seed, told, augmentation) -> networks, as `training.train`."""

SCHEMA = "sharefind.deep-training-kept/1"

ENDING = ".safetensors"

ARRAYS = ("networks", "losses", "predictions")
"""Parts of a training that hold arrays; all others are texts and numbers."""


@dataclass(frozen=True, eq=False)
class KeptTrainings:
    """Trainings in a folder; `kept_in` makes one.

    Attributes:
        folder: The folder, which exists.
        notes: A line for each file that could not be used; its training is done again.
        found: Names of the trainings that were read, not done.
    """

    folder: Path
    notes: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def over(self, fit: Fit) -> Fit:
        """Return a training that is read where it was done before, and done and kept where it was not.

        Args:
            fit: Does a training.
        """

        def kept(
            unit: DeepUnit,
            rows: DeepRows,
            held: Sequence[NDArray[np.int64]],
            plan: Plan,
            seed: int,
            told: Any = None,
            augmentation: Augmentation | None = None,
        ) -> Trained:
            path = self.folder / f"{_digest(unit, rows, held, plan, seed, augmentation)}{ENDING}"
            known = self._known(path, unit, len(held), rows.y.shape)
            if known is not None:
                return known
            trained = fit(unit, rows, held, plan, seed, told, augmentation)
            write_atomically(path, _content(trained))
            return trained

        return kept

    def _known(self, path: Path, unit: DeepUnit, count: int, shape: tuple[int, ...]) -> Trained | None:
        """The training of a file; None where there is none, or where it is damaged, which is noted."""
        if not path.is_file():
            return None
        try:
            trained = _read(path, unit, count, shape)
        except InputError as error:
            self.notes.append(f"{path.name}: {error}; it is trained again")
            return None
        self.found.append(path.stem)
        return trained


@contextmanager
def kept_in(folder: Path) -> Iterator[KeptTrainings]:
    """Hold a folder of trainings for this process alone; it is made where it is missing.

    Args:
        folder: The folder.

    Yields:
        Its trainings.

    Raises:
        RunFolderError: It cannot be made or written, or another process works in it.
        StorageError: The disk is full or failing.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder} cannot be made ({error.strerror}); let this user write there") from None
    with sole_use(folder):
        sweep(folder)
        yield KeptTrainings(folder)


def _digest(
    unit: DeepUnit,
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    plan: Plan,
    seed: int,
    augmentation: Augmentation | None,
) -> str:
    """The name of a training, which no other one has: 32 hexadecimal digits."""
    record = {
        "schema": SCHEMA,
        "unit": unit.name,
        "dims": [rep.dim for rep in unit.reps],
        "generators": moves(unit.reps),
        "spaces": [_identity(space) for space in unit.weight_spaces],
        "group": moves([rows.in_rep, rows.out_rep]),
        "has_classes": bool(rows.classes),
        "plan": asdict(plan),
        "seed": seed,
        "augmentation": None if augmentation is None else augmentation.most,
        "versions": versions(),
    }
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    spaces = [space for pair in zip(unit.weight_spaces, unit.bias_spaces, strict=True) for space in pair]
    ties = [np.array(space.dim) if space.tying is None else space.tying for space in spaces]
    for array in (rows.x, rows.y, *held, *ties):
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _identity(space: Subspace) -> list[int] | list[list[str]]:
    """The labels or the exact basis of a space, which tell it from others of its dimension."""
    if space.tying is not None:
        return [int(label) for label in space.tying]
    return [[f"{place}:{value}" for place, value in row.items()] for row in rows_of(space.exact_rows()).values()]


def _content(trained: Trained) -> bytes:
    from safetensors.numpy import save

    tensors = {"losses": trained.losses, "predictions": trained.predictions}
    for number, network in enumerate(trained.networks):
        for layer, (weight, bias) in enumerate(network):
            tensors |= {f"{number}.{layer}.weight": weight, f"{number}.{layer}.bias": bias}
    rest = {part.name: getattr(trained, part.name) for part in fields(trained) if part.name not in ARRAYS}
    arrays = {name: np.array(value, dtype=np.float64, order="C") for name, value in tensors.items()}
    return in_one_order(save(arrays, {"schema": SCHEMA, "training": json_text(rest)}))


def _read(path: Path, unit: DeepUnit, count: int, shape: tuple[int, ...]) -> Trained:
    """The training of a file, whose arrays have the shapes of this one.

    Raises:
        InputError: They do not, or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        check_header(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        rest: dict[str, Any] = parse_json(metadata["training"])
        parts: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in rest.items()}
    except (OSError, SafetensorError, KeyError, ValueError, RecursionError, AttributeError) as error:
        raise InputError(f"it cannot be read ({one_line(error)})") from None
    expected = {"losses": shape[:1], "predictions": shape}
    layers = list(zip(unit.space.blocks[::2], unit.space.blocks[1::2], strict=True))
    for number in range(count):
        for layer, (weight, bias) in enumerate(layers):
            expected |= {f"{number}.{layer}.weight": weight.shape, f"{number}.{layer}.bias": bias.shape}
    found = {name: array.shape for name, array in arrays.items() if array.dtype == np.float64}
    known = {part.name for part in fields(Trained)} - set(ARRAYS)
    if found != expected or set(parts) != known or metadata.get("schema") != SCHEMA:
        raise InputError("it holds another training")
    networks = tuple(
        tuple((arrays[f"{number}.{layer}.weight"], arrays[f"{number}.{layer}.bias"]) for layer in range(len(layers)))
        for number in range(count)
    )
    return Trained(networks=networks, losses=arrays["losses"], predictions=arrays["predictions"], **parts)
