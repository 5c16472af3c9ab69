"""The time of day, in one place, so that a test can stand in for it."""

import datetime as dt


def now() -> dt.datetime:
    """Now, UTC, to the millisecond (what our tables hold)."""
    moment = dt.datetime.now(dt.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
