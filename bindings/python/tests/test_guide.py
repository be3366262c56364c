"""The programs of the guide run as they stand."""

import pathlib
import re

import pytest

HERE = pathlib.Path(__file__).resolve().parents
GUIDE = next((p / "docs" / "embedding.md" for p in HERE if (p / "docs" / "embedding.md").exists()), None)
PAGES = [GUIDE, GUIDE.parents[1] / "README.md"] if GUIDE else []
BLOCKS = [(page.name, block) for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)]


@pytest.mark.skipif(GUIDE is None, reason="the guide is not here")
def test_programs():
    assert {name for name, _ in BLOCKS} == {"embedding.md", "README.md"}
    for name, block in BLOCKS:
        exec(compile(block, name, "exec"), {})
