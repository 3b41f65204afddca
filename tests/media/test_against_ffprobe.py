"""Files of Debian's ffmpeg, over containers and codecs: frames, times and no word of damage. The expected
values are what ffprobe said of them.
"""

from __future__ import annotations

import itertools
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mien.media import BadFrame, open_media

pytestmark = pytest.mark.integration

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg, which writes the files, is not installed"
)

TEST = "-f lavfi -i testsrc=s=160x120:r=25:d=2"
SOUND = "-f lavfi -i sine=r=48000:d=2"
MOVING = "-f lavfi -i testsrc2=s=160x120:r=25:d=2"
STILL = "-f lavfi -i testsrc=s=160x120:r=25:d=1,tpad=stop_mode=clone:stop_duration=2"
GAPS = "-vf select=lt(t\\,1)+gte(t\\,1.6) -fps_mode vfr"

# Name, what ffmpeg is told, frames, times of the first and last one.
CASES = [
    (
        "a.mp4",
        f"{TEST} {SOUND} -map 1 -map 0 -c:v libx265 -c:a aac -x265-params log-level=none",
        50,
        0.0,
        1.96,
    ),
    (
        "a.mov",
        f"{TEST} {SOUND} -map 1 -map 0 -c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s16le",
        50,
        0.0,
        1.96,
    ),
    (
        "fragments.mp4",
        f"{TEST} {SOUND} -c:v libx264 -g 12 -bf 0 -c:a aac -movflags frag_keyframe+empty_moov",
        50,
        0.0,
        1.981,
    ),
    ("gaps.mkv", f"{TEST} {SOUND} {GAPS} -c:v libx264 -c:a flac", 35, 0.0, 1.96),
    ("gaps.ts", f"{TEST} {GAPS} -c:v libx264", 35, 0.0, 1.96),
    ("keyframes.flv", f"{TEST} {GAPS} -c:v libx264 -bf 0 -g 5 -flvflags add_keyframe_index", 35, 0.0, 1.96),
    (
        "alpha.webm",
        "-f lavfi -i testsrc=s=160x120:r=25:d=2,format=yuva420p -c:v libvpx -auto-alt-ref 0 -cpu-used 8",
        50,
        0.0,
        1.96,
    ),
    (
        "hidden8.webm",
        f"{MOVING} -c:v libvpx -b:v 100k -auto-alt-ref 1 -lag-in-frames 25 -cpu-used 5 -g 30",
        50,
        0.0,
        1.96,
    ),
    (
        "hidden9.mp4",
        f"{MOVING} -c:v libvpx-vp9 -b:v 100k -auto-alt-ref 1 -lag-in-frames 25 -cpu-used 5 -g 30",
        50,
        0.0,
        1.96,
    ),
    (
        "hidden9.mkv",
        f"{MOVING} -c:v libvpx-vp9 -b:v 100k -auto-alt-ref 1 -lag-in-frames 25 -cpu-used 5 -bsf:v vp9_superframe_split",
        50,
        0.0,
        1.96,
    ),
    (
        "interlaced.ts",
        f"{TEST} -vf tinterlace=interleave_top,fieldorder=tff -c:v mpeg2video -flags +ilme+ildct",
        25,
        0.0,
        2.0,
    ),
    ("wrap.ts", f"{TEST} {SOUND} -c:v libx264 -bf 0 -c:a mp2 -output_ts_offset 95441.7", 50, 0.01, 1.97),
    (
        "attached.mkv",
        f"{TEST} {GAPS} -c:v libx264 -attach FONT -metadata:s:t mimetype=application/x-truetype-font",
        35,
        0.0,
        1.96,
    ),
    ("packed.avi", f"{TEST} -c:v mpeg4 -bf 2 -vtag XVID", 50, 0.0, 1.96),
    ("dropped.avi", f"{TEST} {GAPS} -c:v libx264 -bf 0", 35, 0.0, 1.96),
    (
        "cfr.avi",
        f"-f lavfi -i testsrc=s=160x120:r=12.5:d=2 {SOUND} -c:v libx264 -bf 0 -c:a ac3",
        25,
        0.0,
        1.92,
    ),
    ("still.ogv", f"{STILL} -c:v libtheora", None, 0.0, None),
    ("a.wmv", f"{TEST} {SOUND} -c:v wmv2 -c:a wmav2", 50, None, None),
    ("reordered.asf", f"{TEST} -c:v libx264 -bf 3", 50, 0.0, 1.96),
    ("reordered4.asf", f"{TEST} -c:v mpeg4 -bf 2", 50, 0.0, 1.96),
    ("a.mxf", f"{TEST} {SOUND} -c:v mpeg2video -pix_fmt yuv422p -c:a pcm_s16le", 50, 0.0, 1.96),
    ("a.vob", f"{TEST} {SOUND} -map 1 -map 0 -c:v mpeg2video -bf 2 -c:a ac3", 50, None, None),
    ("a.3gp", "-f lavfi -i testsrc=s=176x144:r=25:d=2 -c:v h263", 50, 0.0, 1.96),
    (
        "a.gxf",
        "-f lavfi -i testsrc=s=720x576:r=25:d=1 -pix_fmt yuv420p -c:v mpeg2video -bf 0",
        25,
        None,
        None,
    ),
]


@needs_ffmpeg
@pytest.mark.parametrize(("name", "told", "count", "first", "last"), CASES, ids=[case[0] for case in CASES])
def test_a_whole_file(
    name: str, told: str, count: int | None, first: float | None, last: float | None, tmp_path: Path
) -> None:
    (tmp_path / "FONT").write_bytes(bytes(50_000))
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-threads",
        "1",
        *shlex.split(told.replace("\\", "\\\\")),
        name,
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with open_media(tmp_path / name) as media:
        frames = list(media)
    assert [str(frame.error) for frame in frames if isinstance(frame, BadFrame)] == []
    times = [frame.time for frame in frames if frame.time is not None]
    if count is not None:
        assert len(frames) == count
    if first is not None:
        assert times[0] == pytest.approx(first, abs=1e-3)
    if last is not None:
        assert times[-1] == pytest.approx(last, abs=1e-3)


@needs_ffmpeg
def test_steps_of_an_asf_whose_frames_come_in_another_order(tmp_path: Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", *shlex.split(f"{TEST} -c:v libx264 -bf 3"), "a.asf"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with open_media(tmp_path / "a.asf") as media:
        times = [frame.time for frame in media if frame.time is not None]
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert steps == pytest.approx([0.04] * 49, abs=1e-3)
