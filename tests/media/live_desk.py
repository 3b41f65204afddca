"""A client of an X screen, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Desk:
    """A client of a screen that shows images on it."""

    def __init__(self, display: str) -> None:
        # Here, not above: they want the library of X, which not every machine has.
        import xcffib
        import xcffib.randr
        import xcffib.xproto

        self.link: Any = xcffib.connect(display=display)
        self.root = self.link.get_setup().roots[0]

    def show(self, image: NDArray[np.uint8], x: int, y: int) -> None:
        from xcffib import xproto as x11

        height, width = image.shape[:2]
        window, pen = self.link.generate_id(), self.link.generate_id()
        place = (x, y, width, height, 0, x11.WindowClass.InputOutput, self.root.root_visual)
        self.link.core.CreateWindow(
            self.root.root_depth, window, self.root.root, *place, x11.CW.OverrideRedirect, [1]
        )
        self.link.core.MapWindow(window)
        self.link.core.CreateGC(pen, window, 0, [])
        data = np.zeros((height, width, 4), np.uint8)
        data[..., :3] = image[..., ::-1]
        for top in range(0, height, 32):
            part = data[top : top + 32]
            to = (window, pen, width, len(part), 0, top, 0, self.root.root_depth)
            self.link.core.PutImage(x11.ImageFormat.ZPixmap, *to, part.nbytes, part.tobytes())
        self.settle()

    def resize(self, width: int, height: int) -> None:
        from xcffib import randr as extension

        randr = self.link(extension.key)
        [crtc] = randr.GetScreenResources(self.root.root).reply().crtcs
        randr.SetCrtcConfig(crtc, 0, 0, 0, 0, 0, extension.Rotation.Rotate_0, 0, []).reply()
        randr.SetScreenSize(self.root.root, width, height, 80, 60)
        self.settle()

    def settle(self) -> None:
        self.link.core.GetInputFocus().reply()
