"""Statistics of samples under a group, which tests compare with their values on surrogates."""
