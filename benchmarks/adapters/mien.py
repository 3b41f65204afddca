"""mien as a subject, in a process of its own: ``python -m benchmarks.adapters.mien TASK ...``.

=============================  ==============================================================================
frames ITEMS MIN_FACE [MODEL]  every frame or image searched anew; MIN_FACE 0 leaves it to mien. ITEMS is an
                               array of frames (.npy), or a folder of images, which are then opened and decoded
                               each time they are read.
tracked FRAMES                 a session that tracks people
leaderboard FOLDER OUT MODEL   see `benchmarks.lib.answers.answer`
video PATH DETECTOR MODEL FPS  one pass over a video; prints counts of frames, faces and errors as JSON. FPS 0
                               reads every frame.
stages PATH CORE ...           two passes over a video on these cores; prints the time of the second, and the
                               processor time of each stage, as JSON
audience PATH INTERVAL SECONDS processor time of measuring the audience of a video, and of decoding the same
                               frames, as JSON
=============================  ==============================================================================
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import mien
from benchmarks.lib.answers import answer, install_bytes
from benchmarks.lib.timing import image_files, in_place, serve
from mien.core.labels import Labels
from mien.inference.config import DetectorName, PipelineConfig
from mien.inference.pipeline import Pipeline
from mien.media import Frame, Sampling, open_media
from mien.tracking.session import Session
from mien.video.runner import VideoOptions, process_frames

FPS = 30.0


def frames(items: str, min_face: str, model: str = PipelineConfig.model) -> None:
    """Time the detector and the classifier on every item by itself."""
    pipeline = Pipeline(model=model, min_face=int(min_face) or None, threads=1)

    def read(frame: NDArray[np.uint8]) -> int:
        [faces] = pipeline([frame])
        return len(faces)

    def read_image(path: str) -> int:
        with open_media(path) as media:
            frames = (frame for frame in media if isinstance(frame, Frame))
            found = (faces for frame in frames for faces in pipeline([frame]))
            return in_place(path, (box for faces in found for box in faces.boxes.tolist()))

    if Path(items).is_dir():
        serve(image_files(items), read_image, _versions(pipeline))
    else:
        serve(np.load(items), read, _versions(pipeline))


def tracked(items: str) -> None:
    """Time a session, round after round of one stream."""
    session = Session(Pipeline(threads=1))
    count = 0

    def read(image: NDArray[np.uint8]) -> int:
        nonlocal count
        [faces] = session.update([Frame(count, count / FPS, image)])
        count += 1
        return len(faces)

    serve(np.load(items), read, _versions(session.pipeline))


def leaderboard(source: str, target: str, model: str) -> None:
    """Answer for each head of a model."""
    pipeline = Pipeline(model=model, largest=True, threads=1)
    network = pipeline.classifier.network
    spec, labels = network.card.input, {head: Labels(names) for head, names in network.card.heads.items()}

    def named(crops: NDArray[np.float32]) -> dict[str, str]:
        probs = network.run({spec.name: spec.fed(crops)})
        return {head: names[int(probs[head][0].argmax())] for head, names in labels.items()}

    def classify(crop: NDArray[np.uint8]) -> dict[str, str]:
        return named(crop[None, None].astype(np.float32))

    def read(gray: NDArray[np.uint8]) -> dict[str, str | None]:
        image = np.repeat(gray[..., None], 3, axis=2)
        faces = pipeline.detector.detect([image])[0].largest()
        return (
            dict(named(pipeline.classifier.crop_faces(image, faces))) if len(faces) else dict.fromkeys(labels)
        )

    folder = Path(mien.__file__).parent
    own = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    facts = {
        "mien": mien.__version__,
        "onnxruntime": version("onnxruntime"),
        "weights_bytes": network.path.stat().st_size,
        "install_bytes": own + install_bytes("mien"),
        "weights": network.card.parameters,
        "network": f"{network.card.name} {network.card.version}, sha256 {network.card.sha256[:16]}",
    }
    answer(Path(source), Path(target), classify, read, facts)


def video(path: str, detector: str, model: str, fps: str) -> None:
    """Read a video, drop each result."""
    pipeline = Pipeline(cast(DetectorName, detector), model, threads=1)
    counts = {"frames": 0, "faces": 0, "errors": 0}
    for work in process_frames([path], pipeline, VideoOptions(Sampling(fps=float(fps) or None))):
        counts["frames"] += work.image is not None
        counts["faces"] += len(work.result.faces)
        counts["errors"] += work.result.error is not None
    print(json.dumps(counts))


def stages(path: str, *cores: str) -> None:
    """Take the time of a video and of the threads that read it."""
    os.sched_setaffinity(0, set(map(int, cores)))
    spent: dict[str, float] = {}

    def timed(name: str, method: Callable[..., Any]) -> None:
        def call(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return method(*arguments)
            finally:
                spent[name] = spent.get(name, 0.0) + time.thread_time() - began

        setattr(Session, method.__name__, call)

    pipeline = Pipeline(threads=1)
    timed("detect and track", Session.locate)
    timed("classify", Session.read)
    next(process_frames([path], pipeline))
    spent.clear()
    began, used = time.perf_counter(), time.process_time()
    count = sum(1 for _ in process_frames([path], pipeline))
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    spent["decode and the rest"] = processor - sum(spent.values())
    print(json.dumps({"frames": count, "seconds": seconds, "processor": processor, "stages": spent}))


def audience(path: str, interval: str, duration: str) -> None:
    """Measure the audience of a video up to a moment, then decode the same frames."""
    from mien.audience import AudienceOptions, measure

    every, end = float(interval), float(duration)
    pipeline = Pipeline(threads=1)
    measure(path, AudienceOptions(duration=1), pipeline=pipeline)
    before = _used()
    found = measure(path, AudienceOptions(interval=every, duration=end), pipeline=pipeline)
    measured = _used()
    with open_media(path, Sampling(interval=every)) as media:
        count = sum(1 for _ in itertools.takewhile(lambda frame: (frame.time or 0.0) < end, media))
    user, system = (measured - before).tolist()
    facts = {
        "user": user,
        "system": system,
        "decoding": float((_used() - measured).sum()),
        "seconds": found.length,
        "frames": count,
        "people": max((window.participants or 0 for window in found.windows), default=0),
    }
    print(json.dumps(facts))


def _used() -> NDArray[np.float64]:
    """Seconds of the processor so far, for the program and for the system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return np.array([usage.ru_utime, usage.ru_stime])


def _versions(pipeline: Pipeline) -> dict[str, str]:
    card = pipeline.classifier.network.card
    packages = {name: version(name) for name in ("numpy", "onnxruntime", "pillow")}
    return {**packages, "network": f"{card.name} {card.version}"}


if __name__ == "__main__":
    tasks: tuple[Callable[..., None], ...] = (frames, tracked, leaderboard, video, stages, audience)
    {task.__name__: task for task in tasks}[sys.argv[1]](*sys.argv[2:])
