"""Tables of OpenFace, py-feat, FaceReader and iMotions, read as rows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mien.clips.predictions import read_predictions
from mien.core.errors import InputError
from mien.core.measures import MEASURES
from mien.outputs.tables import read_videos
from mien.video.results import VideoResult
from tests.commands import run_mien


def write(folder: Path, text: str | bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path) -> VideoResult:
    [video] = read_videos(path)
    return video


def measure(video: VideoResult, name: str) -> list[float]:
    return [round(float(row[[*MEASURES].index(name)]), 3) for row in video.faces.measures]


OPENFACE = (
    "frame, face_id, timestamp, confidence, success, gaze_0_x, pose_Tx, pose_Rx, pose_Ry, pose_Rz, x_0, x_1, y_0, y_1, AU01_r, AU01_c\r\n"
    "1, 0, 0.000, 0.980, 1, 0.1, 5.0, 0.1, -0.2, 0.05, 100.5, 180.0, 50.0, 140.25, 0.3, 1\r\n"
    "2, 0, 0.033, 0.020, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\r\n"
    "3, 0, 0.067, 0.950, 1, 0.1, 5.0, 0, 0, 0, 101, 181, 51, 141, 0.3, 1\r\n"
    "3, 1, 0.067, 0.900, 1, 0.1, 5.0, 0, 0.1, 0, 301, 351, 51, 101, 0.3, 1\r\n"
)


def test_openface(tmp_path: Path) -> None:
    video = read(write(tmp_path, OPENFACE, "talk.csv"))
    assert video.source == "talk"
    assert video.frames.tolist() == [0, 1, 2]
    assert video.times.tolist() == [0.0, 0.033, 0.067]
    assert video.faces.frames.tolist() == [0, 2, 2]
    assert video.faces.tracks.tolist() == [0, 0, 1]
    assert video.faces.probs is None
    assert video.faces.boxes[0].tolist() == [100.5, 50.0, 180.0, 140.25]
    assert measure(video, "yaw") == [round(math.degrees(0.2), 3), 0.0, round(math.degrees(-0.1), 3)]
    assert measure(video, "pitch")[0] == round(math.degrees(0.1), 3)
    assert measure(video, "roll")[0] == round(math.degrees(0.05), 3)
    assert all(math.isnan(value) for value in measure(video, "smile"))
    assert "no expressions" in video.remarks[0]
    assert "no place for gaze_0_x, pose_Tx, AU01_r, AU01_c" in video.remarks[1]


def test_openface_of_images_has_neither_frames_nor_times(tmp_path: Path) -> None:
    text = "face, confidence, pose_Rx, pose_Ry, pose_Rz\n0, 0.9, 0, 0, 0\n1, 0.8, 0, 0, 0\n"
    video = read(write(tmp_path, text, "crowd.csv"))
    assert video.frames.tolist() == [0]
    assert video.faces.tracks.tolist() == [0, 1]


FEX = (
    ",FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,x_0,Pitch,Roll,Yaw,AU01,AU02,"
    "anger,disgust,fear,happiness,sadness,surprise,neutral,input,frame,approx_time\n"
)


def fex(*rows: tuple[float, str, str]) -> str:
    """Rows of a face, or of none where the first expression is empty: frame, approximate time, happiness."""
    lines = []
    for number, (frame, time, happy) in enumerate(rows):
        face = "10,20,30,40,0.99,1,2,3,4,0.5,0.5" if happy else ",,,,,,,,,,"
        probs = f"0.1,0,0,{happy},0,0,{0.9 - float(happy):.2f}" if happy else ",,,,,,"
        lines.append(f"{number},{face},{probs},videos/a.mp4,{frame},{time}")
    return FEX + "\n".join(lines) + "\n"


def test_pyfeat(tmp_path: Path) -> None:
    rows = [
        (0, "00:00", "0.8"),
        (24, "00:00", ""),
        (25, "00:01", "0.2"),
        (49, "00:01", "0.5"),
        (50, "00:02", "0.5"),
    ]
    video = read(write(tmp_path, "\ufeff" + fex(*rows), "fex.csv"))
    assert video.source == "videos/a.mp4"
    assert video.frames.tolist() == [0, 24, 25, 49, 50]
    assert video.times.tolist() == pytest.approx([0, 0.96, 1.0, 1.96, 2.0])
    assert video.faces.emotions == ["happy", "neutral", "happy", "happy"]
    assert video.faces.boxes[0].tolist() == [10, 20, 40, 60]
    assert video.faces.probs[0].tolist() == pytest.approx([0.1, 0, 0, 0.8, 0, 0, 0.1])
    assert video.faces.tracks.tolist() == [1, 1, 1, 1]
    assert any("25 frames a second fit" in remark for remark in video.remarks)
    assert any("no place for x_0, Pitch, Roll, Yaw and 2 more" in remark for remark in video.remarks)


def test_pyfeat_without_times_with_several_faces_and_images(tmp_path: Path) -> None:
    text = fex((0, "", "0.8"), (0, "", "0.2"), (1, "", "0.3"))
    video = read(write(tmp_path, text, "fex.csv"))
    assert video.times.tolist() == [0, 0.04]
    assert video.faces.tracks is None
    assert any("25 frames a second are assumed" in remark for remark in video.remarks)
    assert any("several faces" in remark for remark in video.remarks)
    images = fex((0, "", "0.8")) + fex((0, "", "0.2")).split("\n", 1)[1].replace("a.mp4", "b.jpg").replace(
        ",0,\n", ",7,\n"
    )
    first, second = read_videos(write(tmp_path, images, "images.csv"))
    assert (first.times.tolist(), second.times.tolist()) == ([0.0], [0.0])
    assert second.source == "videos/b.jpg"


def failed(time: str, word: str) -> str:
    return f"{time}" + f"\t{word}" * 10 + "\r\n"


FACEREADER = (
    "Video analysis detailed log\r\n\r\nFace Model\tGeneral\r\nCalibration\t-\r\nStart time\t6/4/2026 13:31:06.331\r\n"
    "Filename\tC:\\videos\\session.mp4\r\nFrame rate\t30.000000000\r\n\r\n"
    "Video Time\tNeutral\tHappy\tSad\tAngry\tSurprised\tScared\tDisgusted\tValence\tArousal\tY - Head Orientation\r\n"
    "00:00:00.000\t0,2000\t0,8000\t0,0000\t0,0000\t0,0000\t0,0000\t0,0000\t0,8000\t0,3000\t-1,7628\r\n"
    + failed("00:00:00.033", "FIND_FAILED")
    + failed("00:00:00.067", "FIT_FAILED")
    + "00:01:00.100\t0,5000\t0,0000\t1,0000\t0,5000\t0,0000\t0,0000\t0,0000\t-1,0000\t0,3000\t-1,7628\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_facereader(tmp_path: Path, encoding: str) -> None:
    video = read(write(tmp_path, FACEREADER.encode(encoding), "log.txt"))
    assert video.source == "session.mp4"
    assert video.times.tolist() == pytest.approx([0, 0.033, 0.067, 60.1])
    assert video.faces.frames.tolist() == [0, 3]
    assert video.faces.emotions == ["happy", "sad"]
    assert video.faces.labels.names == ("neutral", "happy", "sad", "angry", "surprise", "fear", "disgust")
    assert video.faces.probs[0].tolist() == pytest.approx([0.2, 0.8, 0, 0, 0, 0, 0])
    assert video.faces.probs[1].tolist() == pytest.approx([0.25, 0, 0.5, 0.25, 0, 0, 0]), (
        "intensities add up to 2"
    )
    assert "no place for Valence, Arousal, Y - Head Orientation" in video.remarks[0]


def test_facereader_with_contempt_and_names_of_western_windows(tmp_path: Path) -> None:
    text = FACEREADER.replace("session", "sitzung-ä").replace("Valence\tArousal", "Contempt\tArousal")
    video = read(write(tmp_path, text.replace("-1,0000", "3,0000").encode("cp1252"), "log.txt"))
    assert video.source == "sitzung-ä.mp4"
    assert video.faces.emotions[1] == "contempt"


IMOTIONS = (
    "#INFO\n#Study name,CPMR\n#Respondent Name,R3,UUID\n#Respondent Age,0\n#METADATA\n#Channel identifier,,,,Anger\n#DATA\n"
    "Row,Timestamp,EventSource,SampleNumber,EventSource,SampleNumber,Anger,Contempt,Disgust,Fear,Joy,Sadness,Surprise,Engagement,Valence\n"
    "1,0,ET,1,,,,,,,,,,,\n"
    "2,10,,,AFFDEX,1,0,0,0,0,80,0,0,60,50\n"
    "3,15,ET,2,,,,,,,,,,,\n"
    "4,50,,,AFFDEX,2,,,,,,,,,\n"
    "5,90.5,,,AFFDEX,3,0,0,0,0,0,0,0,0,0\n"
)


def test_imotions(tmp_path: Path) -> None:
    video = read(write(tmp_path, "\ufeff" + IMOTIONS, "001_R3.csv"))
    assert video.source == "R3"
    assert video.times.tolist() == pytest.approx([0.01, 0.05, 0.0905]), "eye tracking is passed over"
    assert video.faces.frames.tolist() == [0, 2]
    assert video.faces.emotions == ["happy", "neutral"]
    assert video.faces.probs[0].tolist() == pytest.approx([0, 0, 0, 0, 0.8, 0, 0, 0.2])
    assert "no place for EventSource, Engagement, Valence: left out" in video.remarks[0]


def test_imotions_of_several_respondents_in_turn(tmp_path: Path) -> None:
    text = (
        "Respondent Name\tTimestamp\tAnger\tContempt\tDisgust\tFear\tJoy\tSadness\tSurprise\tNeutral\n"
        "R1\t0\t0\t0\t0\t0\t90,5\t0\t0\t9,5\nR2\t3\t0\t0\t0\t0\t0\t70\t0\t30\nR1\t40\t50\t0\t0\t0\t0\t0\t0\t50\n"
    )
    one, two = read_videos(write(tmp_path, text, "merged.txt"))
    assert (one.source, one.times.tolist(), one.faces.emotions) == ("R1", [0.0, 0.04], ["happy", "angry"])
    assert (two.source, two.faces.emotions) == ("R2", ["sad"])
    assert one.faces.probs[0].tolist() == pytest.approx([0, 0, 0, 0, 0.905, 0, 0, 0.095])


@pytest.mark.parametrize(
    ("text", "name", "word"),
    [
        (OPENFACE.replace("0.033", "0.03x"), "a.csv", "line 3: expected a number as timestamp of OpenFace"),
        (OPENFACE.replace("3, 0, 0.067", "0, 0, 0.067"), "a.csv", "order of its frames"),
        (fex((0, "", "0.8")).replace("0.1,0,0,0.8", "0.1,0,x,0.8"), "a.csv", "line 2: expected a number as fear of py-feat"),
        (",FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,frame\n0,1,2,3,4,0\n", "a.csv", "expected the expressions of py-feat"),
        (FACEREADER.replace("00:01:00.100", "later"), "a.txt", "line 13: expected a time as Video Time of FaceReader"),
        ("Video analysis state log\n\nVideo Time\tEmotion\n00:00:01\tHappy\n", "a.txt", "expected the detailed log"),
        (IMOTIONS.replace("90.5", ""), "a.csv", "line 13: expected a time in ms as Timestamp of iMotions"),
        ("nothing\tof\tthe\tkind\n", "a.txt", "expected a table ending in"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, name: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as error:
        list(read_videos(write(tmp_path, text, name)))
    assert name in str(error.value)


def test_a_folder_of_tables_of_programs(tmp_path: Path) -> None:
    write(tmp_path, FACEREADER, "log.txt")
    write(tmp_path, IMOTIONS, "export.csv")
    write(tmp_path, "to do: nothing\n", "notes.txt")
    found = read_predictions(tmp_path)
    assert [clip.source for clip in found.clips] == ["R3", "session.mp4"]
    assert not found.problems
    assert len(found.remarks) == 2


@pytest.mark.integration
def test_score_takes_them(tmp_path: Path) -> None:
    write(tmp_path, FACEREADER, "log.txt")
    labels = write(tmp_path, "file,label\nsession.mp4,happy\n", "labels.csv")
    ran = run_mien("score", tmp_path / "log.txt", labels, "--format", "json")
    assert '"n": 1' in ran.stdout, ran.stderr
    assert "rows have no place for" in ran.stderr
