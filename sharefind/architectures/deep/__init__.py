"""Deep networks on the group that a search found: hidden types, training, files, and their proof."""
