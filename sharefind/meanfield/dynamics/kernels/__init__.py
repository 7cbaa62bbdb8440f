"""Trainings compiled by numba, one file a kind of units; `stepping` chooses among them and plain torch."""
