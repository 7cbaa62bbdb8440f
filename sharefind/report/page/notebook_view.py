"""A run as the output of a notebook cell: verdict, warnings, the space found, the chain, and its
quality of prediction.
"""

from __future__ import annotations

from sharefind import html
from sharefind.report.page.page_parts import chain_grid, listed, verdict_grid, yardstick_grid
from sharefind.report.text import verdict as words
from sharefind.report.text.relation_words import relation_sentences
from sharefind.report.text.rows import origin_cells, yardstick_note
from sharefind.report.text.runs import RunView
from sharefind.report.text.text_style import STYLE
from sharefind.search.three_verdicts import has_relation
from sharefind.spaces.space_html import space_html


def run_html(view: RunView) -> str:
    """Return the run as one HTML element for `_repr_html_`; it needs no file of the run and no matplotlib.

    Args:
        view: The run.
    """
    result, last = view.result, view.e_star
    groups = {"accepted": listed(result.accepted, STYLE.names), "rejected": listed(result.rejected, STYLE.names)}
    if result.undecided:
        groups["undecided"] = listed(result.undecided, STYLE.names)
    yardstick, note = yardstick_grid(view), yardstick_note(result)
    parts = [
        html.headline(words.verdict(view), is_good=words.is_answer(view)),
        html.remarks([*words.warnings(view), *words.remarks(view)]),
        html.facts({**origin_cells(result), **groups}),
    ]
    if last is not None:
        parts += [html.heading(words.star_title(view)), space_html(last.space, view.blocks, view.names)]
    parts.append(html.table(chain_grid(view)))
    verdicts = verdict_grid(view) if has_relation(result.symmetries) else None
    if verdicts is not None:
        parts += [html.table(verdicts), *map(html.paragraph, relation_sentences(result))]
    if yardstick is not None:
        parts.append(html.table(yardstick))
    elif note:
        parts.append(html.paragraph(note))
    return html.notebook(*parts)
