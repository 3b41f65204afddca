"""Serves a clip over RTSP at /clip: rtsp_server.py PORT CLIP [USER PASSWORD]. Says its port when it listens;
port 0: any.

For the system's Python, which has GStreamer: apt-get install gir1.2-gst-rtsp-server-1.0
gstreamer1.0-plugins-good python3-gi
"""

import sys


def serve(port: str, clip: str, *login: str) -> None:
    # Here, not above: the Python of the tests, which looks into this file too, does not have it.
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(
        f'( filesrc location="{clip}" ! qtdemux ! rtph264pay name=pay0 pt=96 config-interval=-1 )'
    )
    server.get_mount_points().add_factory("/clip", factory)
    if login:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        guard = GstRtspServer.RTSPAuth()
        guard.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
        server.set_auth(guard)
        role = Gst.Structure.new_empty("viewer")
        role.set_value("media.factory.access", True)
        role.set_value("media.factory.construct", True)
        factory.add_role_from_structure(role)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
