"""Mirror maps: the pairs (inputs, outputs) of signed permutations that a log supports."""
