from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.service import Service, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as it comes, without a token, on a free port."""
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running
