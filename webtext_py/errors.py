"""Public exceptions: what a user can act on. Everything else is a bug."""

from webtext_py._core import DamageError, FormatError, WebTextError

__all__ = [
    "ConfigError",
    "DamageError",
    "FencedError",
    "FormatError",
    "InputError",
    "StaleError",
    "WebTextError",
]


class InputError(WebTextError):
    """An input that is missing, empty or not of the kind that was asked for.

    `hint`, where set, is the next step; the command prints it on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(InputError):
    """An option or configuration value that makes no sense, alone or with the others."""


class StaleError(InputError):
    """A result on disk that was made from other inputs or another configuration."""


class FencedError(WebTextError):
    """An attempt at a task that was given up, or whose directory another webtext has taken over."""
