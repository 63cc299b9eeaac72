"""The training loop: epochs of steps, held-out accuracy, progress, and a state from which it goes on.

The run is a function of model, data, recipe and seed: interrupted anywhere and resumed from its last saved state, it
ends in the same bits (on the same machine and versions).
"""

import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import Progress
from torch import nn

from console.progress import progress_bars
from console.screen import screen
from spec.refusal import Refused
from train.data import Dataset
from train.data.batches import Batches
from train.data.dataset import Images
from train.loop.average import Average
from train.loop.checkpoint import take
from train.loop.memory import out_of_memory
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.step import TrainingStep, learning_rate, make_optimizer
from train.nets.stretch import recalibrate

__all__ = ["Run", "Trainer", "accuracy"]

#: Steps between two looks at loss and parameters. On a GPU each look waits for all work that is under way.
_LOOK_EVERY = 20

#: Training images that batch norms are measured on at the end.
_MEASURED = 10_000


def _nothing(step: int) -> AbstractContextManager:
    """Context of a step that is like the others."""
    return nullcontext()


@dataclass(frozen=True)
class Run:
    """How a training is carried out, of which its result is no function.

    Parameters
    ----------
    processes : Processes
    label : str
        What the run is called on the screen.
    workers : int
        Processes that decode images in files.
    save_seconds : float
        Between two states that are saved within an epoch.
    report : function of a dict, optional
        Called with the record of every epoch, in the leading process only.
    """

    processes: Processes
    label: str = "training"
    workers: int = 0
    save_seconds: float = 300.0
    report: Callable[[dict], None] | None = None


