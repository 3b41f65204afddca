"""Live sources: cameras, streams from the network, the screen, videos at the pace of their clock. The
newest frame wins."""

from mien.media.live.address import Address, is_live
from mien.media.live.capture import LiveFrame, LiveOptions
from mien.media.live.source import LiveSource, State, open_live

__all__ = ["Address", "LiveFrame", "LiveOptions", "LiveSource", "State", "is_live", "open_live"]
