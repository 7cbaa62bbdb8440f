"""Growth rules and stopping rules."""
