"""Continuous symmetry: the Lie algebra of a relation, finite subgroups of rotations."""
