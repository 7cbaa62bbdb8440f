"""Names of columns in everything that is exported: they come back as they are, whatever they are."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from sharefind.architectures import (
    SharingSpec,
    TrainedNetwork,
    certify,
    from_json,
    onnx_model,
    read_safetensors,
    spec_from_outcome,
    to_json,
    torch_source,
    write_safetensors,
    write_snippet,
)
from sharefind.architectures.layers import SharedLinear, SharedShallowNetwork
from sharefind.column_names import kept_names
from sharefind.datasets import finite_task
from sharefind.errors import InputError
from sharefind.search import SearchLattice, SearchOutcome
from sharefind.search.rules.growth import candidate_node
from tests.architectures.networks import module_of, network_of, spec_of
from tests.columns import HOSTILE, WELLS
from tests.search.problems import problem, teacher_task

INPUTS = kept_names(HOSTILE, "x")

OUTPUTS = ("pi", "sqrt \\", '"', "x0")


def named(case: str = "c4", inputs: tuple[str, ...] = INPUTS, outputs: tuple[str, ...] = OUTPUTS) -> TrainedNetwork:
    """A network whose columns have names."""
    network = network_of(case)
    return TrainedNetwork(replace(network.spec, inputs=inputs, outputs=outputs), network.coefficient)


def test_columns_without_names_are_called_by_their_position_and_files_do_not_change() -> None:
    spec = network_of("c4").spec
    assert (spec.inputs, spec.outputs) == (("x0", "x1", "x2", "x3"), ("y0", "y1", "y2", "y3"))
    assert not {"inputs", "outputs"} & json.loads(to_json(spec)).keys()
    assert from_json(to_json(spec)) == spec == replace(spec, inputs=(), outputs=spec.outputs)


def test_names_come_back_from_json() -> None:
    spec = named().spec
    back = from_json(to_json(spec))
    assert back == spec != network_of("c4").spec and hash(back) == hash(spec)
    assert (back.inputs, back.outputs) == (INPUTS, OUTPUTS)
    assert certify(spec) == certify(network_of("c4").spec)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inputs": ("a", "b", "c")}, "inputs has 3 names for 4 columns"),
        ({"outputs": ("a",)}, "outputs has 1 names for 4 columns"),
        ({"inputs": ("a", "b", "c", "")}, "1 to 500 printable characters"),
        ({"inputs": ("a", "b", "c", "d" * 501)}, "1 to 500 printable characters"),
        *(({"inputs": (bad, "b", "c", "d")}, r"printable characters") for bad in HOSTILE[:3] if not bad.isprintable()),
    ],
)
def test_names_that_cannot_be_shown_are_refused(changes: dict[str, Any], told: str) -> None:
    spec = network_of("c4").spec
    with pytest.raises(InputError, match=told) as caught:
        replace(spec, **changes)
    assert str(caught.value).isprintable()
    record = {**json.loads(to_json(spec)), **changes}
    with pytest.raises(InputError, match=told):
        from_json(json.dumps(record))


@pytest.mark.parametrize("case", ["c4", "two_regular"])
def test_an_exported_module_has_the_names(case: str, tmp_path: Path) -> None:
    network = named(case)
    module = module_of(network, tmp_path)
    assert (module.INPUT_NAMES, module.OUTPUT_NAMES) == (INPUTS, OUTPUTS)
    net = module.SharedShallowNetwork()
    assert (net.input_names, net.output_names) == (INPUTS, OUTPUTS)
    ours = SharedShallowNetwork(network.spec)
    assert (ours.input_names, ours.output_names) == (INPUTS, OUTPUTS)
    plain = module_of(network_of(case), tmp_path)
    assert (network_of(case).spec.inputs, network_of(case).spec.outputs) == (plain.INPUT_NAMES, plain.OUTPUT_NAMES)
    assert SharedLinear(named().spec).input_names == INPUTS


def test_a_module_says_the_order_of_its_columns_and_names_are_no_code() -> None:
    spec = network_of("c4").spec
    wells = torch_source(replace(spec, inputs=WELLS))
    told = " ".join((ast.get_docstring(ast.parse(wells)) or "").split())
    assert f"Columns of x, in this order: {', '.join(WELLS)}. Columns of y, in this order: y0, y1, y2, y3." in told
    assert f"INPUT_NAMES = {json.dumps(WELLS)[:-1].replace('[', '(')})" in wells
    tree, plain = (ast.parse(torch_source(given)) for given in (named().spec, spec))
    assert [type(node) for node in tree.body] == [type(node) for node in plain.body]
    assert "from math" not in torch_source(named().spec)
    assert "Columns" not in (ast.get_docstring(plain) or "")


def test_files_of_weights_have_the_names(tmp_path: Path) -> None:
    network, path = named(), tmp_path / "net.safetensors"
    write_safetensors(network, path)
    with safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert json.loads(metadata["inputs"]) == list(INPUTS) and json.loads(metadata["outputs"]) == list(OUTPUTS)
    assert read_safetensors(path).spec == network.spec
    save_file(tensors, path, {**metadata, "inputs": json.dumps(OUTPUTS)})
    with pytest.raises(InputError, match="its inputs are not those of its spec"):
        read_safetensors(path)
    save_file(tensors, path, {key: text for key, text in metadata.items() if key not in ("inputs", "outputs")})
    assert read_safetensors(path).spec.inputs == INPUTS


def test_a_graph_has_the_names() -> None:
    model = onnx_model(named(), "statement")
    onnx.checker.check_model(model)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(properties["sharefind.inputs"]) == list(INPUTS)
    assert json.loads(properties["sharefind.outputs"]) == list(OUTPUTS)
    assert json.loads(model.graph.input[0].doc_string.removeprefix("columns: ")) == list(INPUTS)
    assert json.loads(model.graph.output[0].doc_string.removeprefix("columns: ")) == list(OUTPUTS)


@pytest.mark.parametrize("peer", ["emlp", "escnn"])
def test_snippets_have_comments_with_names(peer: str, tmp_path: Path) -> None:
    spec = spec_of("C4", "matrix+bias:tanh", "natural", "natural")
    sources = []
    for given in (spec, replace(spec, inputs=WELLS, outputs=OUTPUTS), replace(spec, inputs=INPUTS)):
        path = tmp_path / f"{len(sources)}.py"
        write_snippet(given, path, peer)
        sources.append(path.read_text())
    assert f"# Columns of x, in this order: {', '.join(WELLS)}.\n" in sources[1] and "# Columns" not in sources[0]
    assert len({ast.dump(ast.parse(source)) for source in sources}) == 1
    assert max(len(line) for source in sources for line in source.splitlines()) <= 110


def test_a_search_names_the_columns_of_its_specification() -> None:
    plain = teacher_task("C2", 2, 60, 0)
    assert plain.x is not None and plain.y is not None
    case = problem(finite_task("named", plain.x, plain.y, inputs=HOSTILE[:2], outputs=("u", "")))
    assert case.lattice is not None
    node, lattice = candidate_node(case.lattice.nodes[-1]), SearchLattice()
    lattice.add(node)
    found: SharingSpec = spec_from_outcome(SearchOutcome(case, lattice, (node,), True))
    assert found.inputs == INPUTS[:2] and found.outputs == ("u", "y1")
