"""Whatever holds an image in Python is read, and to the same answer; what cannot be is refused in one line."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from mien import Frame, InputError, MediaError, MienError, Pipeline, analyze
from mien.media import find_sources, open_media
from mien.media.source import read_image


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Iterator[Path]:
    """A home with a picture in it, which is the working folder."""
    folder = tmp_path_factory.mktemp("home")
    Image.fromarray(portrait).save(folder / "face.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("USERPROFILE", str(folder))
        patch.chdir(folder)
        yield folder


def forms(path: Path, image: np.ndarray) -> dict[str, Any]:
    """One image in all forms, in RGB."""
    data = path.read_bytes()
    locked = image.copy()
    locked.flags.writeable = False
    reversed_twice = np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1]
    padded = np.zeros((image.shape[0], image.shape[1] + 7, 3), np.uint8)
    padded[:, :-7] = image
    return {
        "name": path.name,
        "text": str(path),
        "path": path,
        "home": "~/face.png",
        "pattern": "fa?e.p*",
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "stream": io.BytesIO(data),
        "Pillow": Image.fromarray(image),
        "Pillow not loaded": Image.open(io.BytesIO(data)),
        "array": image,
        "locked": locked,
        "Fortran": np.asfortranarray(image),
        "reversed": reversed_twice,
        "part of a larger one": padded[:, :-7],
        "RGBA": np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]),
    }


def test_every_form_of_an_image_gives_the_same_faces(
    home: Path, portrait: np.ndarray, pipeline: Pipeline
) -> None:
    expected = pipeline(portrait)
    assert len(expected) == 1
    for form, given in forms(home / "face.png", portrait).items():
        for faces in (pipeline(given), analyze(given, pipeline=pipeline).faces):
            assert faces.boxes.tobytes() == expected.boxes.tobytes(), form
            assert faces.probs.tobytes() == expected.probs.tobytes(), form


def test_colours_in_the_order_of_opencv(portrait: np.ndarray, pipeline: Pipeline) -> None:
    tinted = portrait.copy()
    tinted[..., 0] //= 3
    expected, bgr = pipeline(tinted), tinted[..., ::-1]
    bgra = np.dstack([bgr, np.full(bgr.shape[:2], 255, np.uint8)])
    assert pipeline(bgr).probs.tobytes() != expected.probs.tobytes()
    for image in (bgr, bgra):
        [faces] = pipeline([image], channels="bgr")
        assert faces.probs.tobytes() == expected.probs.tobytes()
        found = analyze(image, pipeline=pipeline, channels="bgr").faces
        assert found.probs.tobytes() == expected.probs.tobytes()
    # Files, Pillow's images and frames know theirs.
    for known in (Image.fromarray(tinted), Frame(0, 0.0, tinted)):
        assert pipeline(known, channels="bgr").probs.tobytes() == expected.probs.tobytes()


def test_gray_arrays(portrait: np.ndarray, pipeline: Pipeline) -> None:
    gray = np.asarray(Image.fromarray(portrait).convert("L"))
    expected = pipeline(np.dstack([gray, gray, gray]))
    for image in (gray, gray[..., None], Image.fromarray(gray)):
        assert pipeline(image).probs.tobytes() == expected.probs.tobytes()
        assert pipeline(image, channels="bgr").probs.tobytes() == expected.probs.tobytes()


RED = Image.new("RGB", (5, 3), (200, 30, 10))


def palette() -> Image.Image:
    """Red, but for a transparent corner."""
    image = Image.new("P", (5, 3), 1)
    image.putpalette([0, 0, 0, 200, 30, 10])
    image.putpixel((0, 0), 0)
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    ("image", "corner", "rest"),
    [
        (RED, (200, 30, 10), (200, 30, 10)),
        (RED.convert("RGBA"), (200, 30, 10), (200, 30, 10)),
        (Image.new("RGBA", (5, 3), (200, 30, 10, 0)), (255, 255, 255), (255, 255, 255)),
        (palette(), (255, 255, 255), (200, 30, 10)),
        (Image.new("L", (5, 3), 77), (77, 77, 77), (77, 77, 77)),
        (Image.new("LA", (5, 3), (77, 0)), (255, 255, 255), (255, 255, 255)),
        (Image.new("1", (5, 3), 1), (255, 255, 255), (255, 255, 255)),
        (Image.new("I;16", (5, 3), 65535), (255, 255, 255), (255, 255, 255)),
        (Image.new("F", (5, 3), 0.5), (128, 128, 128), (128, 128, 128)),
        (Image.new("CMYK", (5, 3), (0, 255, 255, 0)), (255, 0, 0), (255, 0, 0)),
        (Image.new("YCbCr", (5, 3), (128, 128, 128)), (128, 128, 128), (128, 128, 128)),
        (Image.new("HSV", (5, 3), (0, 255, 255)), (255, 0, 0), (255, 0, 0)),
        (Image.new("RGBa", (5, 3), (0, 0, 0, 0)), (255, 255, 255), (255, 255, 255)),
        (Image.new("RGBX", (5, 3), (200, 30, 10, 0)), (200, 30, 10), (200, 30, 10)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_modes_of_pillow(image: Image.Image, corner: tuple[int, ...], rest: tuple[int, ...]) -> None:
    pixels = read_image(image)
    assert (pixels.shape, pixels.dtype) == ((3, 5, 3), np.uint8)
    assert tuple(pixels[0, 0]) == corner
    assert (pixels[1:] == rest).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_of_pillow_stand_upright(orientation: int) -> None:
    noise = np.random.default_rng(orientation).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", exif=exif)
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image)
        assert (read_image(image) == np.asarray(upright)).all()
        assert (read_image(upright) == np.asarray(upright)).all()  # Not turned a second time.
        assert (read_image(image.copy()) == np.asarray(upright)).all()


def test_an_animation_of_pillow_is_the_frame_at_which_it_stands() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), (level, 0, 0)) for level in (0, 90, 250)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(file) as image:
        image.seek(1)
        assert read_image(image)[0, 0].tolist() == [90, 0, 0]


def test_several_come_as_they_were_given(portrait: np.ndarray, pipeline: Pipeline) -> None:
    images: list[Any] = [portrait, np.zeros((40, 50, 3), np.uint8), Image.fromarray(portrait)]
    counts = [1, 0, 1]
    ragged = np.empty(3, object)
    ragged[:] = images
    forms: list[Any] = [images, tuple(images), dict(enumerate(images)).values(), ragged]
    for several in forms:
        faces = pipeline(several)
        assert isinstance(faces, list)
        assert [len(found) for found in faces] == counts
        assert [len(video.faces) for video in analyze(several, pipeline=pipeline)] == counts
    assert [found.frames.tolist() for found in pipeline(images)] == [[0], [], [2]]


def test_iterators_are_asked_as_answers_are(portrait: np.ndarray, pipeline: Pipeline) -> None:
    asked = []

    def film() -> Iterator[np.ndarray]:
        for index in range(1000):
            asked.append(index)
            yield portrait

    found = pipeline(film())
    assert asked == []
    assert len(next(found)) == 1
    assert asked == [0]
    assert next(found).frames.tolist() == [1]


def test_analyze_holds_few_images_of_a_generator(pipeline: Pipeline) -> None:
    class Counted(np.ndarray):
        alive = most = 0

        def __del__(self) -> None:
            Counted.alive -= 1

    def film() -> Iterator[np.ndarray]:
        for _ in range(100):
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)
            yield np.zeros((30, 30, 3), np.uint8).view(Counted)

    results = analyze(film(), pipeline=pipeline)
    assert len(results) == 100
    assert Counted.most < 50


def test_an_error_in_a_generator_is_its_callers(portrait: np.ndarray, pipeline: Pipeline) -> None:
    def film() -> Iterator[np.ndarray]:
        yield portrait
        raise LookupError("the camera is off")

    with pytest.raises(LookupError, match="the camera is off"):
        analyze(film(), pipeline=pipeline)
    found = pipeline(film())
    assert len(next(found)) == 1
    with pytest.raises(LookupError, match="the camera is off"):
        next(found)
    assert len(analyze(iter([]), pipeline=pipeline)) == 0
    assert list(pipeline(iter([]))) == []


def test_many_large_images_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mien.inference.pipeline._TOGETHER", 32_000)
    Image.new("L", (120, 100)).save(tmp_path / "a.png")
    asked: list[int] = []
    small = Pipeline("whole", threads=1)
    small.detector = counting(small.detector, asked)
    assert len(small([tmp_path / "a.png"] * 7)) == 7
    assert asked == [3, 3, 1]


def counting(detector: Any, asked: list[int]) -> Any:
    class Counting:
        name = "counting"

        def detect(self, images: Any) -> Any:
            asked.append(len(images))
            return detector.detect(images)

    return Counting()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Pictures, some with odd names, and others' files."""
    names = [
        "a1.jpg",
        "a10.jpg",
        "a2.jpg",
        "[b].jpg",
        "b*.jpg",
        "c d.JPG",
        "ü/日本.png",
        "ü/deep/x.jpg",
        ".hidden.jpg",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 9)).save(tmp_path / name, "PNG")
    (tmp_path / "notes.txt").write_text("none")
    return tmp_path


