"""Parts of a tying space whose vectors vanish outside of some of its classes: fewer numbers, and as equivariant."""

from __future__ import annotations

import numpy as np

from sharefind.errors import SpaceError
from sharefind.spaces.subspace import Subspace
from sharefind.typing import AnyIntArray


def supported(space: Subspace, entries: AnyIntArray) -> Subspace:
    """Return the vectors of a tying space that vanish at every entry that is not tied to a given one.

    Args:
        space: The space.
        entries: Entries, one or more of each class that is kept, shape (k,).

    Raises:
        SpaceError: The space is no tying space, or an entry is outside of it.
    """
    labels = space.tying
    if labels is None:
        raise SpaceError("windows are for layers whose numbers are tied one to another; this space has other bases")
    if len(entries) == 0:
        return Subspace.zero(space.ambient)
    if int(entries.min()) < 0 or int(entries.max()) >= space.ambient:
        raise SpaceError(f"a window has an entry outside of the {space.ambient} of its layer; export it again")
    is_kept = np.zeros(space.dim + 1, dtype=bool)
    is_kept[np.abs(labels[entries])] = True
    is_kept[0] = False
    return Subspace.from_tying(np.where(is_kept[np.abs(labels)], labels, 0))
