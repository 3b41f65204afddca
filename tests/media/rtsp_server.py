"""Serves a clip over RTSP at /clip: rtsp_server.py PORT CLIP [USER PASSWORD]. Says its port when it listens; port 0: any.

For the system's Python, which has GStreamer: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good python3-gi
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def serve(port: str, clip: str, *login: str) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(f'( filesrc location="{clip}" ! qtdemux ! rtph264pay name=pay0 pt=96 config-interval=-1 )')
    server.get_mount_points().add_factory("/clip", factory)
    if login:
        protect(server, factory, *login)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def protect(server: object, factory: object, user: str, password: str) -> None:
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    login = GstRtspServer.RTSPAuth()
    login.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(login)
    role = Gst.Structure.new_empty("viewer")
    role.set_value("media.factory.access", True)
    role.set_value("media.factory.construct", True)
    factory.add_role_from_structure(role)


if __name__ == "__main__":
    serve(*sys.argv[1:])
