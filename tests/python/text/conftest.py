"""Lets tests of this folder, and the sandbox's children, import its helper modules by name."""

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)
