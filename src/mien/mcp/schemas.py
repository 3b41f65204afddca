"""What the tools take and answer: the types behind their JSON schemas. Names are those of rows and tables of people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.core.labels import NOTICE

_Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="On this machine, inside the folders that the server was started with; absolute, or relative to one of them.",
    ),
]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReadImage(_Arguments):
    """Arguments of `read_image`."""

    path: _Path
    with_image: bool = Field(
        False, description="Return also the image, at most 1024 px long, with a box around each face."
    )


class ReadFolder(_Arguments):
    """Arguments of `read_folder`."""

    path: _Path
    limit: int = Field(100, ge=1, le=500, description="Most images to read in this call.")
    offset: int = Field(
        0, ge=0, description="How many images to leave out first: next_offset of the last answer."
    )


class ReadVideo(_Arguments):
    """Arguments of `read_video`."""

    path: _Path
    fps: float = Field(
        5.0, ge=0.1, le=60, description="Frames to look at for each second of the video, at most."
    )
    start: float = Field(
        0.0, ge=0, description="Seconds from which on it is read: next_start of the last answer."
    )
    end: float | None = Field(None, gt=0, description="Seconds up to which it is read; by default its end.")


class _ToolAnswer(BaseModel):
    notice: str = Field(NOTICE, description="What the results are, and what not.")
    model: str = Field(description="The network that classified the expressions.")
    path: str = Field(description="As asked for.")


class FaceInImage(BaseModel):
    """One face."""

    box: tuple[int, int, int, int] = Field(description="x1, y1, x2, y2 in px.")
    detection_score: float = Field(description="How sure the detector is that this is a face, 0 to 1.")
    label: str | None = Field(description="The expression that the face shows.")
    label_confidence: float | None = Field(description="Its probability, 0 to 1.")
    probs: dict[str, float] = Field(description="Probability of each expression.")
    valence: float | None = Field(description="How pleasant the expression is, -1 to 1.")
    expressiveness: float | None = Field(description="1 less the probability of neutral.")


class ImageFaces(_ToolAnswer):
    """What `read_image` answers."""

    status: Literal["face", "no_face"]
    width: int = Field(description="px, upright.")
    height: int
    faces: list[FaceInImage] = Field(description="Best first; 100 at most.")
    faces_left_out: int = Field(0, description="How many more there are.")


class ImageOfFolder(BaseModel):
    """One image of a folder."""

    path: str
    status: Literal["face", "no_face", "error"]
    labels: list[str] = Field([], description="The expression of each face; 20 at most.")
    error: str | None = Field(None, description="Why it could not be read.")


class FolderSummary(_ToolAnswer):
    """What `read_folder` answers."""

    images: int = Field(description="Images in the folder and the folders inside it.")
    read: int = Field(description="Images that were read in this call.")
    failed: int = Field(description="Images of this call that could not be read.")
    with_face: int = Field(description="Images of this call with a face.")
    faces: int = Field(description="Faces in the images of this call.")
    labels: dict[str, int] = Field(description="How many faces show each expression.")
    files: list[ImageOfFolder] = Field(description="The images of this call.")
    next_offset: int | None = Field(
        description="Where the next call goes on, with offset; null: all images were read."
    )
    videos: list[str] = Field(description="Videos in the folder, for read_video; 50 at most.")


class PersonInVideo(BaseModel):
    """One person whom the tracker followed."""

    track: int = Field(description="Number of the person in this answer; it is not known who it is.")
    first: float = Field(description="Seconds at which they were first seen.")
    end: float = Field(description="Seconds at which they were last seen.")
    seconds: float = Field(description="For how long they were in view.")
    mostly: str = Field(description="The expression shown for the longest time.")
    shares: dict[str, float] = Field(description="Share of that time in which each expression was shown.")
    valence: float | None = Field(description="Mean of how pleasant the expression is, -1 to 1.")
    expressiveness: float | None = Field(description="Mean of 1 less the probability of neutral.")


class StretchOfVideo(BaseModel):
    """A stretch in which one person shows one expression."""

    start: float = Field(description="Seconds.")
    end: float
    track: int
    label: str


class VideoSummary(_ToolAnswer):
    """What `read_video` answers."""

    duration: float | None = Field(description="Seconds of the whole video, where the file tells.")
    start: float = Field(description="Seconds of the first frame that was read.")
    end: float = Field(description="Seconds up to which it was read.")
    next_start: float | None = Field(
        description="Where the next call goes on, with start, as the time for one call was over; null: all that was asked for was read."
    )
    frames: int = Field(description="Frames that were read.")
    frames_with_face: int
    most_faces: int = Field(description="Most faces in one frame.")
    people: list[PersonInVideo] = Field(description="Who was in view longest first; 20 at most.")
    people_left_out: int = Field(0, description="How many more there are.")
    stretches: list[StretchOfVideo] = Field(description="The 50 longest, in order of time.")
    stretches_left_out: int = Field(0, description="How many shorter ones there are.")
    failures: list[str] = Field([], description="What could not be read; 5 at most.")
