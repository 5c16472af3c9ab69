"""The ledger's words for pages that were not fetched name only options that exist."""

import re

from webtext_py.cli.commands.build import build
from webtext_py.fetch.failure import REASONS
from webtext_py.fetch.limits import Limits


def test_every_option_that_a_reason_names_exists() -> None:
    known = {name for option in build.params for name in option.opts}
    named = {name for text in REASONS.values() for name in re.findall(r"--[a-z-]+", text)}
    assert named
    assert named <= known


def test_the_longest_wait_is_the_one_that_holds() -> None:
    for reason in ("crawl_delay", "rate_limited"):
        assert f"{Limits().max_delay_s:.0f} s" in REASONS[reason]
