"""A client of ``mien serve`` for Python, blocking and with ``await``; what it answers are the service's own types."""

from __future__ import annotations

from mien.client.client import AsyncClient as AsyncClient
from mien.client.client import Client as Client
from mien.client.jobs import AsyncJob as AsyncJob
from mien.client.jobs import Job as Job
from mien.client.streams import AsyncFrameStream as AsyncFrameStream
from mien.client.streams import FrameStream as FrameStream
from mien.client.streams import StreamedFrame as StreamedFrame
from mien.core.errors import ServiceError as ServiceError
from mien.core.face import Face as Face
from mien.server.schemas import Health as Health
from mien.server.schemas import Image as Image
from mien.server.schemas import Images as Images
from mien.server.schemas import ModelList as ModelList
from mien.server.schemas import VideoJob as VideoJob
