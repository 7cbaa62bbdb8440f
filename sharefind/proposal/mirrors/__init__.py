"""Which pairs (inputs, outputs) of signed permutations a log speaks for: mirror maps."""
