"""Proofs that a specification is what it says, and the names of its group."""
