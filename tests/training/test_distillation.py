"""Students learn from what teachers said about the very faces that they are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.commands import run_mien

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")

import torch

from mien import InputError
from mien.core.formatting import precise
from mien.data import FaceDataset, write_dataset
from mien.inference.weights import network_path
from mien.training.architectures import create_model
from mien.training.batches import Batches
from mien.training.distillation import DistillationPlan, TeacherCache, agreement, make_views
from mien.training.module import ExpressionModule
from mien.training.presets import preset
from mien.training.recipe import NO_AUGMENTATION, Distillation, Optimizer, Recipe, Split
from mien.training.run import Hardware, load_run, new_network, train
from mien.training.splits import cut
from tests.training.stripes import RECIPE, stripes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("default"),
]  # torch and Lightning warn about their own parts
CPU = Hardware(accelerator="cpu", threads=1)
TEACHER = replace(RECIPE, epochs=4, augmentation=NO_AUGMENTATION, optimizer=Optimizer("adam", rate=0.01))
STUDENT = replace(TEACHER, name="student", epochs=2, distillation=Distillation(share=0.9))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp(f"teacher{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders, start=1):
        train(stripes(), replace(TEACHER, seed=seed), folder, hardware=CPU)
    return folders


@pytest.fixture(scope="module")
def views(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> TeacherCache:
    return make_views(runs, stripes(), tmp_path_factory.mktemp("views"), DistillationPlan(count=3))


def test_view_0_is_the_image_and_the_answer_is_the_teachers_geometric_mean(
    runs: list[Path], views: TeacherCache
) -> None:
    images = cut(stripes(), RECIPE).training
    places = np.arange(10)
    faces, said = views.batch(np.zeros(10, int), places)
    np.testing.assert_array_equal(faces[:, 0].numpy(), images.images[:10])
    with torch.no_grad():
        answers = [load_run(run).network(faces.float())["fer2013"].softmax(dim=1) for run in runs]
    mean = (answers[0] * answers[1]).sqrt()
    expected = (mean / mean.sum(dim=1, keepdim=True)).numpy()
    np.testing.assert_allclose(
        said["fer2013"].exp().numpy(), expected, atol=0.03
    )  # bfloat16 products, float16 on disk
    changed, _ = views.batch(np.ones(10, int), places)
    assert (changed != faces).any()


def test_a_steady_answer_is_the_same_for_every_view(views: TeacherCache) -> None:
    places = np.arange(10)
    each = [views.batch(np.full(10, number), places)[1]["fer2013"] for number in range(3)]
    mean = torch.stack(each).mean(dim=0).log_softmax(dim=1)
    assert (each[0] - each[1]).abs().max() > 0.01
    for number in range(3):
        wholly, partly = (
            views.batch(np.full(10, number), places, share)[1]["fer2013"] for share in (1.0, 0.25)
        )
        torch.testing.assert_close(wholly, mean, atol=1e-3, rtol=0)
        torch.testing.assert_close(
            partly, (0.75 * each[number] + 0.25 * mean).log_softmax(dim=1), atol=1e-3, rtol=0
        )
    steady = replace(STUDENT, distillation=Distillation(share=0.9, steadiness=1.0))
    batches = [
        next(iter(Batches(cut(stripes(), RECIPE).training, recipe, lambda: 0, views=views)))
        for recipe in (STUDENT, steady)
    ]
    assert torch.equal(batches[0].faces, batches[1].faces)
    assert not torch.equal(batches[0].said["fer2013"], batches[1].said["fer2013"])


def test_views_are_the_same_every_time_and_go_on_where_they_stopped(
    runs: list[Path], views: TeacherCache, tmp_path: Path
) -> None:
    again = make_views(runs, stripes(), tmp_path, DistillationPlan(count=3))
    assert again.digest == views.digest
    (tmp_path / "view-001.npz").unlink()
    with pytest.raises(
        InputError, match=r"1 is missing, such as view-001.npz: run mien models teacher-cache again"
    ):
        TeacherCache(tmp_path)
    before = (tmp_path / "view-002.npz").stat().st_mtime_ns
    again = make_views(runs, stripes(), tmp_path, DistillationPlan(count=3))
    assert (tmp_path / "view-002.npz").stat().st_mtime_ns == before
    for number in range(3):
        ours, theirs = (each.batch(np.full(5, number), np.arange(5)) for each in (again, views))
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1]["ferplus"], theirs[1]["ferplus"])


def test_every_epoch_shows_all_views_and_every_image_meets_all_of_them(views: TeacherCache) -> None:
    data = cut(stripes(), RECIPE).training
    met = {}
    for epoch in range(3):
        shown = torch.cat([batch.faces for batch in Batches(data, STUDENT, lambda: epoch, views=views)])  # noqa: B023
        met[epoch] = {face.numpy().tobytes() for face in shown}
    assert len(set.union(*met.values())) > 2.5 * len(data)
    watched = next(iter(Batches(data, STUDENT, views=views)))
    assert not watched.said
    np.testing.assert_array_equal(watched.faces[:, 0].numpy(), data.images[: len(watched.faces)])


def test_a_student_may_learn_from_some_of_the_images_that_have_views(
    runs: list[Path], tmp_path: Path
) -> None:
    everything = cut(stripes(), RECIPE).training
    part = everything.take(np.arange(len(everything))[::-3])
    as_they_are = make_views(runs[:1], stripes(), tmp_path, DistillationPlan(count=1))
    told = as_they_are.batch(np.zeros(len(everything), np.int64), np.arange(len(everything)))[1][
        "fer2013"
    ].numpy()
    labels = {
        image.tobytes(): (label, said)
        for image, label, said in zip(everything.images, everything.expressions, told, strict=True)
    }
    assert len(labels) == len(everything)
    met = 0
    for batch in Batches(part, STUDENT, lambda: 0, views=as_they_are):
        for face, truth, said in zip(batch.faces, batch.truth["fer2013"], batch.said["fer2013"], strict=True):
            label, expected = labels[face.numpy().tobytes()]
            assert truth == label
            np.testing.assert_array_equal(said.numpy(), expected)
            met += 1
    assert met == len(part)


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs, each without one half of the images, one of which stands there twice."""
    folders = [tmp_path_factory.mktemp(f"fold{fold}") for fold in (0, 1)]
    for fold, folder in enumerate(folders):
        train(
            _with_a_copy(),
            replace(TEACHER, seed=fold + 1, split=Split(folds=2, fold=fold)),
            folder,
            hardware=CPU,
        )
    return folders


