"""Fixtures that every test may use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[2]

# A busy machine is no failure: what takes how long is measured in `benches/`.
settings.register_profile("any_time", deadline=None)
settings.load_profile("any_time")

# A shell's background jobs ignore Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--snapshot-update`: write `tests/snapshots/` anew instead of comparing with it."""
    parser.addoption("--snapshot-update", action="store_true", help="write tests/snapshots/ anew")


@pytest.fixture
def workers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local engine tries nothing in this process: its workers do every step of two tasks."""
    monkeypatch.setattr("webtext_py.engine.local.TRY_BYTES", -1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; skips where it is absent.

    With `WEBTEXT_REQUIRE_SHARED_DATA` set, as in CI, its absence is a failure.
    """
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("WEBTEXT_REQUIRE_SHARED_DATA"):
            pytest.fail("the real test data (../shared/data) is required here and is not there")
        pytest.skip("the real test data (../shared/data) is not on this machine")
    return folder
