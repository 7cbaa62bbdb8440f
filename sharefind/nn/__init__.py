"""Layers with shared parameters for torch, built from a specification."""
