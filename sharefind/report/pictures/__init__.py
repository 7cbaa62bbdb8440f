"""Drawings of a run."""
