"""The programs of the guide run as they stand."""

import pathlib
import re

import pytest

GUIDE = next(
    (p / "docs" / "embedding.md" for p in pathlib.Path(__file__).resolve().parents if (p / "docs" / "embedding.md").exists()), None
)
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text() if GUIDE else "", re.S)


@pytest.mark.skipif(GUIDE is None, reason="the guide is not here")
def test_programs():
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        exec(compile(block, "embedding.md", "exec"), {})
