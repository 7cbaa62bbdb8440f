"""Exact tests: randomisation, p-values, families of groups, closed testing, independence, diagnosis."""
