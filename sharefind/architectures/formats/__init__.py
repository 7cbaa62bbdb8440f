"""The files that a specification is written to."""
