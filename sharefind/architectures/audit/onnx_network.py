"""ONNX files as networks that are audited: run by onnxruntime, layers read from the graph."""

from __future__ import annotations

import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.architectures.audit.layer_chain import LayerChain, UnreadError
from sharefind.architectures.audit.network import AuditedNetwork, Predict, chain_rounding, moved, moved_rounding
from sharefind.architectures.audit.onnx_layers import onnx_layers
from sharefind.errors import ConfigError, InputError, one_line, quoted
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it, read_within
from sharefind.rng import named_stream
from sharefind.storage import advice
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    import onnx

LARGEST_FILE = 2_000_000_000
"""Default size limit of a graph, in bytes."""

QUIET = 3
"""Level of onnxruntime's own messages: errors only."""


def require_runtime() -> None:
    """Refuse if the libraries that read and run ONNX files are not installed.

    Raises:
        ConfigError: One of them is missing.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"an audit of an ONNX file needs {' and '.join(missing)}; install it with: pip install 'sharefind[audit]'"
        )


def onnx_network(path: Path, limits: Limits = DEFAULT_LIMITS) -> AuditedNetwork:
    """Return an ONNX file as a network that is audited.

    Args:
        path: The file.
        limits: Size limit of the file.

    Raises:
        ConfigError: A library is missing.
        InputError: The file cannot be read or run, keeps its weights elsewhere, or has several inputs or outputs.
    """
    require_runtime()
    return model_network(_model(path, limits), str(path))


def model_network(model: onnx.ModelProto, name: str) -> AuditedNetwork:
    """Return an ONNX model as a network that is audited.

    Args:
        model: The model, with its weights.
        name: Name of the network, which opens every message.

    Raises:
        InputError: The model cannot be run, or has several inputs or outputs.
    """
    runner = _Runner(model, name, _only_input(model, name))
    chain, unread = _layers(model, runner)
    props = {prop.key: prop.value for prop in model.metadata_props}
    inputs, outputs = (_names(props.get(f"sharefind.{side}")) for side in ("inputs", "outputs"))
    return AuditedNetwork(
        name, runner.d_in, runner.dtype, runner.run, partial(runner.rounding, chain), chain, unread, inputs, outputs
    )


def _model(path: Path, limits: Limits) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    most = limits.bytes_of(LARGEST_FILE)
    try:
        content = read_within(path, most)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); {advice(error)}") from None
    if isinstance(content, int):
        raise InputError(f"{path} is above {most} bytes; {raise_it('file_size', content)}")
    try:
        model: onnx.ModelProto = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        if any(t.data_location == onnx.TensorProto.EXTERNAL for t in _tensors(content)):
            raise InputError(
                f"{path} keeps its weights in another file; export it again with external_data=False"
            ) from None
        raise InputError(f"{path} is no ONNX model ({one_line(error, 160)}); export it again") from None
    return model


def _tensors(content: bytes) -> list[onnx.TensorProto]:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return list(onnx.load_model_from_string(content).graph.initializer)
    except DecodeError:
        return []


def _only_input(model: onnx.ModelProto, name: str) -> onnx.ValueInfoProto:
    """Return the input of a graph, which must have one input and one output."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs: list[onnx.ValueInfoProto] = [v for v in model.graph.input if v.name not in constants]
    for what, found in (("inputs", inputs), ("outputs", list(model.graph.output))):
        if len(found) != 1:
            names = quoted(", ".join(value.name for value in found))
            raise InputError(
                f"{name} has {len(found)} {what} ({names}), and an audit needs one of each; export a model with one"
            )
    (value,) = inputs
    return value


def _names(text: str | None) -> tuple[str, ...]:
    """Return names of columns that an export of sharefind wrote; () for any other text."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    is_list = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return tuple(found) if is_list else ()


def _layers(model: onnx.ModelProto, runner: _Runner) -> tuple[LayerChain | None, str]:
    if runner.shape is None:
        return None, "the shape of its input is open"
    try:
        return onnx_layers(model.graph, runner.shape), ""
    except UnreadError as error:
        return None, str(error)


class _Runner:
    """Runs a graph on numpy rows.

    Args:
        model: The graph.
        name: Its name, which opens every message.
        value: Its input.
    """

    def __init__(self, model: onnx.ModelProto, name: str, value: onnx.ValueInfoProto) -> None:
        from onnx import helper

        self.model, self.name, self.value = model, name, value
        kind = value.type.tensor_type
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)) if kind.elem_type else np.dtype(bool)
        if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
            raise InputError(f"{name}: the input {quoted(value.name)} is no array of real numbers; audits move those")
        self.dtype = dtype.name
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        if len(sizes) < 2:
            raise InputError(f"{name}: the input {quoted(value.name)} has no axis of rows; export it with a batch")
        self.batch, *row = sizes
        self.shape = None if None in row else tuple(size for size in row if size is not None)
        self.d_in = None if self.shape is None else int(np.prod(self.shape))
        self.run = self.predict(model)

    def rounding(self, chain: LayerChain | None, x: FloatArray) -> FloatArray:
        """Return the size of its rounding in each output, shape (n, d_out)."""
        if chain is not None:
            return chain_rounding(chain, self.dtype, self.run, x)
        rng = named_stream(0, "audit", "rounding")
        return moved_rounding(self.run, lambda: self.rounded(rng), x)

    def predict(self, model: onnx.ModelProto) -> Predict:
        """Return the function that a graph with this input computes."""
        session = self._session(model)

        def call(x: FloatArray) -> FloatArray:
            with np.errstate(over="ignore"):
                rows = x.astype(self.dtype).reshape(len(x), *(self.shape or x.shape[1:]))
            if not self.batch or self.batch == len(rows):
                return self._run(session, rows)
            filled = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % self.batch, axis=0)])
            pieces = [self._run(session, filled[k : k + self.batch]) for k in range(0, len(filled), self.batch)]
            return np.concatenate(pieces)[: len(x)]

        return call

    def _run(self, session: Any, rows: Any) -> FloatArray:
        try:
            (y,) = session.run(None, {self.value.name: rows})
        except Exception as error:  # onnxruntime's errors have no public base class
            raise InputError(f"{self.name} cannot be run by onnxruntime ({one_line(error, 200)})") from error
        y = np.asarray(y)
        if y.dtype.kind != "f" or y.ndim < 1 or len(y) != len(rows):
            raise InputError(
                f"{self.name} gives {y.dtype} of shape {y.shape} for {len(rows)} rows; "
                "an audit needs a row of real numbers for each row"
            )
        return y.astype(np.float64).reshape(len(y), -1)

    def _session(self, model: onnx.ModelProto) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = QUIET
        try:
            return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no public base class
            raise InputError(f"{self.name} cannot be run by onnxruntime ({one_line(error, 200)})") from error

    def rounded(self, rng: np.random.Generator) -> Predict:
        """Return the function of the graph with every weight moved by at most one unit in the last place."""
        import onnx
        from onnx import numpy_helper

        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        constants = [a.t for n in model.graph.node if n.op_type == "Constant" for a in n.attribute if a.name == "value"]
        for tensor in (*model.graph.initializer, *constants):
            values = numpy_helper.to_array(tensor)
            if values.dtype.kind == "f":
                changed = moved(values.astype(np.float64), rng, float(np.finfo(values.dtype).eps))
                tensor.CopyFrom(numpy_helper.from_array(changed.astype(values.dtype), tensor.name))
        return self.predict(model)
