"""What the tests of fetching share."""

import pytest

pytest.importorskip("aiohttp", reason="fetching needs the extra `live`")
