"""`python -m sharefind` is the command `sharefind`."""

import sys

from sharefind.cli import main

if __name__ == "__main__":
    sys.exit(main())
