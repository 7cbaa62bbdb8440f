"""An ONNX graph that is being put together: nodes in order, and constants by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx


@dataclass(eq=False)
class Draft:
    """Nodes and constants of a graph.

    Attributes:
        dtype: Type of all floats, such as "float64".
        nodes: The nodes, each after the nodes that it reads.
        constants: The constants.
    """

    dtype: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Return the name of the output of a new node.

        Args:
            operator: Name of the operator.
            inputs: Names of what it reads.
            output: Name of what it gives.
            attributes: Attributes of the operator.
        """
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"make_{output}", **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Return the name of a new constant; floats have the type of the graph.

        Args:
            name: Its name.
            values: Its numbers.
        """
        from onnx import numpy_helper

        kept = values.astype(self.dtype) if np.issubdtype(values.dtype, np.floating) else values
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(kept), name))
        return name

    def shape(self, name: str, *sizes: int) -> str:
        """Return the name of a new constant, a shape that a Reshape reads.

        Args:
            name: Its name.
            sizes: The lengths of the axes; 0 keeps an axis, -1 fits it.
        """
        return self.constant(name, np.array(sizes, dtype=np.int64))

    def reshape(self, source: str, output: str, *sizes: int) -> str:
        """Return the name of the output of a new Reshape.

        Args:
            source: Name of the tensor to reshape.
            output: Name of the output.
            sizes: As in `shape`.
        """
        return self.add("Reshape", [source, self.shape(f"{output}_shape", *sizes)], output)

    def picked(self, source: str, output: str, places: NDArray[np.int64], axis: int = 1) -> str:
        """Return the name of the output of a new Gather.

        Args:
            source: Name of the tensor to read.
            output: Name of the output.
            places: Where it is read, of any shape, which takes the place of the axis.
            axis: The axis.
        """
        return self.add("Gather", [source, self.constant(f"{output}_places", places)], output, axis=axis)

    def part(self, source: str, output: str, start: int, stop: int, axis: int) -> str:
        """Return the name of the output of a new Slice.

        Args:
            source: Name of the tensor to cut.
            output: Name of the output.
            start: Where it begins.
            stop: Where it ends.
            axis: The axis that is cut.
        """
        ends = [self.shape(f"{output}_{end}", at) for end, at in (("from", start), ("to", stop), ("axis", axis))]
        return self.add("Slice", [source, *ends], output)
