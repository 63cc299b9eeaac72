"""Train a hidden-fold network: learn which of its random weights to keep.

    python -m train.fit --dataset digits --out build/train/digits
    python -m train.fit --dataset digits --out build/train/digits --resume

Writes ``checkpoint.pt`` and ``log.jsonl`` (one JSON object an epoch) after every epoch. The run is a function of its
settings: on one thread, an interrupted and resumed run ends in the same bits as an uninterrupted one.

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV; Adam instead of SGD because the demo's budget is short.
"""

import argparse
import dataclasses
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.nn import functional

from spec.files import write_text
from spec.refusal import Refused, run_command
from train import checkpoint
from train.config import ModelConfig
from train.data import DATASETS, Dataset, load_dataset
from train.model import HiddenFoldNet, accuracy
from train.options import add_model_options, model_config

__all__ = ["Settings", "fit", "learning_rate", "main"]


@dataclass(frozen=True)
class Settings:
    """What a run is a function of. A checkpoint stores it and ``--resume`` insists on it."""

    model: ModelConfig = field(default_factory=ModelConfig)
    dataset: str = "digits"
    epochs: int = 15
    batch: int = 32
    lr: float = 3e-3  #: Peak learning rate of Adam.
    seed: int = 0  #: Of initial scores and shuffling.

    def __post_init__(self):
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise Refused(f"Setting --{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.lr <= 1:
            raise Refused(f"Setting --lr must be above 0 and at most 1, not {self.lr}")
        if not 0 <= self.seed < 1 << 63:
            raise Refused(f"Setting --seed must be from 0 to 2**63 - 1, not {self.seed}")

    def to_json(self) -> dict:
        """Plain form, as checkpoints and provenance hold it."""
        return dataclasses.asdict(self) | {"model": self.model.to_json()}


def learning_rate(peak: float, step: int, steps: int) -> float:
    """Cosine from ``peak`` at step 0 to 0 at ``steps``. Being a function of the step, it has no state to save."""
    return peak * 0.5 * (1 + math.cos(math.pi * step / steps))


def fit(settings: Settings, dataset: Dataset, out: Path, resume: bool = False) -> dict:
    """Train for ``settings.epochs`` epochs in all and return the last line of the log.

    The last, incomplete batch of an epoch is dropped. The held-out accuracy is logged, never acted upon.

    Raises
    ------
    Refused
        If there are fewer images than a batch, training diverges, or ``resume`` finds no checkpoint of these settings.
    """
    batches = len(dataset.train_images) // settings.batch
    if not batches:
        raise Refused(
            f"Setting --batch must be at most {len(dataset.train_images)}, the training images of "
            f"{dataset.name}, not {settings.batch}"
        )
    generator = torch.Generator().manual_seed(settings.seed)
    network = settings.model.topology(settings.dataset, dataset.image, dataset.classes)
    try:
        out.mkdir(parents=True, exist_ok=True)  # Before hours of training, not after.
    except OSError as error:
        raise Refused(f"Folder --out {out} cannot be made ({error.strerror}); choose another") from None
    model = HiddenFoldNet(network, settings.model, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
    history: list[dict] = []
    if resume:
        state = _resumable(out / "checkpoint.pt", settings, dataset)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        history = state["history"]
        _write_log(out, history)  # A run killed between checkpoint and log lacks its last line.

    images, labels = torch.from_numpy(dataset.train_images), torch.from_numpy(dataset.train_labels)
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  held out {task.fields[held_out]}"), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task(
            "fit", total=settings.epochs * batches, completed=len(history) * batches, epoch=len(history),
            epochs=settings.epochs, loss=math.nan, held_out="-",
        )
        for epoch in range(len(history), settings.epochs):
            started = time.perf_counter()
            total_loss = 0.0
            model.train()
            order = torch.randperm(len(images), generator=generator)
            for step, chosen in enumerate(order[: batches * settings.batch].split(settings.batch)):
                rate = learning_rate(settings.lr, epoch * batches + step, settings.epochs * batches)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss = functional.cross_entropy(model(images[chosen]), labels[chosen])
                if not math.isfinite(loss.item()):
                    what = f"Training diverged in epoch {epoch + 1} (loss {loss.item()})"
                    raise Refused(f"{what}; lower --lr {settings.lr}")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total_loss += loss.item()
                progress.update(task, advance=1, epoch=epoch + 1, loss=total_loss / (step + 1))
            history.append({
                "epoch": epoch + 1,
                "loss": round(total_loss / batches, 6),
                "held_out_accuracy": round(accuracy(model, dataset.test_images, dataset.test_labels), 6),
                "seconds": round(time.perf_counter() - started, 3),
            })
            checkpoint.save(out / "checkpoint.pt", {
                "settings": settings.to_json(), "network": network.to_json(),
                "dataset_sha256": dataset.digest, "versions": versions(),
                "epoch": epoch + 1, "history": history,
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state(),
            })
            _write_log(out, history)
            progress.update(task, held_out=f"{history[-1]['held_out_accuracy']:.2%}")
            if not console.is_terminal:
                print(
                    f"epoch {epoch + 1}/{settings.epochs}  loss {history[-1]['loss']:.4f}  "
                    f"held out {history[-1]['held_out_accuracy']:.2%}  {history[-1]['seconds']:.1f} s",
                    file=sys.stderr, flush=True,
                )
    return history[-1]


def versions() -> dict[str, str]:
    """Versions of what trained bits depend on."""
    return {"torch": str(torch.__version__), "numpy": np.__version__}


def _resumable(path: Path, settings: Settings, dataset: Dataset) -> dict:
    """The checkpoint at ``path``, if it is of the same settings, data and torch."""
    state = checkpoint.load(path)
    then, now = (dict(plain) | plain["model"] for plain in (state["settings"], settings.to_json()))
    for name in now.keys() - {"model"}:
        if then.get(name) != now[name]:
            option = name.replace("_", "-")
            raise Refused(
                f"Checkpoint {path} was trained with --{option} {then.get(name)}, not {now[name]}; resume "
                "with the same settings or start again without --resume"
            )
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(f"Checkpoint {path} was trained on other images than {dataset.name} now holds; start again")
    if state["versions"] != versions():
        raise Refused(
            f"Checkpoint {path} was written with {state['versions']}, not {versions()}, so the result would not be "
            "reproducible; use those versions or start again without --resume"
        )
    return state


def _write_log(out: Path, history: list[dict]) -> None:
    write_text(out / "log.jsonl", "".join(json.dumps(line) + "\n" for line in history))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m train.fit", description="Train a hidden-fold network.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    defaults = Settings()
    add = parser.add_argument
    add("--dataset", default=defaults.dataset, help=f"one of {', '.join(DATASETS)}")
    add("--data-dir", type=Path, default=Path("build/data"), help="where files of datasets are looked for")
    add("--epochs", type=int, default=defaults.epochs)
    add("--batch", type=int, default=defaults.batch, help="images per step")
    add("--lr", type=float, default=defaults.lr, help="peak learning rate of Adam")
    add("--seed", type=int, default=defaults.seed, help="of initial scores and shuffling")
    add("--out", type=Path, default=Path("build/train/digits"), help="folder of checkpoint and log")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--json", action="store_true", help="print the result as JSON")
    add_model_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = _parse(argv)
    torch.set_num_threads(1)  # Sums split over threads round differently.
    names = [known.name for known in dataclasses.fields(Settings) if known.name != "model"]
    settings = Settings(model=model_config(arguments), **{name: getattr(arguments, name) for name in names})
    dataset = load_dataset(settings.dataset, arguments.data_dir)
    result = fit(settings, dataset, arguments.out, arguments.resume)
    paths = {"checkpoint": str(arguments.out / "checkpoint.pt"), "log": str(arguments.out / "log.jsonl")}
    if arguments.json:
        print(json.dumps(result | paths))
    else:
        print(f"held-out accuracy {result['held_out_accuracy']:.2%} after {result['epoch']} epochs")
        print("\n".join(paths.values()))
    return 0


if __name__ == "__main__":
    run_command(main)