def _with_a_copy() -> FaceDataset:
    data = stripes()
    images = data.images.copy()
    images[14] = images[7]
    return replace(data, images=images)


def test_only_a_teacher_that_has_not_learned_from_an_image_is_asked_about_it(
    halves: list[Path], tmp_path: Path
) -> None:
    data = _with_a_copy()
    learned = [set(cut(data, load_run(run).recipe).training.digests.tolist()) for run in halves]
    images = cut(data, RECIPE).training
    assert not learned[0] & learned[1]
    assert learned[0] | learned[1] == set(images.digests.tolist())
    assert images.digests[14] == images.digests[7], "a copy is in the fold of its image"
    views = make_views(halves, data, tmp_path / "views", DistillationPlan(count=2, out_of_fold=True))
    places = np.arange(len(images))
    for number in (1, 0):
        faces, said = views.batch(np.full(len(places), number), places)
        with torch.no_grad():
            answers = [
                load_run(run).network(faces.float())["fer2013"].softmax(dim=1).numpy() for run in halves
            ]
        expected = np.where(
            [[digest in learned[1]] for digest in images.digests.tolist()], *answers
        )  # Who learned in run 1 is asked of run 0.
        np.testing.assert_allclose(said["fer2013"].exp().numpy(), expected, atol=0.03)
        assert np.abs(answers[0] - answers[1]).max() > 0.1
    labels = (images.expressions + (np.arange(len(images)) % 3 == 0)) % 7  # A third are wrong.
    agreed = agreement(views, replace(images, expressions=labels))
    assert agreed["fer2013"] == pytest.approx((expected.argmax(axis=1) == labels).mean(), abs=0.01)
    assert agreed["fer2013"] < agreed["ferplus"]
    everybody = make_views(halves, data, tmp_path / "everybody", DistillationPlan(count=2))
    assert everybody.digest != views.digest


