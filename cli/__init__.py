"""The command line. Parsing and printing only; the work is done by the packages below."""

from sharefind.cli.app import main

__all__ = ["main"]
