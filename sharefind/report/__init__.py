"""Presents a run to people: tables for a terminal, pictures, and a page. The command line parses the options.

Import the modules themselves. They are separate so that `sharefind groups` loads neither torch nor matplotlib.
"""
