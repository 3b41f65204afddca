"""``mien serve``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.console import Console
from mien.cli.options import NetworkOptions, SourceOptions, grouped

if TYPE_CHECKING:
    from mien.server.settings import OwnSource

_SERVICE, _SOURCE, _VIDEOS = "Service", "Source", "Videos"
_NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "websockets": "websockets",
    "python_multipart": "python-multipart",
    "prometheus_client": "prometheus-client",
}


@dataclass(frozen=True)
class ServiceOptions:
    """Where the service listens, and for whom."""

    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; any but this machine's own needs a token.", rich_help_panel=_SERVICE
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        typer.Option(
            help="Port to listen on; 0 takes any that is free.", min=0, max=65535, rich_help_panel=_SERVICE
        ),
    ] = 8000
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MIEN_TOKEN",
            help="What clients must know: 16 letters and digits or more.",
            show_default=False,
            rich_help_panel=_SERVICE,
        ),
    ] = None
    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Tokens of several clients: a name and a token, or sha256: and its digest, on each line; read again when it changes.",
            show_default=False,
            rich_help_panel=_SERVICE,
        ),
    ] = None
    rate_limit: Annotated[
        float | None,
        typer.Option(
            metavar="REQUESTS",
            help="Requests a second of each token, and of each address that gives none; more are refused.",
            show_default=False,
            rich_help_panel=_SERVICE,
        ),
    ] = None
    burst: Annotated[
        int, typer.Option(help="With --rate-limit: requests at once.", min=1, rich_help_panel=_SERVICE)
    ] = 10
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A name under which the service is known, such as a proxy's; give it again for more.",
            rich_help_panel=_SERVICE,
        ),
    ] = None
    prefix: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="Path under which a proxy has the service, such as /mien.",
            show_default=False,
            rich_help_panel=_SERVICE,
        ),
    ] = ""
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address or network of a proxy whose X-Forwarded-Prefix and X-Forwarded-For are believed; give it again for more.",
            rich_help_panel=_SERVICE,
        ),
    ] = None
    offer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further model or detector that clients may choose for their request; give it again for more.",
            rich_help_panel=_SERVICE,
        ),
    ] = None
    decode_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds of a core that decoding an image or frame may take; then it is refused.",
            min=0.1,
            rich_help_panel=_SERVICE,
        ),
    ] = 4
    session_hours: Annotated[
        float,
        typer.Option(
            help="Hours for which a browser that has given the token need not give it again.",
            rich_help_panel=_SERVICE,
        ),
    ] = 24

    def settings(self) -> dict[str, Any]:
        """The same as arguments of `mien.server.settings.ServerSettings`.

        Raises:
            InputError: The rate is none.
        """
        from mien.server.rates import RateLimit
        from mien.server.settings import Limits

        return {
            "host": self.host,
            "port": self.port,
            "token": self.token,
            "tokens": self.tokens,
            "rate_limit": None if self.rate_limit is None else RateLimit(self.rate_limit, self.burst),
            "prefix": self.prefix.rstrip("/"),
            "proxies": tuple(self.trusted_proxy or ()),
            "names": tuple(self.allowed_host or ()),
            "session_seconds": 3600 * self.session_hours,
            "offered": tuple(self.offer or ()),
            "limits": Limits(decode_seconds=self.decode_seconds),
        }


@dataclass(frozen=True)
class LookingOptions:
    """A live source that the service looks at."""

    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="What the page can show beside the browser's own camera, to all who may use the service: camera:0, rtsp://..., http://..., "
            "screen: or live:VIDEO. It is open only while somebody looks.",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    blur: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="Cover faces before its frames leave the service: all, some people (2,3), or all but some (all but 1).",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None
    fps: Annotated[
        float | None,
        typer.Option(
            help="Look at no more than so many frames of it a second.",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None

    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Show the last photos that rules have saved in this folder, beside the page's photo booth, to all who may use the service.",
            show_default=False,
            rich_help_panel=_SOURCE,
        ),
    ] = None

    def own_source(self, opening: SourceOptions, notes: Console) -> OwnSource | None:
        """The source, looked at once; None where there is none.

        Raises:
            MienError: An option is impossible, or the source cannot be opened.
        """
        from mien.core.errors import InputError
        from mien.media import Sampling
        from mien.media.blur import Blur
        from mien.server.settings import OwnSource

        if self.source is None:
            if self != LookingOptions(photos=self.photos) or opening != SourceOptions():
                raise InputError(
                    "expected --source with --blur, --fps, --capture-size, --capture-fps, --timeout and --udp; got none: name a source"
                )
            return None
        covering = None if self.blur is None else Blur.parse(self.blur)
        options = opening.options(Sampling(fps=self.fps))
        own = OwnSource(self.source, options, covering, lambda line: notes.print(line, style="dim"))
        own.check()
        return own


@dataclass(frozen=True)
class KeepingOptions:
    """What is kept of videos."""

    folder: Annotated[
        Path | None,
        typer.Option(
            help="Where videos and results lie; ~/.local/state/mien by default.",
            show_default=False,
            rich_help_panel=_VIDEOS,
        ),
    ] = None
    keep_uploads: Annotated[
        bool,
        typer.Option(
            "--keep-uploads", help="Keep uploaded videos as long as their results.", rich_help_panel=_VIDEOS
        ),
    ] = False
    retention_hours: Annotated[
        float, typer.Option(help="Hours for which results are kept.", rich_help_panel=_VIDEOS)
    ] = 24


@grouped
def serve(
    service: ServiceOptions,
    looking: LookingOptions,
    opening: SourceOptions,
    keeping: KeepingOptions,
    networks: NetworkOptions,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No remarks; errors still show.")] = False,
) -> None:
    """Open a page that shows the expressions before the camera, and a service for programs.

    The page reads on the device that shows it, or here. Programs send images to /v1/images, videos to
    /v1/videos and streams to /v1/stream; /openapi.json says how. With --source the page also shows what a
    source of this machine sees. mien describes a facial expression, not an emotion that a person feels. Nothing of a camera or
    source is stored. Ends with Ctrl-C.

    Example: mien serve --source camera:0
    """
    check_packages()
    from mien.server.settings import ServerSettings

    notes = Console(stderr=True, soft_wrap=True, quiet=quiet)
    # Several images are read at once, so each network gets one thread.
    chosen = replace(networks.config(), threads=networks.threads or 1)
    settings = ServerSettings(
        _folder(keeping.folder),
        **service.settings(),
        keep=keeping.keep_uploads,
        results_seconds=3600 * keeping.retention_hours,
        networks=chosen,
        source=looking.own_source(opening, notes),
        photos=looking.photos,
    )
    from mien.server.running import run  # After the settings, whose mistakes are told at once.

    def started(address: str) -> None:
        notes.print(f"mien serves {address} (Ctrl-C ends it)")

    run(settings, started)


def _folder(given: Path | None) -> Path:
    if given is not None:
        return given
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "mien"


def check_packages() -> None:
    """See whether what the extra ``serve`` brings is there; `MissingExtraError` says what to install."""
    from mien.core.errors import MissingExtraError

    for module, package in _NEEDED.items():
        if find_spec(module) is None:
            raise MissingExtraError("The page and the service", "serve", package)
