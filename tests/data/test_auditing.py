"""Copies, leaks, contradictions; a new split; numbers and sheets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mien import InputError
from mien.core.drawn_face import draw_portrait
from mien.core.labels import text_colour
from mien.data import FaceDataset, audit, clean_training, split_anew, statistics
from mien.data.near_duplicates import near_copies
from mien.data.preview import preview
from tests.data.making_data import small_dataset


def smooth(n: int, seed: int = 0) -> np.ndarray:
    """Different images that are as smooth as photos are, ``(n, 48, 48)``."""
    random = np.random.default_rng(seed)
    small = [Image.fromarray(random.integers(0, 256, (5, 5), dtype=np.uint8)) for _ in range(n)]
    return np.stack([np.asarray(image.resize((48, 48), Image.Resampling.BICUBIC)) for image in small])


def changed(image: np.ndarray, how: str) -> np.ndarray:
    copy = Image.fromarray(image)
    if how == "jpeg":
        file = io.BytesIO()
        copy.save(file, "JPEG", quality=40)
        copy = Image.open(file)
    elif how == "dimmed":
        copy = copy.point(lambda value: value / 2 + 40)
    elif how == "blurred":
        copy = copy.filter(ImageFilter.GaussianBlur(1))
    elif how == "shrunk":
        copy = copy.resize((24, 24)).resize((48, 48))
    elif how == "moved":
        copy = copy.transform((48, 48), Image.Transform.AFFINE, (1, 0, 2, 0, 1, -1))
    elif how == "mirrored":
        copy = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(copy)


@pytest.mark.parametrize("how", ["jpeg", "dimmed", "blurred", "shrunk", "moved", "mirrored"])
def test_a_changed_copy_is_found_and_nothing_else(how: str) -> None:
    images = np.concatenate([smooth(30), changed(smooth(30)[4], how)[None]])
    pairs = near_copies(images)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.mirrored.tolist(), strict=True)) == [
        (4, 30, how == "mirrored")
    ]
    assert pairs.likeness[0] > 0.93


def test_faces_of_another_size_are_searched_too() -> None:
    gray = np.asarray(Image.fromarray(draw_portrait()).convert("L"))
    images = np.stack([gray, np.roll(gray, 5, axis=1), np.roll(gray, 100, axis=0)])
    pairs = near_copies(images)
    assert (0, 1) in set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(near_copies(images[:0])) == 0


def findings() -> FaceDataset:
    """0 and 1 repeat each other, 2 is in PrivateTest exactly (7), 3 nearly (8), 4 is blank, 5 no face, 0 and
    1 contradict each other.
    """
    images = smooth(10)
    images[1], images[7], images[8], images[4] = images[0], images[2], changed(images[3], "moved"), 9
    votes = np.zeros((10, 10), int)
    votes[:, 0] = 10
    votes[5] = [0] * 9 + [10]
    splits = np.array(["Training"] * 7 + ["PrivateTest"] * 3)
    return FaceDataset(images, np.array([0, 1, 2, 3, 4, 5, 6, 2, 4, 0]), votes, splits, np.arange(10))


def test_an_audit_tells_everything() -> None:
    found = audit(findings(), ["a.png: expected an image"])
    facts = found.facts()
    assert facts["unreadable"] == ["a.png: expected an image"]
    assert (facts["blank"], facts["not_a_face"], facts["distinct"]) == ([4], [5], 8)
    assert facts["exact_copies"]["between"] == {
        "Training in itself": 1,
        "PrivateTest in Training": 1,
        "PrivateTest in itself": 0,
    }
    assert facts["contradictions"] == {"groups": 1, "rows": [0, 1]}
    assert facts["leaks"] == {"training": [2], "PrivateTest": [7]}
    assert facts["near_leaks"] == {"training": [3], "PrivateTest": [8]}
    [pair] = facts["near_copies"]["list"]
    assert (pair["images"], pair["mirrored"], facts["near_copies"]["of_another_label"]) == (
        [3, 8],
        False,
        1,
    )
    assert facts["clean"] == {"also_without": [], "dropped": [2, 3, 4, 5], "training": 3}


@pytest.mark.parametrize(
    ("also", "rows"),
    [
        ((), [0, 1, 6]),
        (("repeats",), [0, 6]),
        (("contradictions",), [6]),
        (("repeats", "contradictions"), [6]),
    ],
)
def test_the_clean_set(also: tuple[str, ...], rows: list[int]) -> None:
    clean = audit(findings()).clean(also)
    assert clean.split("Training").rows.tolist() == rows
    assert clean.split("PrivateTest").rows.tolist() == [7, 8, 9]
    assert len(clean_training(clean)) == len(rows)
    with pytest.raises(InputError, match="got dust"):
        audit(findings()).clean(("dust",))


def test_copies_of_a_near_copy_leak_too() -> None:
    data = findings()
    images = data.images.copy()
    images[6] = images[3]
    again = FaceDataset(images, data.expressions, data.votes, data.splits, data.rows)
    assert audit(again).facts()["near_leaks"]["training"] == [3, 6]


def test_copies_of_another_data_set_go_out_of_training() -> None:
    """Exact, near and mirrored ones; the other's own copies and the first one's tests do not matter."""
    pictures = smooth(30)
    other = FaceDataset(pictures, np.arange(30) % 7, None, np.full(30, "PrivateTest"), np.arange(30))
    images = smooth(12, seed=1)
    images[2], images[5] = other.images[7], changed(other.images[11], "jpeg")
    images[8], images[10] = changed(other.images[3], "mirrored"), images[9]
    splits = np.array(["Training"] * 10 + ["PublicTest"] * 2)
    data = FaceDataset(images, np.arange(12) % 7, None, splits, np.arange(12))
    found = audit(data, against=other)
    assert found.elsewhere is not None
    assert np.flatnonzero(found.elsewhere.exact).tolist() == [2]
    assert np.flatnonzero(found.elsewhere.near).tolist() == [5, 8]
    assert found.facts()["against"] == {"images": 30, "exact": [2], "near": [5, 8]}
    assert np.flatnonzero(found.dropped()).tolist() == [2, 5, 8, 9]
    alone = audit(data)
    assert alone.facts()["against"] is None
    assert np.flatnonzero(alone.dropped()).tolist() == [9]
    small = FaceDataset(images[:, ::2, ::3], data.expressions, None, splits, data.rows)
    with pytest.raises(InputError, match="images of one size; got 48x48 and 16x24: bring them to one"):
        audit(data, against=small)


def test_a_new_split_is_stratified_seeded_and_does_not_leak() -> None:
    images = smooth(200)
    images[150:] = images[:50]
    data = FaceDataset(images, np.arange(200) % 50 % 7, None, np.full(200, "PrivateTest"), np.arange(200))
    one, two, other = split_anew(data, 0.8, 1), split_anew(data, 0.8, 1), split_anew(data, 0.8, 2)
    assert (one.splits == two.splits).all()
    assert (one.splits != other.splits).any()
    shares = one.split("Training").counts() / data.counts()
    assert np.abs(shares - 0.8).max() < 0.08
    assert not one.split("PublicTest").copied_from(one.split("Training")).any()
    scattered = split_anew(data, 0.8, 1, scatter=True)
    assert scattered.split("PublicTest").copied_from(scattered.split("Training")).any()
    assert np.abs(scattered.split("Training").counts() - 0.8 * data.counts()).max() <= 0.5
    for share, message in ((0, "above 0"), (1, "above 0"), (0.01, "gets none of")):
        with pytest.raises(InputError, match=message):
            split_anew(data, share, 0)


def test_statistics() -> None:
    facts = statistics(small_dataset(15))
    assert facts["splits"]["Training"]["total"] == 9
    assert facts["all"]["classes"]["angry"] == 3
    assert facts["all"]["imbalance"] == 1.5
    assert facts["splits"]["PrivateTest"]["imbalance"] is None
    assert facts["votes"]["rows"] == 15
    assert sum(part["total"] + part["dropped"] for part in facts["votes"]["majority"].values()) == 15
    assert statistics(small_dataset(votes=False))["votes"] is None


def test_a_sheet_is_seeded() -> None:
    data = small_dataset(200)
    assert (preview(data, 1) == preview(data, 1)).all()
    assert (preview(data, 1) != preview(data, 2)).any()
    assert preview(data).shape[2] == 3
    preview(data, label="Anger", split="PrivateTest")
    with pytest.raises(InputError, match="'bored'"):
        preview(data, label="bored")


def test_letters_on_a_sheet_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """White on the yellow of happy could not."""
    inks: dict[str, str] = {}

    def text(_: object, place: object, text: str, fill: str, **more: object) -> None:
        inks[text] = fill

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    data = small_dataset(30)
    preview(data)
    colours = {name: text_colour(data.labels.colour(name)) for name in data.labels}
    assert {name: inks[name] for name in colours} == colours
    assert len(set(colours.values())) == 2, "dark letters on some, light ones on others"


def test_the_real_data_set(fer2013: FaceDataset) -> None:
    data = fer2013
    # A tenth of Training and the whole of PrivateTest, so that the search for near copies stays short.
    keep = (data.splits == "PrivateTest") | ((data.splits == "Training") & (data.rows % 10 == 0))
    assert [
        int(data.split(name).copied_from(data.split("Training")).sum())
        for name in ("PublicTest", "PrivateTest")
    ] == [280, 288]
    tests = data.take((data.splits != "Training") & ~data.blank)
    assert int(data.split("Training").copied_from(tests).sum()) == 692
    found = audit(data.take(keep))
    exact, near = found.leaks & found.training, found.near_leaks & found.training
    assert not (exact & near).any()
    assert 20 < int(exact.sum()) < 60
    assert 40 < int(near.sum()) < 120
