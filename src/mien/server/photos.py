"""``/v1/photos``: the last photos that rules have saved in a folder, to show them beside the booth; which
folder, is said when the service is started, and by nobody else.

Of that folder only those files are listed and sent that bear a name of the action ``photo``, and are plain
files in the folder itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as PathPart
from fastapi.responses import Response

from mien.rules.actions.photo import PHOTO_NAME
from mien.server.document import command, problems
from mien.server.errors import APIError
from mien.server.proxy import prefix
from mien.server.schemas import PhotoFile, PhotoList

_LISTED = 24
_MOST_BYTES = 64 * 2**20  # No photo of a frame is larger.
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


def photos(folder: Path | None, known: list[Any]) -> APIRouter:
    """The routes.

    Args:
        folder: Where rules save photos; None where the service shows none.
        known: Dependencies of routes for those who may use the service.
    """
    router = APIRouter(tags=["photos"])

    @router.get(
        "/v1/photos",
        dependencies=known,
        responses=problems(404),
        openapi_extra=command("", "/v1/photos"),
    )
    def list_photos(request: Request) -> PhotoList:
        """The photos that rules have saved, the newest first, 24 at most."""
        newest = sorted(_saved(_there(folder)), reverse=True)[:_LISTED]
        place = f"{prefix(request)}/v1/photos"
        return PhotoList(photos=[PhotoFile(name=name, url=f"{place}/{name}") for _, name in newest])

    @router.get(
        "/v1/photos/{name}",
        dependencies=known,
        response_class=Response,
        responses={**_JPEG, **problems(404, 422)},
        openapi_extra=command("-O", "/v1/photos/NAME"),
    )
    def read_photo(
        name: Annotated[str, PathPart(max_length=200, description="A name out of `GET /v1/photos`.")],
    ) -> Response:
        """One of these photos, a JPEG."""
        return Response(_content(_there(folder), name), media_type="image/jpeg")

    return router


def _there(folder: Path | None) -> Path:
    if folder is None:
        raise APIError(
            404,
            "expected a service that shows photos; this one shows none: start it with mien serve --photos FOLDER",
        )
    return folder


def _saved(folder: Path) -> Iterator[tuple[int, str]]:
    """When each photo was saved, and its name; none where the folder is not there yet."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if PHOTO_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_mtime_ns, entry.name
    except OSError:
        return


def _content(folder: Path, name: str) -> bytes:
    """The bytes of one photo.

    Raises:
        APIError: There is none of this name.
    """
    missing = APIError(404, "expected the name of a photo of GET /v1/photos; there is none of this name")
    if not PHOTO_NAME.fullmatch(name):
        raise missing
    try:
        # A link could lead out of the folder, and a pipe would be waited for.
        with open(folder / name, "rb", opener=_plainly) as file:
            return file.read(_MOST_BYTES)
    except OSError:
        raise missing from None


def _plainly(path: str, flags: int) -> int:
    """Open a plain file and nothing else, for `open`."""
    number = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    found = os.fstat(number)
    if stat.S_ISREG(found.st_mode) and found.st_size <= _MOST_BYTES:
        return number
    os.close(number)
    raise OSError(errno.EINVAL, "expected a plain file")
