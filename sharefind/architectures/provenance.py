"""What a file of weights says of its making: the seed of the training, and the versions that computed it."""

from __future__ import annotations

import json


def origin(seed: int | None) -> dict[str, str]:
    """The entries `versions` (a JSON object) and, where a seed is known, `seed`."""
    from sharefind.search.result import versions

    known = {} if seed is None else {"seed": str(seed)}
    return {"versions": json.dumps(versions(), sort_keys=True), **known}
