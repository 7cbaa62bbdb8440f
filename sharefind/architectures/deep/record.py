"""Records of a choice of hidden types: a node for each list of types, edges between them, and reference values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sharefind.architectures.deep.layer_price import LayerPrice
from sharefind.architectures.deep.type_escape import TypeEscape

SCHEMA = "sharefind.deep-choice/1"

FREE = "no sharing"
"""Name of the free network of the same widths among references."""


@dataclass(frozen=True)
class TypesNode:
    """A list of types with its evidence.

    Attributes:
        number: Its number, in the order of the visits.
        mixture: Name of the mixture of its types.
        width: Coordinates of a hidden layer that were asked for.
        layers: The representation of each hidden layer, from the inputs up.
        parameters: Numbers that are free.
        risk: Held-out risk: mean squared error over the mean square of the labels about what the group fixes, or log
            loss for classes.
        risk_se: Its standard error over rows.
        accuracy: Share of held-out rows whose class is right; None for numbers.
        steps: Steps of training: of the longest by evidence, or those by Adam at which this risk is smallest.
        seconds: Seconds of training.
        escape: How far training leaves the weights that these types share, where nothing keeps it there; None where
            it was not looked at.
        evidence: Log evidence, mean over the folds; None for networks that were trained by Adam.
        function: Function of hidden units, "tanh" and so on.
        window: Places that each place sees; None for all.
    """

    number: int
    mixture: str
    width: int
    layers: tuple[str, ...]
    parameters: int
    risk: float
    risk_se: float
    accuracy: float | None
    steps: int
    seconds: float
    escape: TypeEscape | None = None
    evidence: float | None = None
    function: str = ""
    window: int | None = None


@dataclass(frozen=True)
class TypesEdge:
    """A step from one list of types to another.

    Attributes:
        source: Number of a node.
        target: Number of the node that was visited from there.
        change: The difference, in words.
        explained: Risk of the source less that of the target.
        explained_se: Its standard error, from the same rows.
    """

    source: int
    target: int
    change: str
    explained: float
    explained_se: float


@dataclass(frozen=True)
class Reference:
    """Another model on the same folds.

    Attributes:
        name: Name of the model.
        parameters: Numbers that are free.
        risk: As for nodes.
        risk_se: Its standard error.
        accuracy: As for nodes.
    """

    name: str
    parameters: int
    risk: float
    risk_se: float
    accuracy: float | None


@dataclass(frozen=True)
class Start:
    """First weights of the chosen network, trained without one fold.

    Attributes:
        seed: Seed of the weights.
        risk: Risk on the fold, as for nodes.
        steps: Steps of training at which this risk is smallest.
    """

    seed: int
    risk: float
    steps: int


@dataclass(frozen=True)
class Choice:
    """How a network was chosen.

    Attributes:
        group: Name of the group.
        order: Its number of elements.
        rows: Number of rows.
        function: Function of hidden units, "tanh" and so on.
        nodes: The lists of types, in the order of the visits.
        edges: The steps between them.
        chosen: Number of the node that was chosen.
        references: Other models on the same folds.
        census: For each hidden layer, the shares of types by name: trained, untrained and kept; empty without one.
        price: How the risk of the chosen node changes when layers are freed; None where nothing was freed.
        starts: Starts of the chosen network, the first of the smallest risk being kept; empty where one was made.
        stopped: Why not all was tried; None where it was.
    """

    group: str
    order: int
    rows: int
    function: str
    nodes: tuple[TypesNode, ...]
    edges: tuple[TypesEdge, ...]
    chosen: int
    references: tuple[Reference, ...] = ()
    census: tuple[Mapping[str, Mapping[str, float]], ...] = field(default_factory=tuple)
    price: LayerPrice | None = None
    starts: tuple[Start, ...] = ()
    stopped: str | None = None

    @property
    def best(self) -> TypesNode:
        """The node that was chosen."""
        return self.nodes[self.chosen]

    @property
    def start(self) -> Start | None:
        """The start that was kept; None where one was made."""
        return min(self.starts, key=lambda one: one.risk, default=None)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the attributes as keys."""
        return {"schema": SCHEMA, **asdict(self)}
