"""The stop words of the core are those that justext ships, the commonest of each language."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_list_is_what_its_script_makes() -> None:
    script = ROOT / "tools" / "make_stopwords.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)
    words = (ROOT / "src" / "extract" / "stopwords.txt").read_text("utf-8").splitlines()
    assert "# Copyright (c) 2011, Jan Pomikalek <jan.pomikalek@gmail.com>" in words
    assert {"the", "und", "les", "не", "που"} <= set(words)
