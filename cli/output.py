"""Tables, JSON and progress: stdout carries data, everything else goes to stderr."""

import json
from typing import Any

import click


def print_json(document: dict[str, Any]) -> None:
    """One JSON object on stdout, keys in the order given."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
