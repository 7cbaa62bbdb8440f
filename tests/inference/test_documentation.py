"""The example of docs/symmetry-tests.md runs and finds what the page says."""

import re
import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "symmetry-tests.md"


def test_the_example(tmp_path: Path) -> None:
    (source,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    script = tmp_path / "example.py"
    script.write_text(source, encoding="utf-8")
    found = runpy.run_path(str(script))["found"]
    assert found.maximal == ("V4:<(0 2), (1 3)>",)
    assert set(found.accepted) == {"V4:<(0 2), (1 3)>", "C2:<(0 2)>", "C2:<(1 3)>", "C2:<(0 2)(1 3)>"}
    assert "C4" in found.rejected
