r"""A hook of mkdocs: formulas become MathML while the site is built, so that readers download no script.

The extension arithmatex marks the formulas, \(inline\) and \[displayed\]; this hook converts what it marked.
"""

import html
import re

from latex2mathml.converter import convert

MARKED = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: object) -> str:
    """Replace the formulas of one page (mkdocs calls this for each page)."""
    return MARKED.sub(_formula, content)


def _formula(match: re.Match[str]) -> str:
    display = "block" if match[1] == "div" else "inline"
    return convert(html.unescape(match[2]).strip(), display=display)
