"""What must be the same bytes whatever the workers, kills and order of inputs."""

import hashlib
from pathlib import Path

FOLDERS = ("links", "pages", "documents", "duplicates", "ledger", "shards")


def digests(data: Path, *more: str) -> dict[str, str]:
    """SHA-256 of every output of a build, by path; `more` are folders that not every build has."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (*FOLDERS, *more)
        for path in sorted((data / folder).iterdir())
    }
