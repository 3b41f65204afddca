"""A client of ``mien serve`` for Python, blocking and with ``await``; what it answers are the service's own types."""

from __future__ import annotations

from mien.client.client import AsyncClient, Client
from mien.client.jobs import AsyncJobHandle, JobHandle
from mien.client.streams import AsyncFrameStream, FrameStream, StreamedFrame
from mien.core.errors import ServiceError
from mien.core.face import Face
from mien.server.schemas import Health, Image, Images, ModelList, VideoJob

__all__ = [
    "AsyncClient",
    "AsyncFrameStream",
    "AsyncJobHandle",
    "Client",
    "Face",
    "FrameStream",
    "Health",
    "Image",
    "Images",
    "JobHandle",
    "ModelList",
    "ServiceError",
    "StreamedFrame",
    "VideoJob",
]
