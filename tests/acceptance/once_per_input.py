"""What depends on inputs alone, computed once for many draws of labels: level by simulation at a tenth of the time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any
from unittest import mock

from torch import Tensor

from sharefind.inference.relation import feature_fit
from sharefind.inference.relation import relation_test as tested
from sharefind.inference.relation.feature_fit import FeatureFit
from sharefind.inference.relation.kernel_features import Landmarks
from sharefind.inference.relation.tied_evidence import Factors
from sharefind.inference.tied_kernels import ListedGroup


class _Memory:
    """Results by the content of the arguments; tensors that it gave out are known by their identity."""

    def __init__(self) -> None:
        self.results: dict[Any, Any] = {}
        self.given: dict[int, tuple[Any, ...]] = {}

    def key(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            known = self.given.get(id(value))
            if known is not None:
                return known
            data = value.detach().contiguous()
            return (*data.shape, hashlib.blake2b(data.numpy().tobytes(), digest_size=16).digest())
        if isinstance(value, tuple | list):
            return tuple(self.key(item) for item in value)
        if is_dataclass(value):
            return tuple(self.key(getattr(value, field.name)) for field in fields(value))
        return value

    def give(self, key: Any, value: Any) -> None:
        if isinstance(value, Tensor):
            self.given[id(value)] = ("given", key)
        elif isinstance(value, tuple | list):
            for place, item in enumerate(value):
                self.give((key, place), item)
        elif is_dataclass(value):
            for field in fields(value):
                self.give((key, field.name), getattr(value, field.name))

    def remembers(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def remembered(*args: Any) -> Any:
            key = (function.__qualname__, self.key(args))
            if key not in self.results:
                self.results[key] = function(*args)
                self.give(hash(key), self.results[key])
            return self.results[key]

        return remembered


@contextmanager
def inputs_stay() -> Iterator[None]:
    """Tests of the same inputs under other labels: kernels, features and their factors are computed once.

    The overlap, which depends on inputs alone and comes after the test, is left out.
    """
    memory = _Memory()
    methods = [(Landmarks, name) for name in ("tied_at", "tied_features", "anti_features", "diagonal")]
    methods += [(ListedGroup, name) for name in ("tied", "free", "median_distance")]
    patches = [mock.patch.object(owner, name, memory.remembers(getattr(owner, name))) for owner, name in methods]
    for owner in (Factors, FeatureFit):
        patches.append(mock.patch.object(owner, "of", staticmethod(memory.remembers(owner.of))))
    patches.append(mock.patch.object(feature_fit, "spectrum", memory.remembers(feature_fit.spectrum)))
    patches.append(mock.patch.object(tested, "overlap", lambda *args: float("nan")))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
