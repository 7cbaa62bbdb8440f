"""Exact arithmetic: algebraic numbers and sparse matrices of them."""
