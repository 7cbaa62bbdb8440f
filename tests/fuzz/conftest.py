"""Limits on memory are those of Linux; fuzzing stays there."""

import sys

collect_ignore_glob = [] if sys.platform == "linux" else ["test_kept.py", "test_hypothesis.py", "test_short.py"]
