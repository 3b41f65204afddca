"""Addresses as they are shown: no secret comes out, and cameras stay apart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mien.core.errors import MediaError, MienError
from mien.core.masking import Masks, masked, masked_text, origin, source_name
from mien.media.live import Address
from mien.rules.actions.base import SettingsError, checked
from mien.rules.actions.webhook import WebhookSettings


def given_some(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return lambda test: settings(max_examples=60, deadline=None)(given(*strategies)(test))


SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
).map(lambda text: f"Q{text}7zX")
"""Passwords with any signs; the ends are signs that stand nowhere else in the addresses below, so that a part
that comes out is seen."""
HOSTS = st.sampled_from(
    [
        "10.0.0.9",
        "10.0.0.9:554",
        "door.local",
        "door.local:8080",
        "[fe80::1]:554",
        "localhost",
        "camera",
        "camera:80",
    ]
)
NAMES = st.sampled_from(
    [
        "password",
        "pwd",
        "pass",
        "token",
        "key",
        "secret",
        "auth",
        "sig",
        "api_key",
        "access_token",
        "jwt",
        "X-Amz-Signature",
        "loginpas",
        "u",
        "p",
        "x",
    ]
)
SCHEMES = st.sampled_from(
    [
        "rtsp://",
        "rtsps://",
        "http://",
        "https://",
        "rtps://",
        "htp://",
        "mqtt://",
        "ftp://",
        "//",
        "://",
        "rtsp:///",
    ]
)
STORES = st.sampled_from(["s3://", "gs://", "sftp://", "ftp://", "abfs://", "hf://"])


def parts(secret: str) -> set[str]:
    """What must not be seen: the secret, whole or half, as it is and with percent signs."""
    half = len(secret) // 2
    shapes = {secret, secret[: max(half, 3)], secret[min(half, len(secret) - 3) :]}
    return {form for shape in shapes for form in (shape, quote(shape, safe=""))}


def check(address: str, secret: str, *, meant: bool = True) -> str:
    shown = masked(address, meant=meant)
    assert not any(part in shown for part in parts(secret)), shown
    assert masked(shown, meant=meant) == shown
    return shown


@given_some(
    SECRETS,
    SCHEMES | STORES,
    HOSTS,
    st.sampled_from(["", "admin:", "j.doe:", "admin%40home:"]),
    st.booleans(),
)
def test_what_stands_before_the_host(secret: str, scheme: str, host: str, user: str, escaped: str) -> None:
    # s3://bucket/name@10.0.0.9/1 is what lies in a bucket, and nobody can tell it from a password with a slash.
    assume(user or escaped or "/" not in secret or scheme not in ("s3://", "gs://", "abfs://", "hf://"))
    address = f"{scheme}{user}{quote(secret, safe='') if escaped else secret}@{host}/stream/1"
    shown = check(address, secret)
    if escaped:
        assert shown == f"{scheme}***@{host}/stream/1"
    assume(": " not in secret)
    text = f"stopped: {address}: lost"
    assert not any(part in masked_text(text) for part in parts(secret)), masked_text(text)
    assert not any(part in str(MediaError(text)) for part in parts(secret))


@given_some(
    SECRETS,
    SCHEMES,
    HOSTS,
    NAMES,
    st.sampled_from(["?", "?channel=1&", ";", ";a=b;", "/", "?%26"]),
    st.booleans(),
)
def test_what_stands_in_query_and_parameters(
    secret: str, scheme: str, host: str, name: str, mark: str, escaped: str
) -> None:
    value = quote_plus(secret) if escaped else secret
    shown = check(f"{scheme}{host}/cgi/1{mark}user=admin&{name}={value}", secret)
    if escaped:
        assert shown.startswith(f"{scheme}{host}/cgi/1")


@given_some(SECRETS, HOSTS, NAMES)
def test_names_with_percent_signs_and_those_in_the_path(secret: str, host: str, name: str) -> None:
    coded = "".join(f"%{ord(sign):02X}" for sign in name)
    check(f"http://{host}/x?{coded}={quote(secret)}", secret)
    check(f"http://{host}/x?{quote(coded)}={quote(quote(secret))}", secret)
    check(
        f"rtsp://{host}/user=admin_{name}={quote(secret, safe='')}_channel=1_stream=0.sdp?real_stream", secret
    )
    check(f"rtsp://{host}/user=admin&{name}={quote(secret, safe='')}&channel=1&stream=0.sdp", secret)
    check(f"rtsp://{host}/user%3Dadmin%26{name}%3D{quote(secret, safe='')}", secret)


@given_some(
    SECRETS,
    HOSTS,
    st.sampled_from(
        ["token", "key", "password", "hooks/T000/B000", "api/webhooks/17", "services/T0/B0", "access_token"]
    ),
)
def test_what_follows_a_word_that_tells(secret: str, host: str, word: str) -> None:
    check(f"https://{host}/{word}/{quote(secret, safe='')}", secret)
    check(f"https://{host}/x#{secret.replace('@', '')}", secret)
    assert not any(part in origin(f"https://{host}/any/{quote(secret, safe='')}") for part in parts(secret))


@given_some(
    SECRETS, HOSTS, st.sampled_from(["", "rtsp:", "rtsp:/", "rtsp//", "http:", "rtsp;//", "rtsp:\\\\"])
)
def test_mistyped_schemes(secret: str, host: str, scheme: str) -> None:
    text = f"{scheme}admin:{secret}@{host}/stream"
    check(text, secret)
    check(text, secret, meant=False)
    with pytest.raises(MienError) as refused:
        Address.parse(text)
    assert not any(part in str(refused.value) for part in parts(secret))


@given_some(SECRETS, HOSTS)
def test_tokens_without_a_scheme(secret: str, host: str) -> None:
    assume(":" not in secret)
    assert check(f"{quote(secret, safe='')}@{host}/stream", secret) == f"***@{host}/stream"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://10.0.0.9/videostream.cgi?user=admin&pwd=SECRET", "http://10.0.0.9/videostream.cgi?***"),
        (
            "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0&user=a&password=S",
            "rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0&***",
        ),
        (
            "rtsp://admin:pa/ss@10.0.0.5:554/Streaming/Channels/101",
            "rtsp://***@10.0.0.5:554/Streaming/Channels/101",
        ),
        ("http://10.0.0.9/snap?email=a@b.org&pwd=p@ss&channel=3", "http://10.0.0.9/snap?channel=3&***"),
        ("rtsps://10.0.0.1:7441/AbCdEf12345gHi67?enableSrtp", "rtsps://10.0.0.1:7441/AbCd***?***"),
        ("https://api.telegram.org/bot1234:SECRET/sendMessage", "https://api.telegram.org/***/sendMessage"),
        (
            "s3://bucket/label=happy/5fdd8abc12345678@2x.jpg",
            "s3://bucket/label=happy/5fdd8abc12345678@2x.jpg",
        ),
        ("s3://KEY:SEC/RET@bucket/a.jpg", "s3://***@bucket/a.jpg"),
        (r"s3://SEC\RET@10.0.0.9/a.jpg", "s3://***@10.0.0.9/a.jpg"),
        (
            "abfs://faces@account.dfs.core.windows.net/a.jpg",
            "abfs://faces@account.dfs.core.windows.net/a.jpg",
        ),
        ("abfs://secret@10.0.0.9/a.jpg", "abfs://***@10.0.0.9/a.jpg"),
        ("zip://*.jpg::https://u:SECRET@h.org/a.zip?sig=SECRET", "zip://*.jpg::https://***@h.org/a.zip?***"),
        ("https://h.org/photos/5fdd8abc12345678.jpg", "https://h.org/photos/5fdd8abc12345678.jpg"),
        (
            "http://door.local/video.mjpg?resolution=640x480&camera=front",
            "http://door.local/video.mjpg?resolution=640x480&camera=front",
        ),
        ("rtsp://camera/token/p@ss", "rtsp://***"),  # "ss" could be the host.
        ("clip.mp4", "clip.mp4"),
        ("photo@2x.png", "photo@2x.png"),
        ("C:/faces/a:b@c.png", "C:/faces/a:b@c.png"),
        ("/faces/a:b@c.png", "/faces/a:b@c.png"),
    ],
)
def test_the_rule(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert masked(shown) == shown


def test_cameras_of_one_recorder_stay_apart() -> None:
    path = "rtsp://admin:S@10.0.0.5/cam/realmonitor?channel={}&subtype=0&user=a&password=S"
    assert len({masked(path.format(channel)) for channel in range(16)}) == 16


def test_file_that_is_there_is_called_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "at:noon@home.png").touch()
    assert source_name("at:noon@home.png") == "at:noon@home.png"
    assert source_name("anna:secret@home.local/1") == "***@home.local/1"


def test_log_masks_message_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("mien.masks")
    log.addFilter(Masks())
    try:
        raise OSError(111, "refused", "rtsp://anna:SECRET@door.local/1?pwd=SECRET")
    except OSError:
        log.exception("%s is lost", "rtsp://anna:SECRET@door.local/1")
    assert "SECRET" not in caplog.text
    assert "rtsp://***@door.local/1 is lost" in caplog.text
    assert "OSError" in caplog.text


def test_advice_in_a_message_stays() -> None:
    text = "http://127.0.0.1:80/a: expected a stream; got: refused: write user:password@host, see https://h.org/docs"
    assert masked_text(text) == text
    assert (
        masked_text("Cannot open 'rtsp://a:S: E@C@h.org/1' (refused)")
        == "Cannot open 'rtsp://***@h.org/1' (refused)"
    )


def test_settings_that_are_refused_show_no_secret() -> None:
    for url in (["https://h.org/hooks/SECRET"], "https://a:SECRET@h.org", "htps://h.org/?token=SECRET"):
        with pytest.raises(SettingsError) as refused:
            checked(WebhookSettings, {"url": url})
        assert "SECRET" not in str(refused.value)
