"""What the service is run with: where it listens, who may ask, how much, and the one source that it looks at
itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mien.core.errors import InputError
from mien.core.masking import origin
from mien.core.names import spelled
from mien.inference.config import PipelineConfig
from mien.media.blur import Blur
from mien.media.live import Address, LiveOptions, LiveSource, open_live
from mien.server.proxy import check_prefix, network
from mien.server.rates import RateLimit
from mien.server.tokens import check
from mien.tracking.options import Smoothing, Tracking
from mien.video.runner import VideoOptions


@dataclass(frozen=True)
class OwnSource:
    """A live source whose frames the service shows to those who look.

    Args:
        text: What it is, as `mien.media.live.open_live` takes it.
        options: How it is opened, and which frames are looked at.
        blur: Whose faces are covered before a frame leaves the service; None: nobody's.
        tell: Called with a line for people when the source is lost and when it is back, from any thread.

    Raises:
        InputError: The text names no live source.

    >>> OwnSource("rtsp://anna:secret@door.local/stream?key=7").title
    'rtsp://door.local'
    >>> OwnSource("live:/home/anna/talk.mp4").title
    'live:talk.mp4'
    """

    text: str = field(repr=False)
    options: LiveOptions = field(default_factory=LiveOptions)
    blur: Blur | None = None
    tell: Callable[[str], None] = field(default=lambda line: None, repr=False, compare=False)

    def __post_init__(self) -> None:
        Address.parse(self.text)

    @property
    def title(self) -> str:
        """What those who look are told of it: no folder, no path, nothing that opens it."""
        address = Address.parse(self.text)
        if address.kind == "file":
            return f"live:{spelled(Path(address.place).name)}"
        return origin(address.place) if address.kind in ("rtsp", "http") else address.name

    @property
    def video_options(self) -> VideoOptions:
        """How it is read. Where faces are covered, all of each frame is searched: nobody is to be seen until
        the next full look."""
        tracking = Tracking(every_frame=self.blur is not None, cuts=Address.parse(self.text).cuts)
        return VideoOptions(self.options.sampling, tracking, Smoothing())

    def open(self) -> LiveSource:
        """Open it; where it is not there at the moment, it is waited for.

        Raises:
            MienError: It can never be opened.
        """
        return open_live(self.text, replace(self.options, patient=True), self.tell)

    def check(self) -> None:
        """Open it once, so that a mistake is told to whoever starts the service.

        Raises:
            MienError: It cannot be opened.
        """
        open_live(self.text, self.options).close()

    def public(self, message: str) -> str:
        """A message about it as those who look may read it.

        >>> OwnSource("live:/home/anna/talk.mp4").public("live:/home/anna/talk.mp4: expected a file")
        'live:talk.mp4: expected a file'
        """
        address = Address.parse(self.text)
        for secret in (address.name, self.text, address.place, spelled(self.text), spelled(address.place)):
            if len(secret) > 4:
                message = message.replace(secret, self.title)
        return message


_MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """How much one client may ask for; beyond it the answer is a refusal, and nobody else notices.

    Args:
        image_bytes: Most bytes of one image.
        images: Most images of one request.
        request_bytes: Most bytes of one request with images.
        pixels: Most pixels of an image.
        video_bytes: Most bytes of a video.
        video_pixels: Most pixels of a frame of a video.
        video_seconds: Longest video.
        frame_bytes: Most bytes of a message of a stream.
        frame_pixels: Most pixels of a frame of a stream.
        held_bytes: Most bytes of images, as they were sent, that are held in memory for all requests
            together.
        decoded_bytes: Most bytes that decoding images and looking for faces in them may take for all
            requests together; others wait.
        decode_seconds: Longest time that decoding one image or frame may take.
        requests: Most requests with images at once.
        streams: Most streams at once.
        viewers: Most clients at once that look at the service's own source.
        source_side: Longest side in px of its images as they are sent.
        jobs: Most videos that wait or are read.
        job_bytes: Most bytes on disk for all videos and results together.
        job_seconds: Longest time that reading one video may take.
        connections: Most connections at once.
        head_seconds: Longest time until a request's headers, or a stream's first message, are there.
        pause_seconds: Longest time without a byte while a request is on its way, or until an answer is taken.
        slowest: Fewest bytes a second of an upload, on average.
        idle_seconds: Longest time without a message on a stream.
    """

    image_bytes: int = 25 * _MIB
    images: int = 32
    request_bytes: int = 128 * _MIB
    pixels: int = 50_000_000
    video_bytes: int = 2048 * _MIB
    video_pixels: int = 3840 * 2160
    video_seconds: float = 4 * 3600
    frame_bytes: int = 8 * _MIB
    frame_pixels: int = 2_100_000
    held_bytes: int = 128 * _MIB
    decoded_bytes: int = 512 * _MIB
    decode_seconds: float = 4
    requests: int = 64
    streams: int = 64
    viewers: int = 32
    source_side: int = 1280
    jobs: int = 16
    job_bytes: int = 32 * 1024 * _MIB
    job_seconds: float = 8 * 3600
    connections: int = 512
    head_seconds: float = 10
    pause_seconds: float = 15
    slowest: int = 10_000
    idle_seconds: float = 120


@dataclass(frozen=True)
class ServerSettings:
    """How the service runs.

    Args:
        folder: Where videos that are being read and their results lie; made when it is not there.
        host: Address to listen on.
        port: Port to listen on; 0 takes any that is free.
        token: What clients must know; a token, here or in a file, is needed wherever others than this machine can
            reach the service.
        tokens: A file of more tokens with names (`mien.server.tokens.read`).
        rate_limit: How often a client may ask: each token, and each address that gives none; None: as often as it likes.
        prefix: Path under which a proxy has the service, such as ``/mien``; empty: none.
        proxies: Addresses or networks of proxies whose ``X-Forwarded-Prefix`` and ``X-Forwarded-For`` are believed.
        names: Names, beside addresses and ``localhost``, under which the service may be asked for.
        keep: Keep uploaded videos as long as their results.
        results_seconds: How long results of videos are kept.
        session_seconds: How long the cookie of a browser that has given the token is good for; it ends with
            the service, too.
        readers: Videos that are read at the same time.
        networks: What reads; one thread for each is best, as there are several images at once.
        offered: Names of further models and detectors that clients may choose.
        limits: How much a client may ask for.
        source: A live source that the service looks at and shows to its clients; None: none, and no client
            can name one.
        photos: A folder in which rules save photos, the last of which the service shows to its clients;
            None: it shows none.

    Raises:
        InputError: The token is missing, too short or not made of letters, digits and ``-._~``; the prefix is no
            path; a proxy is no address; or a value is out of range.

    >>> ServerSettings(Path("out"), host="0.0.0.0")
    Traceback (most recent call last):
    ...
    mien.core.errors.InputError: expected a token where others can reach the service; got none for 0.0.0.0: set MIEN_TOKEN or give --tokens FILE
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    tokens: Path | None = None
    rate_limit: RateLimit | None = None
    prefix: str = ""
    proxies: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    keep: bool = False
    results_seconds: float = 24 * 3600
    session_seconds: float = 24 * 3600
    readers: int = 1
    networks: PipelineConfig = field(default_factory=lambda: PipelineConfig(threads=1))
    offered: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    source: OwnSource | None = None
    photos: Path | None = None

    def __post_init__(self) -> None:
        if self.token is None and self.tokens is None and not self.local:
            message = f"expected a token where others can reach the service; got none for {self.host}"
            raise InputError(f"{message}: set MIEN_TOKEN or give --tokens FILE")
        if self.token is not None:
            check(self.token)
        check_prefix(self.prefix)
        for proxy in self.proxies:
            network(proxy)
        if not 0 <= self.port <= 65535:
            raise InputError(f"expected a port from 0 to 65535; got {self.port}")
        if self.results_seconds <= 0 or self.readers < 1:
            raise InputError(
                f"expected results kept for more than 0 s and 1 reader or more; got {self.results_seconds} and {self.readers}"
            )
        if self.photos is not None and self.photos.exists() and not self.photos.is_dir():
            raise InputError(
                f"{self.photos}: expected the folder in which rules save photos; got a file: name a folder"
            )
        if self.session_seconds < 1:
            raise InputError(f"expected sessions of at least 1 s; got {self.session_seconds}")

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the service.

        >>> ServerSettings(Path("out"), host="::1").local
        True
        """
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
