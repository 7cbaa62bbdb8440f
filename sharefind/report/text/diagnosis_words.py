"""Sentences about the diagnosis of a search: what is broken where a group was rejected, and what tying costs."""

from __future__ import annotations

from sharefind.report.text.move_words import generator_words
from sharefind.report.text.relation_words import relations_rejected
from sharefind.search.result import Result
from sharefind.search.result_parts import DiagnosisRow


def diagnosis_sentences(result: Result) -> list[str]:
    """Return the conclusions of the diagnosis, and the effect of rejected groups on columns that have names.

    Args:
        result: The result of a search.
    """
    if not result.diagnosis:
        return []
    found = ["Losses and R^2 are of squared errors of the one-hot labels."] if result.classes else []
    broken = relations_rejected(result)
    found += [diagnosis_sentence(n, row, relation_rejected=n in broken) for n, row in result.diagnosis.items()]
    moved = {name: "; ".join(generator_words(row.moves, result)) for name, row in result.diagnosis.items()}
    return [*filter(None, found), *(f"{name}, on columns: {words}." for name, words in moved.items() if words)]


def diagnosis_sentence(name: str, row: DiagnosisRow, *, relation_rejected: bool = False) -> str:
    """Return the conclusion from one row of the diagnosis; "" if there is none.

    Args:
        name: Name of the group.
        row: Its diagnosis.
        relation_rejected: Whether a test of its own rejected the relation, which determines what is broken.
    """
    if not row.reference_fits:
        broken = {
            "inputs": "the inputs are not invariant",
            "relation": "the relation is not equivariant",
            "inputs and relation": "the inputs are not invariant, and the relation is not equivariant",
        }.get(row.cause, "what is broken is undetermined")
        fit = f"R^2 {row.free_r2:.2g} on rows kept apart"
        return f"{name}: the reference model does not fit ({fit}): what tying costs is not known; {broken}."
    if relation_rejected and row.cause in ("inputs", "undetermined"):
        loss = f"tying loses at most {100 * max(0.0, row.risk_gap_interval[1]):.2g} % of the labels' variance"
        return f"{name}: the relation is not equivariant, by its own test; on rows kept apart {loss}."
    if row.cause == "undetermined":
        loss = f"tying loses at most {100 * max(0.0, row.risk_gap_interval[1]):.2g} % of the labels' variance"
        return f"{name}: undetermined: neither the inputs alone nor the relation are shown to be broken; {loss}."
    if row.cause == "inputs":
        return f"{name}: the inputs are not invariant; nothing says that the relation is not equivariant."
    if row.approximate:
        high = 100 * max(0.0, row.risk_gap_interval[1])
        return f"{name}: an approximate symmetry: tying loses at most {high:.2g} % of the labels' variance."
    return ""
