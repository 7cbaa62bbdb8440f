"""Groups with the coordinates on which they act, as points, against the listed images of their elements."""

import numpy as np
import pytest

from sharefind.errors import RepresentationError
from sharefind.groups import named_group, natural, sign, trivial
from sharefind.groups.joint_points import JointPoints


@pytest.mark.parametrize("name", ["S4", "B3", "S3xS2", "D5"])
def test_images_of_elements_are_those_of_the_representation(name):
    group = named_group(name)
    rep = natural(group) * natural(group) + sign(group) if name != "D5" else natural(group) + 2 * trivial(group)
    points = JointPoints.of([rep, natural(group)])
    for space, one in enumerate((rep, natural(group))):
        perms, signs = points.sparse(group.elements(), space)
        expected_perms, expected_signs = one.images()
        np.testing.assert_array_equal(perms, expected_perms)
        np.testing.assert_array_equal(signs, expected_signs)


def test_what_is_no_element_is_refused():
    group = named_group("C4")
    with pytest.raises(RepresentationError, match="not an element of C4"):
        JointPoints.of([natural(group)]).lifted(np.array([[1, 0, 2, 3]]))
    with pytest.raises(RepresentationError, match="signed permutations"):
        JointPoints.of([natural(named_group("R5"))])


def test_a_restriction_of_a_large_group_lists_nothing():
    group = named_group("B8")
    rep = natural(group)
    given = type(rep)(group, rep.dim, "given", rep.kind, rep.perms, rep.signs)  # without its construction
    part = named_group("B8").generators[:1]
    small = type(group)("part", group.degree, part, group.natural_blocks)
    np.testing.assert_array_equal(given.restrict(small).perms, rep.restrict(small).perms)
    np.testing.assert_array_equal(given.restrict(small).signs, rep.restrict(small).signs)
