"""Vectors among inputs and labels: where they stand, and functions of them that rotations mix among each other."""
