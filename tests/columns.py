"""Names of columns as strangers' files may have them."""

WELLS = ("well_a_m", "well_b_m", "well_c_m", "pressure_Pa")

HOSTILE = (
    "[bold red]well[/]\x1b[31m",
    'a\nb"""\'\\',
    "\u202e<script>alert(1)</script>$x_{$&amp;{{ 7 * 7 }}",
    "pressure in \u4e95\u6238 " * 60,
)
"""Markup of a terminal, an escape sequence, a line break, quotes, a change of direction, HTML, formulas, length."""
