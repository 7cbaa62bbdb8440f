"""Clouds of particles: actions on them, projections, distances, entropy, standardised data."""
