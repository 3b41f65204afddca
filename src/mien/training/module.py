"""What Lightning's trainer does with a network: steps, losses, metrics, moving average, schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassF1Score

from mien.core.errors import InputError
from mien.core.formatting import precise
from mien.training.augment import augment
from mien.training.batches import Batch, seed_of
from mien.training.optimizers import Schedules, create_optimizer, create_schedules
from mien.training.recipe import Recipe

_Weights = tuple[Tensor, ...] | list[Tensor]
_COLLAPSED = 0.95
_NEAR = 0.02


class _Metrics(nn.ModuleDict):
    """One metric per judgement."""

    def __getitem__(self, head: str) -> Metric:
        return cast(Metric, super().__getitem__(head))

    def items(self) -> Iterable[tuple[str, Metric]]:  # type: ignore[override]
        return [(head, self[head]) for head in self]

    def values(self) -> Iterable[Metric]:  # type: ignore[override]
        return [self[head] for head in self]


class ExpressionModule(LightningModule):
    """A network in training.

    Args:
        network: From `mien.training.architectures.create_model`.
        recipe: How it is trained.
        classes: Names of the classes of each head.
        class_weights: ``(k,)`` weights of the classes of the label in the loss, or None.

    Attributes:
        judged: The head that each judgement is about: one of its own name per head of the first data set, and
            one per data set that is mixed in, under that data set's name.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        classes: Mapping[str, tuple[str, ...]],
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.classes = {head: list(names) for head, names in classes.items()}
        self.average = _averaged(network, recipe.ema) if recipe.ema else None
        self.class_weights: Tensor | None
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.judged = {head: head for head in recipe.heads} | {
            name: recipe.head_of(name) for name in recipe.mixture
        }
        sizes = {name: len(classes[head]) for name, head in self.judged.items()}
        options: dict[str, Any] = {"validate_args": False}
        self.train_loss = MeanMetric(nan_strategy="disable")
        self.validation_loss = MeanMetric(nan_strategy="disable")
        self.train_accuracy = _Metrics(
            {name: MulticlassAccuracy(k, average="micro", **options) for name, k in sizes.items()}
        )
        self.accuracy = _Metrics(
            {name: MulticlassAccuracy(k, average="micro", **options) for name, k in sizes.items()}
        )
        self.f1 = _Metrics(
            {name: MulticlassF1Score(k, average="macro", **options) for name, k in sizes.items()}
        )
        self.confusion = _Metrics(
            {name: MulticlassConfusionMatrix(k, **options) for name, k in sizes.items()}
        )
        self.row: dict[str, float] = {}
        self.remarks: list[str] = []
        self._schedules: Schedules | None = None
        self._restored: dict[str, Any] | None = None

    def watched(self) -> nn.Module:
        """The network that is measured and exported: the moving average where there is one."""
        module: nn.Module = self.network if self.average is None else self.average.module
        return module

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = create_optimizer(self.network.parameters(), self.recipe.optimizer)
        self._schedules = create_schedules(
            optimizer, self.recipe.schedule, int(self.trainer.estimated_stepping_batches)
        )
        return optimizer

    # Schedules are stepped and saved here, not by the trainer: it saves checkpoints before it steps plateau.

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        assert self._schedules is not None
        checkpoint["mien"] = {
            "schedules": self._schedules.state(),
            "classes": self.classes,
            "arch": self.recipe.arch,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._restored = checkpoint["mien"]["schedules"]

    def on_train_start(self) -> None:
        if self._restored is not None and self._schedules is not None:
            self._schedules.restore(self._restored)

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(seed_of(self.recipe, self.current_epoch, self.global_rank, purpose=2))
        self._chance = torch.Generator(device=self.device).manual_seed(
            seed_of(self.recipe, self.current_epoch, self.global_rank, purpose=3)
        )
        self.train_loss.reset()
        for metric in self.train_accuracy.values():
            metric.reset()

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment and mix on the device, outside the lower precision of the network."""
        faces = batch.faces.float()
        if self.trainer.training:
            faces = augment(faces, self.recipe.augmentation, self._chance)
            if self.recipe.mixup:
                share = float(torch.distributions.Beta(self.recipe.mixup, self.recipe.mixup).sample())
                partner = torch.randperm(len(faces), generator=self._chance, device=faces.device)
                faces = torch.lerp(faces[partner], faces, share)
                batch = batch._replace(
                    targets={
                        head: torch.lerp(values[partner], values, share)
                        for head, values in batch.targets.items()
                    }
                )
        return batch._replace(faces=faces.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Batch, index: int) -> Tensor:
        outputs = self.network(batch.faces)
        by_teachers = self.recipe.distillation.share * batch.asked.float()
        loss = self.loss(outputs, batch.targets, self.recipe.label_smoothing, 1 - by_teachers)
        if batch.said:
            loss = loss + self.distance(outputs, batch.said, by_teachers)
        if not torch.isfinite(loss):
            where = f"epoch {self.current_epoch + 1}, step {index + 1}"
            raise InputError(
                f"{where}: expected a finite loss; got {float(loss.detach())}: start again in a new folder with a "
                f"lower rate (--lr, now {self.recipe.optimizer.rate:g}) or --precision 32; the last whole checkpoint is kept"
            )
        self.train_loss.update(loss.detach(), len(batch.faces))
        self._count(self.train_accuracy, outputs, batch.truth)
        return loss

    def loss(
        self,
        outputs: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        smoothing: float = 0.0,
        shares: Tensor | float = 1.0,
    ) -> Tensor:
        """Sum over heads of the cross-entropy to the target distribution, the mean over the rows that have one.

        Args:
            outputs: Per head ``(n, k)`` logits.
            targets: Per head ``(n, k)`` distributions, or rows of zeros.
            smoothing: Share of the target that is spread over all classes.
            shares: ``(n,)`` how much of each row's loss counts, 0 to 1.
        """
        total = torch.zeros((), device=next(iter(outputs.values())).device)
        for head, target in targets.items():
            weights = self.class_weights if head in ("fer2013", "labels") else None
            told = target.sum(dim=1)
            rows = functional.cross_entropy(
                outputs[head].float(), target, weight=weights, reduction="none", label_smoothing=smoothing
            )
            total = total + (rows * (told > 0) * shares).sum() / told.sum().clamp(min=1)
        return total

    def distance(self, outputs: Mapping[str, Tensor], said: Mapping[str, Tensor], shares: Tensor) -> Tensor:
        """Sum over heads of the divergence of the teachers' softened answer from ours, times the squared
        temperature (Hinton et al. 2015): the mean over all rows, of each as much as ``shares`` ``(n,)`` says."""
        temperature = self.recipe.distillation.temperature
        total = torch.zeros((), device=next(iter(outputs.values())).device)
        for head, values in said.items():
            ours = (outputs[head].float() / temperature).log_softmax(dim=1)
            theirs = (values / temperature).log_softmax(dim=1)
            rows = functional.kl_div(ours, theirs, reduction="none", log_target=True).sum(dim=1)
            total = total + (rows * shares).mean() * temperature**2
        return total

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        assert self._schedules is not None
        self._schedules.step.step()
        if self.average is not None:
            self.average.update_parameters(self.network)

    def on_validation_epoch_start(self) -> None:
        for metric in (
            self.validation_loss,
            *self.accuracy.values(),
            *self.f1.values(),
            *self.confusion.values(),
        ):
            metric.reset()

    def validation_step(self, batch: Batch, index: int) -> None:
        with torch.autocast(self.device.type, enabled=False):
            outputs = self.watched()(batch.faces)
        self.validation_loss.update(self.loss(outputs, batch.targets), len(batch.faces))
        for metrics in (self.accuracy, self.f1, self.confusion):
            self._count(metrics, outputs, batch.truth)

    def on_validation_epoch_end(self) -> None:
        first = self.recipe.heads[0]
        watched = {"validation_loss": self.validation_loss.compute()}
        for name in self.judged:
            watched |= {
                f"validation_{name}": self.accuracy[name].compute(),
                f"validation_{name}_f1": self.f1[name].compute(),
            }
        self.row = {name: float(value) for name, value in watched.items()}
        self.log_dict({**watched, "validation_accuracy": watched[f"validation_{first}"]}, sync_dist=True)
        self.remarks = [remark for name in self.judged if (remark := self._collapse(name))]

    def on_train_epoch_end(self) -> None:
        assert self._schedules is not None
        rate = float(self._schedules.step.optimizer.param_groups[0]["lr"])
        learned = {"train_loss": self.train_loss.compute()}
        learned |= {f"train_{name}": metric.compute() for name, metric in self.train_accuracy.items()}
        self.log_dict({"learning_rate": rate, **learned}, sync_dist=True)
        self.row = {
            "epoch": self.current_epoch + 1,
            "learning_rate": rate,
            **{name: float(value) for name, value in learned.items()},
            **self.row,
        }
        if self._schedules.plateau is not None:
            watched = (
                "validation_loss"
                if self.recipe.schedule.monitor == "validation_loss"
                else f"validation_{self.recipe.heads[0]}"
            )
            self._schedules.plateau.step(self.row[watched])

    def _count(self, metrics: _Metrics, outputs: Mapping[str, Tensor], truth: Mapping[str, Tensor]) -> None:
        for name, metric in metrics.items():
            counted = truth[name] >= 0
            if (
                not counted.any()
            ):  # A batch may have no image of a data set; torchmetrics takes no empty ones.
                continue
            metric.update(outputs[self.judged[name]].detach().argmax(dim=1)[counted], truth[name][counted])

    def _collapse(self, name: str) -> str:
        """A warning where nearly all answers are one class and accuracy is that class's share; else
        nothing."""
        table = self.confusion[name].compute().double()
        answers, truth = table.sum(dim=0), table.sum(dim=1)
        n, column = float(table.sum()), int(answers.argmax())
        if (
            not n
            or answers[column] / n <= _COLLAPSED
            or float((table.diagonal().sum() - truth[column]).abs()) / n > _NEAR
        ):
            return ""
        called = self.classes[self.judged[name]][column]
        told = f"{precise(float(answers[column]) / n, 0)} of its answers are {called}, and its accuracy is about that class's share"
        return f"the network collapsed onto one class: {told} ({precise(float(truth[column]) / n)}): lower the rate, or take --set balance=weights"


def _averaged(network: nn.Module, decay: float) -> AveragedModel:
    average = AveragedModel(network, multi_avg_fn=_moving(decay), use_buffers=True)
    return average.requires_grad_(False)


def _moving(decay: float) -> Callable[[_Weights, _Weights, Tensor | int], None]:
    """A moving average that looks back less far in the first steps, so that few images and epochs do not
    end near where they began."""

    def moved(averages: _Weights, weights: _Weights, steps: Tensor | int) -> None:
        step = int(steps)
        get_ema_multi_avg_fn(min(decay, (1 + step) / (10 + step)))(averages, weights, step)

    return moved
