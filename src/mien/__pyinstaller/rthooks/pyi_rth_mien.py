"""In a frozen program ``sys.executable`` is that program: where mien starts one of its own (``python -P -m mien...``), as it
does to decode large images, this runs it instead of the program's script."""

import sys

if sys.argv[1:3] == ["-P", "-m"] and sys.argv[3].startswith("mien."):
    import runpy

    runpy.run_module(sys.argv[3], run_name="__main__", alter_sys=True)
    sys.exit()