def test_the_command(halves: list[Path], tmp_path: Path) -> None:
    write_dataset(_with_a_copy(), tmp_path / "faces.parquet")
    done = run_mien(
        "models",
        "teacher-cache",
        tmp_path / "faces.parquet",
        *halves,
        "--out-of-fold",
        "--count",
        "1",
        "-o",
        tmp_path / "views",
    )
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stderr.split())
    made = TeacherCache(tmp_path / "views")
    assert f"1 view of 160 images in {tmp_path / 'views'}, digest {made.digest[:16]}" in told
    agreed = agreement(made, _with_a_copy())
    assert (
        f"teachers say what the label says in {precise(agreed['fer2013'])} (fer2013), {precise(agreed['ferplus'])} (ferplus)"
        in told
    )


def test_an_image_that_all_teachers_know_is_an_error(
    halves: list[Path], runs: list[Path], tmp_path: Path
) -> None:
    n = len(cut(_with_a_copy(), load_run(halves[1]).recipe).training)
    with pytest.raises(
        InputError,
        match=rf"has not learned from it; {n} of 160 images have none: add teachers of the other folds",
    ):
        make_views(
            [halves[1], *runs],
            _with_a_copy(),
            tmp_path / "views",
            DistillationPlan(count=1, out_of_fold=True),
        )
    with pytest.raises(
        InputError,
        match=r"expected the folder of a finished run, which says what was learned from; got a network file",
    ):
        make_views(
            [network_path("nano")], stripes(), tmp_path / "views", DistillationPlan(count=1, out_of_fold=True)
        )
    assert not (tmp_path / "views").exists()


def test_what_a_student_knows_is_not_told_by_its_recipe(views: TeacherCache, tmp_path: Path) -> None:
    train(
        stripes(),
        replace(STUDENT, epochs=1, split=Split(folds=2)),
        tmp_path / "run",
        hardware=CPU,
        views=views,
    )
    with pytest.raises(
        InputError,
        match=r"expected a run from random weights and labels alone; got one with --initial or --teacher-cache",
    ):
        make_views(
            [tmp_path / "run"], stripes(), tmp_path / "views", DistillationPlan(count=1, out_of_fold=True)
        )


@pytest.mark.parametrize(("folds", "fold"), [(1, 0), (4, 4), (0, 1), (-2, 0), (3, -1)])
def test_a_fold_that_there_is_not(folds: int, fold: int) -> None:
    with pytest.raises(
        InputError,
        match=rf"expected split.folds of 2 or more, or 0, and split.fold below it; got {folds} and {fold}",
    ):
        RECIPE.changed({"split.folds": folds, "split.fold": fold})


def test_the_distance_is_the_divergence_at_that_temperature() -> None:
    lesson = ExpressionModule(
        create_model("monyok"),
        replace(STUDENT, heads=("fer2013",), distillation=Distillation(0.5, 3.0)),
        {"fer2013": tuple("abcdefg")},
    )
    ours, theirs = torch.randn(5, 7), torch.randn(5, 7).log_softmax(dim=1)
    p, q = (theirs / 3).softmax(dim=1), (ours / 3).softmax(dim=1)
    expected = 9 * (p * (p / q).log()).sum(dim=1).mean()
    assert float(lesson.distance({"fer2013": ours}, {"fer2013": theirs}, torch.ones(5))) == pytest.approx(
        float(expected), rel=1e-4
    )
    assert float(lesson.distance({"fer2013": theirs}, {"fer2013": theirs}, torch.ones(5))) == pytest.approx(
        0, abs=1e-5
    )


