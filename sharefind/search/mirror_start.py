"""A blind search for mirror maps: a part of the rows proposes signed permutations of inputs and labels, apart.

`sharefind.proposal.mirrors` finds them; the other rows test the group and its subgroups as those of
any other candidate, with what was set aside left out of the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from sharefind.errors import ConfigError, setting
from sharefind.groups import natural, trivial
from sharefind.progress import StageProgress, unwatched
from sharefind.search.blind import ODD_UNIT, BlindStart, is_odd_unit, split_rows
from sharefind.search.config import SearchConfig
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.proposal.mirrors.propose_mirrors import MirrorSettings


def mirror_start(
    config: SearchConfig,
    x: FloatArray | None,
    y: FloatArray | None,
    unit: str | None,
    units: Tensor | None = None,
    share: float = 0.75,
    names: Sequence[str] = (),
    has_classes: bool = False,
    settings: MirrorSettings | None = None,
    on_progress: StageProgress = unwatched,
) -> BlindStart:
    """Propose a group of mirror maps from a part of the rows.

    Args:
        config: The search.
        x: Inputs, shape (n, d_in), or None without finite data.
        y: Labels, shape (n, d_out), or None without finite data.
        unit: The unit that the user or the task named.
        units: The unit of each row, shape (n,), int64; none is divided. None where each row is one.
        share: Share of the rows that proposes.
        names: Names of the columns of x, for messages.
        has_classes: Whether labels are classes, of which no sign means anything.
        settings: How maps are looked for; `MIRROR_SETTINGS` where None.
        on_progress: Called with a stage, steps done, and steps in all.

    Returns:
        The proposal, with what was set aside.

    Raises:
        ConfigError: No finite data, classes, or a unit that does not commute with the signs of labels.
        InputError: Too few rows, or an input that others determine.
    """
    if x is None or y is None:
        raise ConfigError(f"{setting('signs')} looks for maps in a log; give {setting('data')}")
    if has_classes:
        raise ConfigError(
            f"{setting('signs')} looks for changes of sign, which classes have not; drop {setting('signs')}, or give "
            "labels that are numbers"
        )
    from sharefind.proposal.mirrors.mirror_finding import mirror_finding
    from sharefind.proposal.mirrors.propose_mirrors import MIRROR_SETTINGS, propose_mirrors

    proposing, rows = split_rows(len(x), config.seed, units, share)
    found = propose_mirrors(x[proposing], y[proposing], settings or MIRROR_SETTINGS, names, on_progress)
    finding = mirror_finding(found)
    turns_labels = any((g.out_signs < 0).any() for g in found.maps)
    if turns_labels and unit is not None and not is_odd_unit(unit, x.shape[1], y.shape[1]):
        raise ConfigError(
            f"the maps that were found change signs of labels, with which {unit} does not commute; drop "
            f"{setting('unit')}, or use {ODD_UNIT}"
        )
    group, (on_inputs, on_outputs), has_maps = finding.group, finding.blocks, bool(found.maps)
    return BlindStart(
        finding,
        None,
        group,
        natural(group, (on_inputs,)) if has_maps else trivial(group, x.shape[1]),
        natural(group, (on_outputs,)) if has_maps else trivial(group, y.shape[1]),
        ODD_UNIT if unit is None and turns_labels else None,
        rows,
        maps=found,
    )


def kept_columns(values: FloatArray, aside: Sequence[int]) -> FloatArray:
    """Return columns with the set-aside ones at 0, so that no test reads them.

    Args:
        values: The columns, shape (n, d).
        aside: Numbers of the columns that were set aside.
    """
    if not aside:
        return values
    kept = np.array(values)
    kept[:, list(aside)] = 0.0
    return kept
