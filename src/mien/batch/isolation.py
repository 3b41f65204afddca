"""What a worker does: a shard's images decoded ahead on a thread, their faces read many at a time,
videos read as videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from mien.batch.shard import Item, Shard
from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.inference.pipeline import Pipeline
from mien.media import Prefetcher
from mien.media.byte_source import ByteSource
from mien.video.analyze import kept_aside
from mien.video.runner import VideoOptions
from mien.video.sources import process_sources

_MOST_IMAGES = 64
"""Images whose faces are read together."""
_MOST_PIXELS = 6_000_000
"""Pixels of them, 18 MB as RGB; an image with more goes alone."""
_AHEAD = 2
"""Batches that lie decoded while another is read."""
_ADDRESSES_AT_ONCE = 8
"""Files that are fetched from elsewhere at a time: there it is the waiting that takes long."""


@dataclass(frozen=True)
class Standing:
    """How far a reader is with a shard.

    Args:
        at: Position of the item that is about to be decoded or read; None: none.
        items: How many items are through.
        failed: How many of these failed.
    """

    at: int | None = None
    items: int = 0
    failed: int = 0


class Heartbeat:
    """Where a reader stands, told as it goes: a crash is then known by its image.

    Args:
        tell: Called with where it stands at each step.
    """

    def __init__(self, tell: Callable[[Standing], None] = lambda _: None) -> None:
        self._tell, self._threads = tell, Lock()  # One decodes, another one reads.
        self.standing = Standing()

    def clear(self) -> None:
        """Nothing is at hand."""
        self._stands(lambda _: Standing())

    def at(self, position: int) -> None:
        """An item is about to be looked into."""
        self._stands(lambda before: replace(before, at=position))

    def through(self, items: int, failed: int) -> None:
        """So many items more are read, of which so many failed."""
        self._stands(
            lambda before: replace(before, items=before.items + items, failed=before.failed + failed)
        )

    def beat(self) -> None:
        """Work goes on."""
        self._stands(lambda before: before)

    def _stands(self, after: Callable[[Standing], Standing]) -> None:
        with self._threads:
            self.standing = after(self.standing)
            self._tell(self.standing)


@dataclass(frozen=True)
class Caution:
    """How a shard is read that has killed its reader before.

    Args:
        alone: Look at one item at a time, so that it is known which one it is.
        refused: Positions of items that are not opened at all, with the reason.
    """

    alone: bool = False
    refused: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, eq=False)
class _Decoded:
    """An item with its image, or with why there is none; neither for a video."""

    item: Item
    image: NDArray[np.uint8] | None = None
    error: MediaError | None = None

    @property
    def moves(self) -> bool:
        return self.image is None and self.error is None


class ShardReader:
    """Reads shards with networks that are opened once.

    Args:
        pipeline: Detector and classifier.
        video_options: How videos are read.
        watch: Told where the reader stands.
    """

    def __init__(
        self, pipeline: Pipeline, video_options: VideoOptions, watch: Heartbeat | None = None
    ) -> None:
        self.pipeline, self.video_options = pipeline, video_options
        self.watch = watch or Heartbeat()
        self._blank = Faces.empty(pipeline.labels)

    def read(self, shard: Shard, caution: Caution | None = None) -> Iterator[tuple[Item, FrameResult]]:
        """The items of a shard in order: one result for an image, one for each sampled frame of a
        video. None raises: what cannot be read comes out as a result with an error."""
        caution = caution or Caution()
        self.watch.clear()
        with self._batches(shard, caution) as batches:
            for batch in batches:
                failed = 0
                for decoded in batch:
                    if decoded.moves:
                        yield from self._video(decoded.item)
                        self.watch.through(1, 0)
                images = [decoded for decoded in batch if not decoded.moves]
                if caution.alone and images:
                    self.watch.at(images[0].item.position)
                for decoded, result in zip(images, self._results(images), strict=True):
                    failed += result.error is not None
                    yield decoded.item, result
                self.watch.through(len(images), failed)

    @contextmanager
    def _batches(self, shard: Shard, caution: Caution) -> Iterator[Iterator[list[_Decoded]]]:
        if caution.alone:
            yield ([decoded] for decoded in self._decoded(shard.items(), caution))
        else:
            with Prefetcher(_batched(self._decoded(shard.items(), caution)), depth=_AHEAD) as ahead:
                yield ahead

    def _decoded(self, items: Iterator[Item], caution: Caution) -> Iterator[_Decoded]:
        refused = dict(caution.refused)
        for item, opened in ((item, None) for item in items) if caution.alone else _fetched(items):
            if item.position in refused:
                yield _Decoded(item, error=MediaError(f"{item.source}: {refused[item.position]}", "crashed"))
                continue
            self.watch.at(item.position)
            yield _decode(item, opened, self.video_options)

    def _results(self, images: Sequence[_Decoded]) -> list[FrameResult]:
        """What each image shows; together, or one by one where together they fail."""
        frames = [Frame(0, 0.0, decoded.image) for decoded in images if decoded.image is not None]
        try:
            faces = iter(self.pipeline(frames))
        except Exception as error:  # One image that a network cannot digest must not take the others with it.
            if len(images) > 1:
                return [result for decoded in images for result in self._results([decoded])]
            [decoded] = images
            return [self._failed(decoded.item, _unexpected(decoded.item, error))]
        return [
            self._failed(decoded.item, decoded.error)
            if decoded.error is not None
            else FrameResult(decoded.item.source, 0, 0.0, next(faces))
            for decoded in images
        ]

    def _failed(self, item: Item, error: MediaError) -> FrameResult:
        return FrameResult(item.source, None, None, self._blank, error)

    def _video(self, item: Item) -> Iterator[tuple[Item, FrameResult]]:
        """A video, read as `mien analyze` does: people are followed, and their results smoothed."""
        self.watch.at(item.position)
        try:
            content = item.open()
            with kept_aside(self.video_options) as checkpoints:
                for source in process_sources([content], self.pipeline, self.video_options, checkpoints):
                    for frame in source.frames:
                        self.watch.beat()
                        yield item, frame.result
        except Exception as error:
            yield item, self._failed(item, _unexpected(item, error))


def _decode(item: Item, opened: ByteSource | MediaError | None, video_options: VideoOptions) -> _Decoded:
    if isinstance(opened, MediaError):
        return _Decoded(item, error=opened)
    try:
        with video_options.open(opened or item.open()) as media:
            if media.kind != "image":
                return _Decoded(item)
            frame = next(iter(media))
            return (
                _Decoded(item, frame.image) if isinstance(frame, Frame) else _Decoded(item, error=frame.error)
            )
    except Exception as error:
        return _Decoded(item, error=_unexpected(item, error))


def _unexpected(item: Item, error: Exception) -> MediaError:
    """An error of any kind as one of this item."""
    if isinstance(error, MediaError):
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    return MediaError(
        f"{item.source}: expected an image or a video that can be read; got: {reason}: get the file again",
        "unreadable",
    )


def _batched(decoded: Iterator[_Decoded]) -> Iterator[list[_Decoded]]:
    """Groups of images, fewer when they are large; a video ends the group before it."""
    batch: list[_Decoded] = []
    pixels = 0
    for one in decoded:
        own = 0 if one.image is None else one.image.shape[0] * one.image.shape[1]
        if batch and (one.moves or len(batch) == _MOST_IMAGES or pixels + own > _MOST_PIXELS):
            yield batch
            batch, pixels = [], 0
        if one.moves:
            yield [one]
        else:
            batch.append(one)
            pixels += own
    if batch:
        yield batch


def _fetched(items: Iterator[Item]) -> Iterator[tuple[Item, ByteSource | MediaError | None]]:
    """Items with their bytes where those come from elsewhere, several of them on their way at a time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_ADDRESSES_AT_ONCE) as fetchers:
        while group := list(islice(items, 4 * _ADDRESSES_AT_ONCE)):
            remote = any(item.remote for item in group)
            yield from zip(
                group, fetchers.map(_opened, group) if remote else [None] * len(group), strict=True
            )


def _opened(item: Item) -> ByteSource | MediaError | None:
    try:
        return item.open() if item.remote else None
    except MediaError as error:
        return error
