"""Several clients with tokens of their own, out of a file; and how often each of them may ask."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mien.core.errors import InputError
from mien.server.errors import APIError
from mien.server.rates import RateLimit, RequestRates
from mien.server.settings import ServerSettings
from mien.server.tokens import MOST, Tokens, read
from tests.server.service import serving, talk

ANNA, BEN = "token-of-anna-0123456789", "token-of-ben-0123456789"
DIGEST = hashlib.sha256(BEN.encode()).hexdigest()


def written(path: Path, *lines: str, mode: int = 0o600) -> Path:
    """As an editor writes it: aside, and then in its place."""
    aside = path.with_suffix(".new")
    aside.write_text("\n".join(lines) + "\n")
    aside.chmod(mode)
    return aside.replace(path)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_names_and_tokens_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "tokens", "# who may ask", "", f"anna {ANNA}", f"  ben\tsha256:{DIGEST.upper()}  "
    )
    assert [token.name for token in read(path)] == ["anna", "ben"]
    tokens = Tokens("own-token-of-the-service", path)
    names = {given: tokens.find(given) for given in (ANNA, BEN, "own-token-of-the-service", DIGEST, "", "ä")}
    assert [token and token.name for token in names.values()] == ["anna", "ben", "token", None, None, None]
    assert ANNA not in repr(tokens.find(ANNA)) + repr(vars(tokens))


def test_a_file_may_be_one_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(b"\xef\xbb\xbfanna " + ANNA.encode() + b"\r\nben " + BEN.encode() + b"\r\n")
    path.chmod(0o600)
    assert [token.name for token in read(path)] == ["anna", "ben"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], r"tokens: expected 1 to 256 lines with a name and a token; got none"),
        (["# nobody", ""], "got none"),
        (["anna"], "line 1: expected a name of letters, digits and ._-, a space, and a token"),
        ([f"anna {ANNA} more"], "line 1: expected a name"),
        ([f"an/na {ANNA}"], "line 1: expected a name"),
        (["", "anna short"], "line 2: expected a token of 16 to 256 letters"),
        (["anna sha256:1234"], "line 1: expected a token of 16 to 256 letters"),
        (
            [f"anna {ANNA}", f"anna {BEN}"],
            "line 2: expected a name and token of its own; got the name anna again",
        ),
        ([f"token {ANNA}"], "line 1: expected a name of the client's own; got token"),
        ([f"ben sha256:{DIGEST}", f"anna {BEN}"], "line 2: .* got the token of ben again"),
        ([f"a{number} {ANNA}{number}" for number in range(MOST + 1)], "got 257"),
    ],
)
def test_a_file_that_is_something_else_is_told_in_one_line(
    tmp_path: Path, lines: list[str], told: str
) -> None:
    path = written(tmp_path / "tokens", *lines)
    with pytest.raises(InputError, match=told) as error:
        Tokens(None, path)
    assert str(path) in str(error.value)
    assert not re.search(rf"\n|{ANNA}|{BEN}|{DIGEST}", str(error.value))


def test_rights_of_the_file(tmp_path: Path) -> None:
    for mode, line, told in (
        (0o644, f"anna {ANNA}", "others can read them: run chmod 600"),
        (0o640, f"anna {ANNA}", "others can read them"),
        (0o666, f"anna {ANNA}", "others can read them"),
        (0o620, f"ben sha256:{DIGEST}", "others can change them"),
    ):
        with pytest.raises(InputError, match=told):
            read(written(tmp_path / "tokens", line, mode=mode))
    assert read(written(tmp_path / "tokens", f"ben sha256:{DIGEST}", mode=0o444)), "a digest is no secret"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read(tmp_path / "nothing")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_a_file_of_tokens_is_enough_for_other_machines(tmp_path: Path) -> None:
    ServerSettings(tmp_path, host="0.0.0.0", tokens=tmp_path / "tokens")


@pytest.mark.integration
def test_a_change_holds_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "tokens", f"anna {ANNA}")

    def comes_to(client: httpx.Client, status: int, **headers: str) -> bool:
        deadline = time.monotonic() + 20
        while client.get("/v1/models", headers=headers).status_code != status:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return True

    with (
        serving(tmp_path / "service", tokens=path) as service,
        httpx.Client(base_url=service.url, timeout=60) as browser,
    ):
        client = service.client
        assert browser.post("/v1/login", json={"token": ANNA}).status_code == 204
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers=bearer(BEN)).status_code == 401
        assert talk(service, {"type": "start"}, additional_headers=bearer(ANNA))[0]["type"] == "ready"
        written(path, f"anna {ANNA}", f"ben {BEN}")
        assert comes_to(client, 200, **bearer(BEN))
        assert browser.get("/v1/models").status_code == 200
        written(path, f"ben {BEN}")
        assert comes_to(client, 401, **bearer(ANNA))
        assert browser.get("/v1/models").status_code == 401, (
            "the cookie ends with the token that it stands for"
        )
        with caplog.at_level(logging.ERROR, "uvicorn.error"):
            written(path, "nonsense")
            time.sleep(1.2)
            assert client.get("/v1/models", headers=bearer(BEN)).status_code == 200
            assert client.get("/v1/models", headers=bearer(BEN)).status_code == 200
        [told] = [record.getMessage() for record in caplog.records]
        assert re.search(r"tokens, line 1: expected a name .*; the tokens of before are kept$", told)
        metrics = client.get("/metrics", headers=bearer(BEN)).text
        assert 'mien_token_requests_total{token="anna"}' in metrics
        assert 'mien_token_requests_total{token="ben"}' in metrics
        assert not re.search(f"{ANNA}|{BEN}", metrics)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(rates: RequestRates, client: str) -> bool:
    try:
        rates.take(client)
    except APIError:
        return False
    return True


def test_rates_fill_up_with_time() -> None:
    clock = Clock()
    rates = RequestRates(RateLimit(0.5, burst=3), clock)
    assert [taken(rates, "anna") for _ in range(5)] == [True] * 3 + [False] * 2
    assert taken(rates, "ben")
    with pytest.raises(
        APIError, match=r"expected at most 0.5 requests a second, and 3 at once; got more: ask again in 2 s"
    ) as error:
        rates.take("anna")
    assert error.value.headers["Retry-After"] == "2"
    clock.now = 2
    assert [taken(rates, "anna") for _ in range(2)] == [True, False]
    clock.now = 1000
    assert [taken(rates, "anna") for _ in range(5)] == [True] * 3 + [False] * 2
    for number in range(20_000):
        rates.take(str(number))
    assert len(rates._stores) <= 4096
    for wrong in ((0, 1), (-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0), (1e-320, 1), (1, 10**400)):
        with pytest.raises(InputError, match="expected more than 0 requests a second"):
            RateLimit(*wrong)


def hammered(ask: Callable[[], httpx.Response], count: int = 8) -> list[int]:
    answers = [ask() for _ in range(count)]
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["kind"] == "rate_limited"
    return [answer.status_code for answer in answers]


@pytest.mark.integration
def test_each_token_has_a_rate_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path / "tokens", f"anna {ANNA}", f"ben {BEN}")
    with serving(tmp_path / "service", tokens=path, rate_limit=RateLimit(0.01, 4)) as service:
        client = service.client
        assert hammered(lambda: client.get("/v1/models", headers=bearer(ANNA))) == [200] * 4 + [429] * 4
        assert hammered(lambda: client.get("/v1/models", headers=bearer(BEN)), 2) == [200] * 2
        assert hammered(lambda: client.get("/v1/models", headers=bearer("x" * 20))) == [401] * 4 + [429] * 4
        assert client.post("/v1/login", json={"token": ANNA}).status_code == 429, (
            "guesses are counted by address"
        )
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 200


@pytest.mark.integration
def test_without_tokens_each_address_has_one(tmp_path: Path) -> None:
    with serving(tmp_path / "service", rate_limit=RateLimit(0.01, 3)) as service:
        assert hammered(lambda: service.client.get("/v1/models"), 5) == [200] * 3 + [429] * 2
        other = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(base_url=service.url, transport=other) as client:
            assert client.get("/v1/models").status_code == 200
