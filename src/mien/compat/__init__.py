"""Doors with the shapes of other packages, so that a script moves over by changing its import.

`mien.compat.fer`, `mien.compat.deepface` and `mien.compat.rmn` take what those packages take (arrays are BGR,
as OpenCV reads them) and give what they give; what differs is on the page ``docs/moving.md``. Nothing of
those packages is needed or used.

mien describes a facial expression, not an emotion that a person feels.
"""
