"""What people see of a run: tables for a terminal, pictures. Parsing of options is left to the command line.

Import the modules themselves; they are kept apart so that `sharefind groups` loads neither torch nor
matplotlib.
"""
