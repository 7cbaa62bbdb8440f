"""Partitions of vectors by equality of their entries."""
