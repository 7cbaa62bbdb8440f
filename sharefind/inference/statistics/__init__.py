"""What is compared with surrogates: statistics of samples under a group."""