@dataclass
class Trainer:
    """Trains ``model`` on ``dataset`` by ``recipe``.

    Parameters
    ----------
    model : nn.Module
        uint8 images (B, H, W, C) to logits (B, classes); moved to the device of its processes.
    dataset : Dataset
        Its test set is measured after every epoch and never acted upon.
    recipe : Recipe
    seed : int
        Of order and variation of images.
    how : Run
    state : dict, optional
        What ``save`` was given in the run that this one goes on with.
    save : function of a dict, optional
        Called with the state after every epoch and now and then within one, in the leading process only.
    around : function of an int
        Context that each step is computed in, by its number from the start of the run.
    teacher : nn.Module, optional
        What a recipe with ``distill`` is taught by.
    """

    model: nn.Module
    dataset: Dataset
    recipe: Recipe
    seed: int
    how: Run
    state: dict | None = None
    save: Callable[[dict], None] | None = None
    around: Callable[[int], AbstractContextManager] = _nothing
    teacher: nn.Module | None = None

    def run(self) -> list[dict]:
        """Train all epochs that are left; returns the records of all epochs.

        A record: ``epoch`` (from 1), ``loss`` (mean over its steps), ``held_out_accuracy``, ``lr`` at its end,
        ``seconds``, ``images_per_s``.

        Raises
        ------
        Refused
            If loss or parameters are not finite: the last saved state is the last good one. If a batch does not suit
            the data, or the memory.
        """
        self.prepare()
        history, first, loss = self._restore()
        console = screen(stderr=True)
        with progress_bars(console, disable=not (self.how.processes.leads and console.is_terminal)) as progress:
            self._task = progress.add_task(
                self.how.label, total=self.recipe.epochs * len(self.batches),
                completed=len(history) * len(self.batches) + first,
            )
            for epoch in range(len(history), self.recipe.epochs):
                history.append(self._epoch(epoch, history, first, loss, progress))
                first, loss = 0, torch.zeros((), device=self.how.processes.device)
                self._keep(history, 0, loss)
                self._tell(history[-1], progress)
        return history

    def prepare(self) -> None:
        """Put network and data on the device; :meth:`run` does so first."""
        if self.recipe.distill and self.teacher is None:
            raise Refused(f"Setting --distill ({self.recipe.distill}) needs a network that teaches; give --teacher")
        layout = torch.channels_last if self.recipe.channels_last else torch.preserve_format
        for network in (self.model, self.teacher) if self.teacher else (self.model,):
            network.to(self.how.processes.device, memory_format=layout)
        self.batches = Batches(
            self.dataset, batch=self.recipe.batch, seed=self.seed, augmentation=self.recipe.augmentation,
            device=self.how.processes.device, rank=self.how.processes.rank, world=self.how.processes.world,
            workers=self.how.workers,
        )
        if self.recipe.batch % (self.recipe.accumulate * self.how.processes.world):
            raise Refused(
                f"Setting --batch must be a multiple of accumulate times processes "
                f"({self.recipe.accumulate} x {self.how.processes.world}), not {self.recipe.batch}"
            )
        self._optimizer = make_optimizer(self.recipe, self.model)
        self._step = TrainingStep(self.model, self._optimizer, self.recipe, self.how.processes, self.teacher)
        self._average = Average(self.model, self.recipe.average) if self.recipe.average else None

    def _restore(self) -> tuple[list[dict], int, torch.Tensor]:
        """Records of the epochs that are done, steps of the next one, and the sum of their losses."""
        if self.state is None:
            return [], 0, torch.zeros((), device=self.how.processes.device)
        take(self.model, self.state["model"], "The checkpoint")
        try:
            self._optimizer.load_state_dict(self.state["optimizer"])
            self._step.scaler.load_state_dict(self.state["scaler"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
            raise Refused(
                f"The checkpoint holds no state of this recipe's optimizer ({error!r}); start again with --overwrite"
            ) from None
        if self._average is not None:
            self._average.restore(self.state["average"])
        return list(self.state["history"]), self.state["step"], self.state["loss"].to(self.how.processes.device)

    def _keep(self, history: list[dict], step: int, loss: torch.Tensor) -> None:
        """Hand the state to whoever keeps it."""
        if self.how.processes.leads and self.save is not None:
            self.save({
                "epoch": len(history), "step": step, "loss": loss.cpu(), "history": history,
                "model": self.model.state_dict(), "optimizer": self._optimizer.state_dict(),
                "scaler": self._step.scaler.state_dict(),
            } | ({} if self._average is None else {"average": self._average.state()}))

    def _epoch(self, epoch: int, history: list[dict], first: int, total: torch.Tensor, progress: Progress) -> dict:
        """Train epoch ``epoch`` from step ``first`` on, whose losses before add up to ``total``; its record."""
        started = saved = time.perf_counter()
        steps = len(self.batches)
        self.model.train()
        rate = self.recipe.lr
        side = self.recipe.side(epoch)
        for step, (images, labels) in enumerate(self.batches.epoch(epoch, first, side), first):
            rate = learning_rate(self.recipe, epoch * steps + step, steps)
            with self.around(epoch * steps + step):
                total = total + self.train_on(images, labels, rate)
            if self._average is not None:
                self._average.update(epoch * steps + step)
            rests = (step + 1) % _LOOK_EVERY == 0 or step + 1 == steps
            if rests or self.how.processes.device.type == "cpu":
                self._refuse_divergence(epoch, total, self.model.parameters() if rests else ())
                self._show(epoch, step, total, progress)
            if rests and time.perf_counter() - saved > self.how.save_seconds and step + 1 < steps:
                self._keep(history, step + 1, total)
                saved = time.perf_counter()
        if epoch + 1 == self.recipe.epochs:
            self._settle()
        seconds = time.perf_counter() - started
        judged = self.dataset.test_images, self.dataset.test_labels
        return {
            "epoch": epoch + 1,
            "loss": round(float(total) / steps, 6),
            "held_out_accuracy": round(accuracy(self.model, *judged, processes=self.how.processes), 6),
            "lr": rate,
            "seconds": round(seconds, 3),
            "images_per_s": round((steps - first) * self.recipe.batch / seconds, 1),
        }

    def _settle(self) -> None:
        """An average is what remains; its batch norms, or by ``settle``, are measured on training images as they are.

        While masks change, running statistics lag behind them; and those of varied images are not those of the images
        that will come.
        """
        if self._average is not None:
            self._average.apply()
        if self._average is not None or self.recipe.settle:
            recalibrate(self.model, self.dataset.train_images[:_MEASURED])

    def train_on(self, images: torch.Tensor, labels: torch.Tensor, rate: float) -> torch.Tensor:
        """Loss of a step on ``images`` at learning rate ``rate``; refuses what the memory does not hold."""
        with suppress(torch.OutOfMemoryError):
            return self._step(images, labels, rate)
        # Here, where the error holds no tensors any more.
        raise out_of_memory(
            lambda count: self._step.gradients(images[:count], labels[:count]), self.recipe, self.how.processes.world
        )

    def _refuse_divergence(self, epoch: int, total: torch.Tensor, parameters: Iterable[nn.Parameter]) -> None:
        """Stop training if loss or ``parameters`` say that it has gone wrong: one value comes from the device."""
        peaks = [p.detach().abs().amax() for p in parameters if p.requires_grad]
        if not torch.stack([total, *peaks]).isfinite().all():
            found = f"loss {float(total)}" if not math.isfinite(total) else "parameters that are no numbers"
            raise Refused(
                f"Training diverged in epoch {epoch + 1} ({found}); the last good state is kept; lower the learning "
                f"rate, now {self.recipe.lr}"
            )

    def _show(self, epoch: int, step: int, total: torch.Tensor, progress: Progress) -> None:
        """Show how far training is."""
        progress.update(
            self._task, completed=epoch * len(self.batches) + step + 1,
            description=f"{self.how.label}, epoch {epoch + 1} of {self.recipe.epochs}: loss {total / (step + 1):.3f}",
        )

    def _tell(self, record: dict, progress: Progress) -> None:
        """Report the epoch of ``record``."""
        if not self.how.processes.leads:
            return
        if self.how.report is not None:
            self.how.report(record)
        progress.console.print(
            f"{self.how.label}, epoch {record['epoch']} of {self.recipe.epochs}: loss {record['loss']:.4f}, "
            f"held out {record['held_out_accuracy']:.2%}, {record['seconds']:.1f} s",
            markup=False, highlight=False, soft_wrap=True,
        )


@torch.no_grad()
def accuracy(
    model: nn.Module, images: Images, labels: np.ndarray, *, batch: int = 256, processes: Processes | None = None
) -> float:
    """Fraction of uint8 ``images`` (n, H, W, C) whose largest logit is at their label, in evaluation mode.

    Several processes share the images; each gets the whole answer.
    """
    processes = processes or Processes(0, 1, next(model.parameters()).device)
    was_training = model.training
    model.eval()
    correct = torch.zeros((), dtype=torch.int64, device=processes.device)
    for start in range(processes.rank * batch, len(labels), processes.world * batch):
        part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(processes.device)
        guesses = model(part).argmax(1)
        correct += (guesses == torch.from_numpy(labels[start : start + batch]).to(processes.device)).sum()
    processes.add([correct])
    model.train(was_training)
    return int(correct) / len(labels)
