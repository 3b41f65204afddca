"""Where the pictures, clips and faces are that benchmarks read; none of them is part of the project."""

from __future__ import annotations

from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
CLIP = SHARED / "media" / "one_face.mp4"
PICTURE = SHARED / "media" / "one_face.jpg"
CROWD = SHARED / "media" / "many_faces.jpg"
NOBODY = SHARED / "media" / "no_face.mp4"
DATA = SHARED / "fer2013" / "fer2013.parquet"
