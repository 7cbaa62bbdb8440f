"""Listed groups: images of inputs and averages of moments, by matrices and by permutations with signs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sharefind.groups import Representation, named_group, natural, sign
from sharefind.inference.tied_kernels import ListedGroup

REPS: dict[str, Representation] = {
    "permuted": natural(named_group("S3")),
    "with signs": natural(named_group("D4")) * sign(named_group("D4")),
    "by one coordinate": sign(named_group("S3")),
}


@pytest.mark.parametrize("turned", [False, True], ids=["signed permutations", "other matrices"])
@pytest.mark.parametrize("name", REPS)
def test_images_and_averages_by_their_definitions(name: str, turned: bool) -> None:
    on_x = torch.from_numpy(REPS[name].float_matrices()).double()
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(4, on_x.shape[1])))
    moment = torch.from_numpy(rng.normal(size=on_x.shape[1:]))
    if turned:
        frame = torch.linalg.qr(torch.from_numpy(rng.normal(size=on_x.shape[1:])))[0]
        on_x = frame @ on_x @ frame.t()
    group = ListedGroup(on_x, on_x)
    images = torch.einsum("gab,nb->gna", on_x, x)
    torch.testing.assert_close(torch.stack(list(group.images(x))), images, rtol=0, atol=1e-12)
    expected = torch.stack([g @ moment @ g.t() for g in on_x]).mean(0)
    torch.testing.assert_close(group.averaged(moment), expected, rtol=0, atol=1e-12)
    between = ((x[:, None] - images[:, None]) ** 2).sum(3)
    torch.testing.assert_close(torch.cat(list(group.distances(x))), between, rtol=0, atol=1e-12)
    torch.testing.assert_close(group.orbit_distances(x), between.amin(0).sqrt(), rtol=0, atol=1e-6)