def test_patterns(album: Path) -> None:
    def named(pattern: str) -> list[str]:
        return [
            Path(found).relative_to(album).as_posix()
            for found in find_sources([f"{album}/{pattern}"]).sources
        ]

    assert named("a*.jpg") == ["a1.jpg", "a2.jpg", "a10.jpg"]
    assert named("a?.jpg") == ["a1.jpg", "a2.jpg"]
    assert named("**/*.jpg") == ["[b].jpg", "a1.jpg", "a2.jpg", "a10.jpg", "b*.jpg", "ü/deep/x.jpg"]
    assert sorted(named("*/")) == ["ü/deep/x.jpg", "ü/日本.png"]
    assert (
        len(named("**")) == 9
    )  # Everything that shows, each once; notes.txt is what the pattern names, too.
    assert named("[b].jpg") == ["[b].jpg"]
    assert named("b*.jpg") == ["b*.jpg"]
    assert named("[ab]1.jpg") == ["a1.jpg"]
    assert named("none*.jpg") == ["none*.jpg"]
    assert named("c d.JPG") == ["c d.JPG"]


def test_a_pattern_that_matches_nothing(album: Path, pipeline: Pipeline) -> None:
    wanted = r"none\*\.jpg: expected a file, or files that match this pattern; there are none"
    with pytest.raises(MediaError, match=wanted) as caught:
        analyze(album / "none*.jpg", pipeline=pipeline)
    assert caught.value.kind == "missing"
    results = analyze([album / "a*.jpg", album / "none*.jpg"], pipeline=pipeline)
    assert [row["status"] for row in results.rows()] == ["no_face"] * 3 + ["error"]
    with pytest.raises(MediaError, match=r"expected one image; got 3: mien\.analyze reads many"):
        pipeline(album / "a*.jpg")
    with pytest.raises(MediaError, match="expected one image; got"):
        pipeline(album)


