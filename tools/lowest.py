"""The lowest versions that pyproject.toml admits, as constraints for pip: every `>=` becomes `==`.

    python tools/lowest.py > lowest.txt && pip install -c lowest.txt .

Needs nothing beyond Python, since it runs before anything is installed.
"""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def lowest() -> list[str]:
    """One `name==version` for each dependency of the core and of the trainer."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    pinned = []
    for requirement in asked:
        found = re.fullmatch(r"([A-Za-z0-9._-]+)>=([0-9a-z.]+)", requirement)
        if found is None:
            raise SystemExit(f"`{requirement}` in {PROJECT.name} is not NAME>=VERSION")
        pinned.append(f"{found[1]}=={found[2]}")
    return pinned


if __name__ == "__main__":
    print("\n".join(lowest()))
