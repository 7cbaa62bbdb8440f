"""An audit as one page that needs no network, no script and no other file, with the look of a run's report."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures.audit import Audit, Verdict
from sharefind.errors import ConfigError, setting
from sharefind.report.page.html_page import SUFFIXES, rendered
from sharefind.report.text.audit_tables import element_grid, grids
from sharefind.report.text.text_style import STYLE
from sharefind.search.result import versions
from sharefind.storage import ENCODING, refuse_unwritable, write_atomically
from sharefind.written import order


def check_audit_page(path: Path) -> None:
    """Refuse a page that could not be written.

    Args:
        path: The file to write.

    Raises:
        ConfigError: The ending is not .html or .htm.
        RunFolderError: The file exists, or its folder does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{setting('report')} {path}: a report is one HTML page; end the name with .html")
    refuse_unwritable(path)


def write_audit_page(audit: Audit, path: Path) -> None:
    """Write an audit as a page, completely or not at all.

    Args:
        audit: The audit.
        path: The file to write, ending in .html.

    Raises:
        ConfigError: As in `check_audit_page`.
        RunFolderError: As in `check_audit_page`.
    """
    check_audit_page(path)
    write_atomically(path, audit_page(audit).encode(ENCODING, "xmlcharrefreplace"))


def audit_page(audit: Audit) -> str:
    """Return an audit as HTML.

    Args:
        audit: The audit.
    """
    elements, *layers = [element_grid(audit, STYLE.page_rows), *grids(audit)[1:]]
    return rendered(
        "audit.html", kind="audit", subject=f"{audit.network.name} under {audit.in_rep.group.name}",
        verdict=audit.headline, is_good=audit.verdict is Verdict.EXACT, alarms=audit.notes, remarks=audit.sentences,
        origin=_origin(audit), elements=elements, layers=layers, unread=audit.unread, versions=versions(),
    )  # fmt: skip


def _origin(audit: Audit) -> dict[str, str]:
    group = audit.in_rep.group
    return {
        "network": audit.network.name,
        "precision": audit.network.dtype,
        "group": f"{group.name}, order {order(group.order)}",
        "inputs": f"{audit.in_rep.dim}, moved by {audit.in_rep.name}",
        "outputs": f"{audit.out_rep.dim}, moved by {audit.out_rep.name}",
        "rows": f"{audit.rows:,}",
    }