def test_a_student_of_wholly_trusted_teachers_comes_to_answer_like_them(
    views: TeacherCache, runs: list[Path], tmp_path: Path
) -> None:
    recipe = replace(STUDENT, epochs=12, distillation=Distillation(share=1.0, temperature=1.0))
    train(stripes(), recipe, tmp_path, hardware=CPU, views=views)
    faces = torch.from_numpy(cut(stripes(), RECIPE).training.images[:100, None]).float()
    teachers = [load_run(run).network for run in runs]
    with torch.no_grad():
        theirs = (
            torch.stack([network(faces)["fer2013"].log_softmax(dim=1) for network in teachers])
            .mean(dim=0)
            .log_softmax(dim=1)
        )
        student, untrained = (
            network(faces)["fer2013"].log_softmax(dim=1)
            for network in (load_run(tmp_path).network, _untrained())
        )
    far = [float((theirs.exp() * (theirs - answer)).sum(dim=1).mean()) for answer in (student, untrained)]
    assert far[0] < far[1] / 3


def test_a_student_goes_on_with_the_same_views_only(
    views: TeacherCache, runs: list[Path], tmp_path: Path
) -> None:
    train(stripes(), STUDENT, tmp_path / "run", hardware=CPU, views=views)
    assert Recipe.load(tmp_path / "run" / "recipe.json").distillation.views == views.digest
    others = make_views(runs[:1], stripes(), tmp_path / "others", DistillationPlan(count=1))
    with pytest.raises(InputError, match="holds a run of another recipe"):
        train(stripes(), STUDENT, tmp_path / "run", hardware=CPU, views=others)


def test_bad_input_is_one_clear_line(views: TeacherCache, runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one without the other"):
        train(stripes(), STUDENT, tmp_path, hardware=CPU)
    with pytest.raises(InputError, match="one without the other"):
        train(stripes(), TEACHER, tmp_path, hardware=CPU, views=views)
    with pytest.raises(InputError, match=r"expected distillation.steadiness from 0 to 1; got 1.5"):
        STUDENT.changed({"distillation.steadiness": 1.5})
    with pytest.raises(InputError, match="expected views made by mien models teacher-cache"):
        TeacherCache(tmp_path)
    whole = stripes()
    with pytest.raises(
        InputError,
        match=r"images that are learned from; 120 of 280 have none: make them from the same data",
    ):
        Batches(whole, STUDENT, lambda: 0, views=views)
    with pytest.raises(InputError, match="280 of 280 have none"):
        Batches(replace(whole, images=255 - whole.images), STUDENT, lambda: 0, views=views)
    make_views(runs[:1], stripes(), tmp_path / "views", DistillationPlan(count=1))
    with pytest.raises(InputError, match="holds other views"):
        make_views(runs, stripes(), tmp_path / "views", DistillationPlan(count=1))
    with pytest.raises(InputError, match="got none"):
        make_views([], stripes(), tmp_path / "none", DistillationPlan())
    with pytest.raises(InputError, match="expected mixup 0 with teachers"):
        replace(STUDENT, mixup=0.2)
    with pytest.raises(InputError, match="share from 0 to 1"):
        replace(STUDENT, distillation=Distillation(share=1.5))


def test_the_sizes_that_are_promised() -> None:
    for name, most in {
        "nano": 60_000,
        "small": 1_000_000,
        "part-clear": 3_000_000 / 4,
        "part": 3_000_000 / 4,
    }.items():  # Four parts are medium.
        network = new_network(preset(name), {"fer2013": tuple("abcdefg"), "ferplus": tuple("abcdefgh")})
        assert sum(weights.numel() for weights in network.parameters()) <= most
    teachers = [preset(name) for name in ("teacher-0", "teacher-1", "teacher-2", "teacher-3")]
    assert len({(tuple(teacher.options["widths"]), teacher.seed) for teacher in teachers}) == len(teachers)
    for size in ("nano", "small"):
        assert preset(f"student-{size}").distillation.share > 0
        assert preset(f"student-{size}").options == preset(size).options


def _untrained() -> torch.nn.Module:
    torch.manual_seed(3)
    return new_network(TEACHER, {"fer2013": tuple("abcdefg"), "ferplus": tuple("abcdefgh")}).eval()
