"""No command shows a secret of an address, nor does anything that it writes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import LOG
from mien.server.settings import OwnSource
from tests.commands import run_mien

SECRET = "QXSECRETXQ"
PLACE = "127.0.0.1:9"
ADDRESSES = [
    f"rtsp://anna:{SECRET}@{PLACE}/1",
    f"rtsp://{SECRET}@{PLACE}/1",
    f"rtsp://anna:a/{SECRET}@{PLACE}/1",
    f"http://{PLACE}/video.cgi?user=admin&pwd={SECRET}",
    f"http://{PLACE}/video.mjpg;token={SECRET}#{SECRET}",
    f"rtps://anna:{SECRET}@{PLACE}/1",
    f"rtsp:/anna:{SECRET}@{PLACE}/1",
    f"//anna:{SECRET}@{PLACE}/1",
    f"anna:{SECRET}@{PLACE}/1",
    f"live:rtsp://anna:{SECRET}@{PLACE}/1",
]


def mien(folder: Path, *words: object, **environment: str) -> str:
    """All that a command says and leaves in a folder."""
    done = run_mien(*words, cwd=folder, env=environment)
    assert "Traceback" not in done.stderr
    left = "".join(
        f"{path} {path.read_text(errors='replace')}"
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("given")
    )
    return done.stdout + done.stderr + left


@pytest.mark.integration
def test_tables_and_messages_of_analyze(tmp_path: Path) -> None:
    said = mien(
        tmp_path,
        "--log",
        "log.txt",
        "analyze",
        *ADDRESSES,
        "-o",
        "rows.csv",
        "-o",
        "rows.json",
        "-o",
        "each/{name}.html",
    )
    assert "rtsp://***@127.0.0.1:9/1" in said
    assert SECRET not in said


@pytest.mark.integration
def test_rows_and_lists_of_batch(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'mien[ray]'")
    remote = [address for address in ADDRESSES if "://" in address and not address.startswith("live:")]
    (tmp_path / "given.txt").write_text(
        "\n".join([*remote, f"s3://KEY:{SECRET}@bucket/a.jpg", f"https://h.org/a.jpg?sig={SECRET}"])
    )
    said = mien(
        tmp_path,
        "batch",
        "given.txt",
        "-o",
        "out",
        "--allow-remote",
        "--format",
        "csv",
        "--detector",
        "whole",
        "--workers",
        "1",
    )
    assert "video.cgi?***" in said
    assert SECRET not in said
    for address in (remote[0], f"s3://KEY:{SECRET}@bucket/"):
        assert SECRET not in mien(tmp_path, "batch", address, "-o", "other", "--allow-remote")
        assert SECRET not in mien(tmp_path, "batch", address, "-o", "other")


def test_file_systems_that_repeat_what_they_were_given() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'mien[ray]'")
    from mien import MienError
    from mien.batch import open_input
    from mien.batch.remote import fetched

    class Talkative(fsspec.AbstractFileSystem):  # type: ignore[misc, name-defined]
        protocol = "talkative"

        def _open(self, path: str, *_: object, **__: object) -> None:
            raise FileNotFoundError(f"no bucket in {path}")

        def find(self, path: str, **_: object) -> None:
            raise FileNotFoundError(f"no bucket in {path}")

    fsspec.register_implementation("talkative", Talkative, clobber=True)
    for address, said in (
        (f"talkative://KEY:{SECRET}@bucket/a.jpg", "FileNotFoundError"),
        ("talkative://bucket/a.jpg", "no bucket in bucket"),
    ):
        for call in (fetched, lambda address: open_input(address, remote=True)):
            with pytest.raises(MienError, match=said) as refused:
                call(address)
            assert SECRET not in str(refused.value)


def test_host_that_is_the_beginning_of_a_password() -> None:
    from mien.media.live import Address

    assert Address.parse("rtsp://secret/pa@10.0.0.5/1").shown_host == "***"
    assert Address.parse("rtsp://Door.local:554/1").shown_host == "door.local"


@pytest.mark.parametrize("address", ADDRESSES)
def test_live_sources(address: str) -> None:
    from mien import MienError
    from mien.media.live import LiveOptions, open_live

    with pytest.raises(MienError) as refused:
        open_live(address, LiveOptions(retry=None, timeout=2)).close()
    assert SECRET not in str(refused.value)
    if not refused.value.args[0].startswith(("rtps", "***", "//", "rtsp:/***")):
        own = OwnSource(address)
        assert not any(
            SECRET in text
            for text in (own.title, own.public(str(refused.value)), own.public(f"{address}: lost"), repr(own))
        )


@pytest.mark.integration
def test_hooks_of_rules(tmp_path: Path, portrait: np.ndarray) -> None:
    """An image as a live source, whose event fires a webhook that nobody answers, a program and the log."""
    Image.fromarray(portrait).save(tmp_path / "given.png")
    program = "import os; open('seen.txt', 'w').write(str(dict(os.environ)))"
    (tmp_path / "given.toml").write_text(f"""
[rules.seen]
when = "faces >= 1"
do = ["web", "program"]
[actions.web]
type = "webhook"
url = "http://{PLACE}/services/{SECRET}/hook?token={SECRET}"
token_env = "HOOK"
attempts = 1
[actions.program]
type = "command"
command = [{sys.executable!r}, "-c", {program!r}]
""")
    said = mien(
        tmp_path,
        "rules",
        "run",
        "live:given.png",
        "--rules",
        "given.toml",
        "--log",
        "events.jsonl",
        HOOK=SECRET,
    )
    assert f"web: http://{PLACE}: expected" in said.replace(
        "seen (start at 0.00 s) not delivered, tried once: ", ""
    )
    assert "MIEN_RULE" in (tmp_path / "seen.txt").read_text()
    assert (tmp_path / "events.jsonl").exists()
    assert SECRET not in said


def test_log_of_faults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise RuntimeError(f"cannot open '{ADDRESSES[0]}'")
    except RuntimeError as error:
        LOG.error("unforeseen error while reading %s", ADDRESSES[3], exc_info=error)
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.integration
def test_a_log_that_cannot_be_opened_leaves_no_folder(tmp_path: Path) -> None:
    done = run_mien("--log", tmp_path / "new" / ("x" * 300), "doctor", cwd=tmp_path)
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert [*tmp_path.iterdir()] == []
