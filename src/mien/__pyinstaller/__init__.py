"""For PyInstaller, which asks here what a frozen program needs of mien: https://pyinstaller.org/en/stable/hooks.html."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Folders of hooks, as the entry point ``pyinstaller40`` gives them.

    >>> [Path(folder).name for folder in get_hook_dirs()]
    ['__pyinstaller']
    """
    return [str(Path(__file__).parent)]
