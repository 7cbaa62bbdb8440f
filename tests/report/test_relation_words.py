"""Sentences about the relation: which of the law and the relation decided, and what is not decided."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from sharefind.report.page.html_page import page
from sharefind.report.page.notebook_view import run_html
from sharefind.report.text.diagnosis_words import diagnosis_sentences
from sharefind.report.text.guarantees import not_promised, promised
from sharefind.report.text.lattice_tables import lattice_view
from sharefind.report.text.relation_words import relation_sentences
from sharefind.report.text.run_samples import Samples
from sharefind.report.text.runs import RunView
from sharefind.report.text.tables import summary
from sharefind.report.text.verdict import is_answer, verdict
from sharefind.search import search_config
from sharefind.search.result import Result
from tests.report.conftest import DIAGNOSIS


def _text(view: RunView, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(summary(view))
    console.print(lattice_view(view))
    return console.file.getvalue()


def _at_the_top(view: RunView, changed, **changes: object) -> RunView:
    """The same search, ended at Z."""
    lattice = view.lattice
    lattice.add(replace(lattice.node("Z"), evidence=lattice.node("E^C3").evidence, number=4))
    chain = [{**view.result.to_json()["chain"][0], "node": 4, "decision": "stay"}]
    return changed(view, chain=chain, e_star={"dim": 9, "candidate": "E^C1"}, accepted=[], maximal=[], **changes)


def _with_relation(view: RunView, group: str, **changes: object) -> list[dict[str, object]]:
    rows = view.result.to_json()["symmetries"]
    return [{**r, "relation": {**r["relation"], **changes}} if r["group"] == group else r for r in rows]


def test_the_headline_says_that_the_relation_decided(related, changed) -> None:
    view = related()
    head = "E_* = E^C3, dimension 3 of 9: the relation is equivariant under C3 (not rejected"
    assert verdict(view) == f"{head}; the inputs are not invariant)."
    rows = view.result.to_json()["symmetries"]
    rows[1]["inputs"] = {"verdict": "accepted", "p_value": 0.2, "p_adjusted": 0.2}
    assert verdict(changed(view, symmetries=rows)) == f"{head}; nor is invariance of the inputs)."
    rows[1]["inputs"] = None
    assert verdict(changed(view, symmetries=rows)) == f"{head})."
    assert "the symmetry C3 (order 3) is not rejected" in verdict(changed(view, decided_by="law"))
    assert is_answer(view)


def test_one_side_is_no_answer_and_the_headline_has_the_price(related, changed) -> None:
    view = _at_the_top(related(), changed, undecided=["C2:<(0 1)>"])
    assert verdict(view).startswith("E_* = Z, dimension 9 of 9: undecided: the inputs show one side of C2:<(0 1)> only")
    assert "tying by it would cost 0.8 % [0.3, 1.2]: see docs/relation." in verdict(view)
    assert not is_answer(view)
    assert "E_* = Z, dimension 9 of 9, undecided" in view.result._repr_html_()
    assert 'class="verdict bad"' in view.result._repr_html_()
    rows = view.result.to_json()["symmetries"]
    del rows[2]["price"]
    assert "what tying by it costs is not known" in verdict(changed(view, symmetries=rows))


def test_a_rejection_at_an_unassured_level_says_so(related, changed) -> None:
    one_sided = _with_relation(related(), "C2:<(0 1)>", one_sided=False, verdict="rejected")
    view = _at_the_top(related(symmetries=one_sided), changed, undecided=[])
    assert verdict(view).endswith("the relation under S3 is rejected, at a level that is not assured.")
    assured = _with_relation(view, "S3", level_assured=True)
    assert verdict(changed(view, symmetries=assured)).endswith("the relation under S3 is rejected.")


def test_a_diagnosis_does_not_deny_what_the_relation_showed(related, changed) -> None:
    diagnosis = {**DIAGNOSIS, "cause": "inputs", "approximate": False}
    view = related(diagnosis={"S3": diagnosis})
    assert diagnosis_sentences(view.result) == [
        "S3: the relation is not equivariant, by its own test; on rows kept apart tying loses at most 0.8 % of the "
        "labels' variance."
    ]
    accepted = related(diagnosis={"C3": diagnosis})
    assert any("nothing says that the relation is not equivariant" in s for s in diagnosis_sentences(accepted.result))


def test_what_would_have_been_seen_is_said_of_what_was_accepted(related) -> None:
    assert relation_sentences(related().result) == [
        "C3: a break of 0.41 standard deviations of the signal would have been seen with probability .8."
    ]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_of_three_verdicts_fits(related, width: int) -> None:
    lines = _text(related(), width).splitlines()
    assert max(map(len, lines)) <= width and not any("…" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    for part in (
        "Inputs, relation, price",
        "one side",
        "assured",
        "level by simulation",
        "C3, share 0.86, as tested",
    ):
        assert part in text, part
    assert "exact tests of the law of (X, Y)" in text


def test_a_search_for_the_relation_alone_has_no_exact_tests(related) -> None:
    view = related(symmetry="relation")
    assert "4 candidate groups: tests of the relation, statistic" in _text(view, 140)
    assert not any("exchangeable" in line for line in promised(view))


def test_guarantees_tell_exact_from_simulated_from_estimated(related, tested) -> None:
    sure, unsure = " ".join(promised(related())), " ".join(not_promised(related()))
    assert "none of the groups that the tests of the law reject" in sure and "leaves the law of X invariant" in sure
    assert "by simulation, not by a proof" not in sure
    for part in (
        "by simulation, not by a proof",
        "95 % interval from rows kept apart",
        "no error rate",
        "which group holds exactly",
    ):
        assert part in unsure
    plain = " ".join((*promised(tested()), *not_promised(tested())))
    assert "simulation" not in plain and "groups called rejected is a symmetry" in plain


@pytest.mark.slow
def test_page_and_notebook_have_the_verdicts(related, tested) -> None:
    pytest.importorskip("matplotlib")
    config, samples = search_config(group="S3", data="/data/x.npz"), Samples("measured", "0123", 1000, (3, 3))
    text = page(related(), config, samples)
    for part in (
        "Tests of the law and of the relation",
        'td class="undecided">undecided, one side seen',
        'td class="rejected">rejected, not assured',
        "gains 0.8 % [0.3, 1.2]",
        'id="verdicts-',
        "its level by simulation",
    ):
        assert part in text, part
    for shown in (run_html(related()), related().result._repr_html_()):
        assert "Inputs, relation, price" in shown and "as tested" in shown and "undecided, one side seen" in shown
    plain = page(tested(), config, samples)
    assert "Inputs, relation, price" not in plain and "Exact tests: the candidate groups" in plain


def test_an_old_run_without_the_new_keys_reads_as_before(tested) -> None:
    record = tested().result.to_json()
    for row in record["symmetries"]:
        assert not {"inputs", "relation", "price"} & set(row)
    old = Result.model_validate(record)
    assert (old.symmetry, old.decided_by, old.likeliest, old.is_one_sided) == ("law", "law", None, False)
    assert "Inputs, relation" not in _text(tested()) and "likeliest" not in _text(tested())
