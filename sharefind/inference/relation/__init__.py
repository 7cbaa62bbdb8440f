"""The relation of Y to X: why a symmetry of the two failed, and what it costs to tie a model by it."""
