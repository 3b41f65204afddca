"""Images that are small as files and large or slow in every other way: told before, or ended in time."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.errors import MediaError
from mien.media import BadFrame, open_media
from mien.media.byte_source import ByteSource
from mien.media.decoder import Decoder, Decoders
from mien.media.images import _identify
from mien.media.limits import effort
from mien.media.pixels import to_rgb
from tests.media.slow_files import icon, many_scans, png, qoi, strips
from tests.waiting import until


def only(data: bytes, **options: object) -> np.ndarray:
    with open_media(data, **options) as media:  # type: ignore[arg-type]
        (frame,) = media
        assert not isinstance(frame, BadFrame), frame.error
        return frame.image


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_scans_of_a_jpeg_are_counted() -> None:
    assert only(many_scans(64, 80)).shape == (64, 64, 3)
    with pytest.raises(MediaError, match="expected a JPEG of at most 100 scans") as caught:
        only(many_scans(64, 120))
    assert caught.value.kind == "too_complex"
    # Cameras' small images, and parts that only look like scans, are no scans.
    plain = saved(Image.new("RGB", (64, 64)), "JPEG")
    remark = b"\xff\xfe" + (2 + 400).to_bytes(2, "big") + b"\xff\xda" * 200
    assert only(plain[:2] + remark + plain[2:]).shape == (64, 64, 3)


def test_an_icon_says_nothing_of_what_it_holds() -> None:
    with pytest.raises(MediaError, match=r"at most 1,000,000 pixels; got 1200 x 1200") as caught:
        only(icon(png(1200, 8, 0)), max_pixels=1_000_000)
    assert caught.value.kind == "too_large"
    assert only(icon(png(256, 8, 6)), max_pixels=1_000_000).shape == (256, 256, 3)


def test_tiles_larger_than_the_image_and_too_many_strips() -> None:
    with pytest.raises(MediaError, match="got 60000 x 60000"):
        only(strips(4, (60_000, 60_000)))
    with pytest.raises(MediaError, match="expected a TIFF of at most 200,000 strips"):
        only(strips(200_001))
    assert only(strips(2000)).shape == (2000, 1, 3)


def test_a_frame_of_an_animation_that_is_larger_than_the_first() -> None:
    one, two = (
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40), np.uint8)) for seed in (1, 2)
    )
    data = saved(one, "GIF", save_all=True, append_images=[two], duration=50)
    at = data.rindex(b"\x2c\0\0\0\0\x28\0\x28\0")
    grown = data[: at + 5] + (4000).to_bytes(2, "little") * 2 + data[at + 9 :]
    with open_media(grown, max_pixels=1_000_000) as media:
        given = list(media)
    first, second = given
    assert not isinstance(first, BadFrame)
    assert isinstance(second, BadFrame)
    assert second.error.kind == "too_large"


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 13, 14, 16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_gray_of_a_few_bits_in_files_of_16(bits: int, form: str) -> None:
    levels = np.arange(256).reshape(16, 16)
    values = np.round(levels / 255 * (2**bits - 1)).astype(np.uint16)
    assert np.abs(only(saved(Image.fromarray(values), form))[:, :, 0].astype(int) - levels).max() <= 1


def test_gray_of_a_few_bits_in_a_pgm_of_16() -> None:
    values = np.round(np.arange(256) / 255 * 4095).astype(">u2")
    assert (
        np.abs(
            only(b"P5 16 16 65535\n" + values.tobytes())[:, :, 0].astype(int) - np.arange(256).reshape(16, 16)
        ).max()
        <= 1
    )


def test_a_dib_is_read() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    assert np.array_equal(only(saved(image, "DIB")), np.asarray(image))


def _wide(height: int, mode: str) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (height, 900, 4), np.uint8)
    if mode == "P":
        image = Image.fromarray(noise[:, :, :3]).quantize(16)
        image.info["transparency"] = bytes(range(0, 256, 16))
        return image
    if mode == "I;16":
        return Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257)
    return Image.fromarray(noise).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16", "F"])
def test_strips_make_the_same_image(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = _wide(333, mode)
    image.getexif()[0x0112] = 6
    whole = to_rgb(image)
    monkeypatch.setattr("mien.media.pixels._STRIP", 50_000)
    assert np.array_equal(to_rgb(image), whole)
    assert whole.shape == (900, 333, 3)


def test_wide_gray_takes_no_wide_copies() -> None:
    data = png(4000, 16, 0)
    tracemalloc.start()
    only(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 16e6 * 2 + 40e6, "the image, the copy that is given, and a strip"


@pytest.mark.integration
def test_what_takes_long_is_decoded_elsewhere_and_ended() -> None:
    began = time.monotonic()
    with pytest.raises(MediaError, match=r"decoded within 0.4 s; it is not") as caught:
        only(qoi(2500), decode_seconds=0.4)
    assert caught.value.kind == "too_complex"
    assert time.monotonic() - began < 15
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (1300, 1900, 3), np.uint8))
    assert np.array_equal(only(saved(image, "JPEG2000")), np.asarray(image)), (
        "what takes long and is done in time is the same"
    )


@pytest.mark.parametrize(
    ("data", "least"),
    [
        (lambda: qoi(800), 2.0),
        (lambda: many_scans(4000, 90), 2.0),
        (lambda: saved(Image.new("L", (3000, 3000)), "JPEG2000"), 2.0),
        (lambda: b"P3 1000 1000 255\n" + b"1 " * 3_000_000, 2.0),
        (lambda: strips(150_000), 2.0),
    ],
)
def test_what_takes_long_is_known_before(data: Callable[[], bytes], least: float) -> None:
    content = ByteSource(data())
    with content.open() as file:
        image = _identify(file, content, 10**9)
        assert image is not None
        assert effort(image, content, 10**9).seconds > least


def test_a_usual_photograph_is_decoded_here() -> None:
    content = ByteSource(saved(Image.effect_noise((4000, 3000), 30).convert("RGB"), "JPEG", quality=90))
    with content.open() as file:
        image = _identify(file, content, 10**9)
        assert image is not None
        assert effort(image, content, 10**9).seconds < 2


@pytest.mark.integration
def test_a_decoder_goes_on_after_every_end() -> None:
    good = saved(Image.new("RGB", (30, 20), (9, 8, 7)), "PNG")
    with Decoders(1, 20) as decoders:
        assert decoders.decode(good, "a", 10**6).shape == (20, 30, 3)
        short = [(b"\0\1\2"[:length], "unsupported") for length in (1, 2, 3)]
        for bad, kind in (
            *short,
            (b"text", "unsupported"),
            (good[:50], "truncated"),
            (b"", "empty"),
            (png(2000, 8, 0), "too_large"),
        ):
            with pytest.raises(MediaError) as caught:
                decoders.decode(bad, "b", 10**6)
            assert caught.value.kind == kind
        with pytest.raises(MediaError, match="decoded within"):
            decoders.decode(qoi(3000), "c", 10**8, 0.3)
        assert decoders.decode(good, "a", 10**6).tolist()[0][0] == [9, 8, 7]

        def refuse(*_: int) -> None:
            raise MediaError("no", "too_large")

        with pytest.raises(MediaError, match=r"^no$"):
            decoders.decode(good, "d", 10**6, admit=refuse)
        assert decoders.decode(good, "a", 10**6).shape == (20, 30, 3)
    with pytest.raises(MediaError, match="mien is ending"):
        decoders.decode(good, "a", 10**6)


@pytest.mark.integration
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system stops no process")
@pytest.mark.parametrize("size", [30, 700], ids=["a small file", "more than a pipe holds"])
def test_a_decoder_that_somebody_stopped_is_not_waited_for(size: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)
    good = saved(Image.fromarray(noise), "PNG")
    decoder = Decoder()
    try:
        for stops_at_once in (True, False):
            assert decoder.decode(good, "a", 10**6, 20, lambda *_: None).shape == noise.shape
            assert decoder._process is not None
            stop = partial(os.kill, decoder._process.pid, signal.SIGSTOP)
            if stops_at_once:
                stop()
            with pytest.raises(MediaError, match=r"decoded within 0\.5 s"):
                decoder.decode(good, "b", 10**6, 0.5, lambda *_, stop=stop: stop())
        assert decoder.decode(good, "a", 10**6, 20, lambda *_: None).tolist() == noise.tolist()
    finally:
        decoder.close()


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_decoder_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_TOKEN", "a-token-of-the-tests-0123")
    decoder = Decoder()
    decoder.start()
    try:
        assert decoder._process is not None
        assert b"a-token" not in Path(f"/proc/{decoder._process.pid}/environ").read_bytes()
        assert {
            os.readlink(f"/proc/{decoder._process.pid}/fd/{number}").partition(":")[0] for number in (0, 1)
        } == {"pipe"}
    finally:
        decoder.close()


@pytest.mark.integration
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_a_command_that_waits_for_a_slow_image_ends_when_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "slow.pgm").write_bytes(b"P2 11000 11000 255\n" + b"1 " * 20_000_000)
    command = [sys.executable, "-m", "mien", "analyze", "slow.pgm", "-q", "--decode-seconds", "300"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        tasks = Path(f"/proc/{process.pid}/task")
        until(lambda: any(path.read_text() for path in tasks.glob("*/children")))  # What decodes it.
        time.sleep(1)
        assert process.poll() is None
        told = time.monotonic()
        process.terminate()
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 130, errors
    assert time.monotonic() - told < 60