def test_a_home_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (9, 9)).save("~odd.png")
    assert find_sources(["~odd.png", "~nobody-of-this-name/a.png"]).sources == (
        "~odd.png",
        "~nobody-of-this-name/a.png",
    )
    assert read_image("~odd.png").shape == (9, 9, 3)


class Tensor:
    """Something of PyTorch's, as far as it is looked at."""

    __module__ = "torch"
    shape = (3, 4, 4)

    def __iter__(self) -> Iterator[Any]:
        return iter([])

    def __array__(self) -> Any:
        return np.zeros(self.shape)


class Lazy(Tensor):
    __module__ = "dask.array"


class Upload:
    """A file of a web framework, which is awaited."""

    async def read(self, size: int = -1) -> bytes:
        return b""


def closed(file: Any) -> Any:
    file.close()
    return file


def closed_image() -> Image.Image:
    file = io.BytesIO()
    RED.save(file, "PNG")
    image = Image.open(file)
    file.close()
    return image


ZEROS = np.zeros((6, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (ZEROS[:0], r"got \(0, 8, 3\): it has no pixels"),
        (ZEROS[:, :0], r"it has no pixels"),
        (ZEROS[..., :2], r"got \(6, 8, 2\)"),
        (ZEROS.transpose(2, 0, 1), r"got \(3, 6, 8\): give image.transpose\(1, 2, 0\)"),
        (np.zeros(5, np.uint8), r"got \(5,\)"),
        (ZEROS.astype(float), r"got float64: give \(image \* 255\)\.round\(\)\.astype\('uint8'\)"),
        (ZEROS - 0.5, r"give \(\(image \+ 1\) / 2 \* 255\)"),
        (ZEROS + 200.0, r"give image\.clip\(0, 255\)\.round\(\)"),
        (ZEROS * np.nan, "one without NaN and infinity"),
        (ZEROS > 0, r"got bool: give image\.astype\('uint8'\) \* 255"),
        (ZEROS.astype(np.uint16) + 999, r"got uint16: give \(image // 257\)"),
        (ZEROS.astype(int), r"got int64: give image\.clip\(0, 255\)"),
        (ZEROS.astype("U3"), "give the numbers of its pixels"),
        (Image.new("RGB", (0, 4)), "expected an image with pixels; got 0 x 4"),
        (closed_image(), "expected an image of Pillow's that loads; got RGB"),
        (io.StringIO("text"), "got one of text: open it with mode 'rb'"),
        (closed(io.BytesIO(b"abc")), "expected a file that is open; got a closed one"),
        (Upload(), "got a Upload, which is awaited: give the bytes of await its read"),
        (b"", "got an empty file"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (
            "https://anna:secret@example.com/a.jpg",
            r"https://\*\*\*@example\.com.*got an address: nothing is fetched",
        ),
        (Path("https://example.com/a.jpg"), "got an address: nothing is fetched"),
        ("file:///tmp/a.jpg", "got an address: give the path alone"),
        ("rtsp://door.local/1", "got an address.*mien watch reads streams"),
        (
            "data:image/png;base64,iVBORw0KGgo" + "A" * 10_000,
            r"got the file itself as text: give base64\.b64decode",
        ),
        (Tensor(), r"got a Tensor of torch: give \(tensor\.permute\(1, 2, 0\)"),
        (Lazy(), "got a Lazy of dask: give numpy.asarray of it"),
        (0, "got int: a camera is read live"),
        (None, "got NoneType"),
        ({"a": ZEROS}, "got dict"),
        ([[ZEROS]], "got list"),
        (object(), "got object"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_image_is_refused_in_one_line(wrong: Any, told: str, pipeline: Pipeline) -> None:
    for read in (pipeline, lambda given: analyze(given, pipeline=pipeline)):
        with pytest.raises(InputError, match=told) as caught:
            read(wrong)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
        assert "secret" not in str(caught.value)
        assert "fault" not in str(caught.value)


def test_which_one_of_several_is_told(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match=r"^image 1: expected an image of dtype uint8"):
        pipeline([ZEROS, ZEROS.astype(float)])
    with pytest.raises(MediaError, match=r"^image 2: expected"):
        pipeline([ZEROS, ZEROS, b"nothing"])
    results = analyze([ZEROS, closed_image(), b"nothing", "none.jpg"], pipeline=pipeline)
    assert [row["source"] for row in results.rows()] == ["<array>", "<image>", "<bytes>", "none.jpg"]
    assert [row["status"] for row in results.rows()] == ["no_face", "error", "error", "error"]


def test_files_only_to_write_and_pipes(tmp_path: Path, pipeline: Pipeline) -> None:
    with open(tmp_path / "a.png", "wb") as file, pytest.raises(InputError, match=r"got one to write"):
        pipeline(file)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(MediaError, match="got a pipe, socket or device"):
        pipeline(tmp_path / "pipe.png")


def test_what_moves_is_for_analyze(pipeline: Pipeline) -> None:
    file = io.BytesIO()
    frames = [Image.new("L", (30, 30), level) for level in (0, 99)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(MediaError, match=r"got a file object that stands at its end: call seek\(0\)"):
        pipeline(file)
    file.seek(0)
    with pytest.raises(MediaError, match=r"got an animation: mien\.analyze reads its frames"):
        pipeline(file)
    assert len(analyze(file, pipeline=pipeline)[0].frames) == 2


def test_limits_are_those_of_files() -> None:
    large = Image.new("1", (20_000, 7_000))
    with pytest.raises(MediaError, match="at most 128,000,000 pixels"):
        read_image(large)
    with pytest.raises(MediaError, match="at most 100 pixels"):
        open_media(Image.new("L", (11, 10)), max_pixels=100)


def test_names_of_options_that_are_nearly_right() -> None:
    for wrong, meant in (
        ({"detector": "mtccn"}, "mtcnn"),
        ({"model": "smal"}, "small"),
        ({"tta": "tencrop"}, "ten-crop"),
        ({"device": "cudaa"}, "cuda"),
    ):
        with pytest.raises(MienError, match=f"did you mean {meant}"):
            Pipeline(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="did you mean bgr"):
        analyze(ZEROS, channels="BGR")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="did you mean skip"):
        analyze(ZEROS, talking="skipp")  # type: ignore[arg-type]
    with pytest.raises(
        TypeError,
        match=r"Pipeline\(\) got an unexpected keyword argument 'min_fase': did you mean min_face\?",
    ):
        Pipeline(min_fase=30)  # type: ignore[call-arg]
    with pytest.raises(
        TypeError,
        match=r"analyze\(\) got an unexpected keyword argument 'detectors': did you mean detector\?",
    ):
        analyze(ZEROS, detectors="whole")  # type: ignore[call-arg]
