"""One step of training: forward, backward, over parts of the batch and over processes; the optimizer and its rate."""

import math
from bisect import bisect_right
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.teacher import divergence

__all__ = ["TrainingStep", "learning_rate", "make_optimizer"]


class TrainingStep:
    """Computes gradients of a batch and moves the parameters.

    The batch is computed in ``recipe.accumulate`` parts. Each part has batch statistics of its own, and the running
    statistics after the step are the mean of those that the parts leave. Several processes share the parts: ``n``
    processes with ``accumulate = 1`` compute what one process with ``accumulate = n`` computes, for n = 2 bit by bit
    (for more, sums are taken in another order).

    Parameters
    ----------
    model : nn.Module
        uint8 images (B, H, W, C) to logits (B, classes).
    optimizer : torch.optim.Optimizer
    recipe : Recipe
    processes : Processes
    teacher : nn.Module, optional
        What a recipe with ``distill`` is taught by, in evaluation mode on the same device.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Recipe, processes: Processes,
        teacher: nn.Module | None = None,
    ):
        self.model = model
        self.optimizer = optimizer
        self.recipe = recipe
        self.processes = processes
        self.teacher = teacher
        self.parts = recipe.accumulate
        self.scaler = torch.amp.GradScaler(processes.device.type, enabled=recipe.precision == "float16")
        self.forward: Callable[[Tensor], Tensor] = torch.compile(model) if recipe.compile else model
        buffers = dict(model.named_buffers())
        self.running = [buffers[name] for name in buffers if name.endswith(("running_mean", "running_var"))]
        self.counts = [buffers[name] for name in buffers if name.endswith("num_batches_tracked")]

    def __call__(self, images: Tensor, labels: Tensor, rate: float) -> Tensor:
        """Train on this process's share of a batch at learning rate ``rate``; returns the mean loss, detached."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimizer.zero_grad()
        every = self.parts * self.processes.world
        total = torch.zeros((), device=self.processes.device)
        statistics = [*self.running, *self.counts] if every > 1 else []
        before = [buffer.clone() for buffer in statistics]
        after = [torch.zeros_like(buffer) for buffer in self.running] if every > 1 else []
        for part, targets in zip(images.chunk(self.parts), labels.chunk(self.parts), strict=True):
            for buffer, start in zip(statistics, before, strict=True):
                buffer.copy_(start)
            total += self.gradients(part, targets)
            for mean, buffer in zip(after, self.running, strict=False):
                mean += buffer / every
        gradients = [p.grad for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.processes.add([total, *gradients, *after])
        for buffer, mean in zip(self.running, after, strict=False):
            buffer.copy_(mean)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return total

    def gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        """Add the gradients of a part of a batch to those there are; returns its share of the mean loss, detached."""
        loss = self._loss(images, labels) / (self.parts * self.processes.world)
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _loss(self, images: Tensor, labels: Tensor) -> Tensor:
        with self._arithmetic():
            logits = self.forward(images)
        logits = logits.float()
        loss = functional.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        if not self.recipe.distill:
            return loss
        with self._arithmetic(), torch.no_grad():
            taught = self.teacher(images)
        return torch.lerp(loss, divergence(logits, taught.float(), self.recipe.temperature), self.recipe.distill)

    def _arithmetic(self) -> AbstractContextManager:
        if self.recipe.precision == "float32":
            return nullcontext()
        return torch.autocast(self.processes.device.type, getattr(torch, self.recipe.precision))


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Rate of step ``step`` where an epoch has ``steps`` of them.

    Being a function of the step alone it has no state to save, and no off-by-one epoch at a resume.
    """
    epoch = step / steps
    if epoch < recipe.warmup:
        return recipe.lr * (step + 1) / (recipe.warmup * steps + 1)
    match recipe.schedule:
        case "cosine":
            share = (epoch - recipe.warmup) / (recipe.epochs - recipe.warmup)
            return recipe.lr * 0.5 * (1 + math.cos(math.pi * share))
        case "linear":
            return recipe.lr * ((recipe.epochs - epoch) / (recipe.epochs - recipe.warmup))
        case "step":
            return recipe.lr * recipe.factor ** bisect_right(recipe.milestones, epoch)
        case "exponential":
            return recipe.lr * recipe.factor ** (epoch / recipe.period)
        case _:
            return recipe.lr


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Optimizer of all trainable parameters of ``model``, those of normalizations in a group of their own.

    Parameters with one dimension are those of normalizations, and biases; scores and weights have more.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {
            "params": [p for p in parameters if p.ndim <= 1],
            "weight_decay": recipe.weight_decay if recipe.decay_norms else 0.0,
            "share": recipe.norm_lr / recipe.lr if recipe.norm_lr else 1.0,
        },
    ]
    groups = [group for group in groups if group["params"]]
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov)
        case "adam":
            return torch.optim.Adam(groups, lr=recipe.lr)
        case _:
            return torch.optim.RAdam(groups, lr=recipe.lr)
