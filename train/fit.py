"""Train a network: learn which of its random weights to keep.

    python -m train.fit --out build/train/digits
    python -m train.fit --recipe fashion-minute --mode 1of4 --data /usr/share/datasets --out build/train/fashion
    python -m train.fit --out build/train/digits --resume
    torchrun --nproc-per-node 2 -m train.fit --out build/train/digits

Writes ``checkpoint.pt`` and ``log.jsonl`` (one JSON object an epoch), and goes on from them with ``--resume``, whenever
it was stopped. The run is a function of its settings (:mod:`train.loop.settings`): on one machine, an interrupted and
resumed run ends in the same bits as an uninterrupted one.

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from spec.files import write_text
from spec.refusal import Refused, run_command
from train.data import Dataset, load_dataset
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.settings import Settings, add_settings_options, settings_from
from train.loop.trainer import Trainer
from train.nets.fake_quantize import trainable
from train.nets.vary import varied

__all__ = ["CHECKPOINT", "add_run_options", "fit", "main", "run"]

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


def fit(
    settings: Settings, dataset: Dataset, out: Path, processes: Processes, *, resume: bool = False, workers: int = 0,
    save_seconds: float = 300.0, board: Callable[[dict], None] | None = None, start: dict | None = None,
) -> dict:
    """Train to the end of ``settings`` and return the record of the last epoch.

    ``start`` is the state dict of a network to go on from, instead of from one that ``settings.seed`` draws. The
    held-out accuracy (test or validation images) is logged, never acted upon.

    Raises
    ------
    Refused
        If the settings do not suit the data, training diverges, or ``resume`` finds no checkpoint of these settings.
    """
    network = settings.model.topology(settings.dataset, dataset.image, dataset.classes)
    try:
        out.mkdir(parents=True, exist_ok=True)  # Before hours of training, not after.
    except OSError as error:
        raise Refused(f"Folder --out {out} cannot be made ({error.strerror}); choose another") from None
    scales = settings.finetuning and settings.finetuning.scales
    model = trainable(network, settings.model, torch.Generator().manual_seed(settings.seed), scales)
    if start is not None:
        model.load_state_dict(start)
    state = _resumable(out / CHECKPOINT, settings, dataset) if resume else None
    if state is not None and processes.leads:
        _write_log(out, state["history"])  # A run killed between checkpoint and log lacks its last line.
    facts = {
        "settings": settings.to_json(), "network": network.to_json(), "dataset_sha256": dataset.digest,
        "versions": versions(),
    }

    def save(progress: dict) -> None:
        checkpoint.save(out / CHECKPOINT, facts | progress)
        _write_log(out, progress["history"])

    shown = dataset.with_validation(settings.validation, settings.seed) if settings.validation else dataset
    trainer = Trainer(
        model, shown, settings.recipe, settings.seed, processes, state, save, board, save_seconds, workers, network.name
    )
    if settings.model.vary:
        trainer.around = varied(model, settings.model.vary, settings.seed)
    return trainer.run()[-1]


def versions() -> dict[str, str]:
    """Versions of what trained bits depend on."""
    return {"torch": str(torch.__version__), "numpy": np.__version__}


def _resumable(path: Path, settings: Settings, dataset: Dataset) -> dict:
    """The checkpoint at ``path``, if it is of the same settings, data and torch."""
    state = checkpoint.load(path)
    difference = settings.difference(state["settings"])
    if difference is not None:
        name, then, now = difference
        raise Refused(
            f"Checkpoint {path} was trained with --{name.replace('_', '-')} {then}, not {now}; resume with the same "
            "settings or start again without --resume"
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
    write_text(out / LOG, "".join(json.dumps(line) + "\n" for line in history))


def _board(folder: Path) -> Callable[[dict], None]:
    """Writer of epoch records for TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise Refused("Option --tensorboard needs the package tensorboard; run pip install tensorboard") from None
    writer = SummaryWriter(folder)

    def report(record: dict) -> None:
        for name, value in record.items():
            if name != "epoch":
                writer.add_scalar(name, value, record["epoch"])
        writer.flush()

    return report


def add_run_options(parser: argparse.ArgumentParser, out: Path) -> None:
    """Options of :func:`run`; ``out`` is the folder to write if none is given."""
    add = parser.add_argument_group("run").add_argument
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default: build/data)")
    add("--out", type=Path, default=out, help=f"folder to write (default: {out})")
    add("--resume", action="store_true", help="go on from the checkpoint in --out")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: a GPU where there is one")
    add("--threads", type=int, default=1, help="of a CPU (default: 1; the bits depend on it)")
    add("--workers", type=int, default=4, help="processes that decode images in files (default: 4)")
    add("--save-seconds", type=float, default=300.0, help="between checkpoints within an epoch (default: 300)")
    add("--tensorboard", action="store_true", help="also log for TensorBoard")
    add("--json", action="store_true", help="print the result as JSON")


def run(
    arguments: argparse.Namespace, prepare: Callable[[], tuple[Settings, Dataset]], start: dict | None = None
) -> int:
    """Train with the options of :func:`add_run_options` what ``prepare()`` gives, and print the result.

    ``start`` is as in :func:`fit`.
    """
    if arguments.threads < 1:
        raise Refused(f"Option --threads must be at least 1, not {arguments.threads}")
    torch.set_num_threads(arguments.threads)
    settings, dataset = prepare()
    processes = Processes.start(arguments.device)
    board = _board(arguments.out / "tensorboard") if arguments.tensorboard and processes.leads else None
    try:
        result = fit(
            settings, dataset, arguments.out, processes, resume=arguments.resume, workers=arguments.workers,
            save_seconds=arguments.save_seconds, board=board, start=start,
        )
    finally:
        processes.stop()
    paths = {"checkpoint": str(arguments.out / CHECKPOINT), "log": str(arguments.out / LOG)}
    if not processes.leads:
        return 0
    if arguments.json:
        print(json.dumps(result | paths))
    else:
        print(f"held-out accuracy {result['held_out_accuracy']:.2%} after {result['epoch']} epochs")
        print("\n".join(paths.values()))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m train.fit", description="Train a hidden-fold network.")
    add_settings_options(parser)
    add_run_options(parser, Path("build/train/digits"))
    arguments = parser.parse_args(argv)

    def prepare() -> tuple[Settings, Dataset]:
        settings = settings_from(arguments)
        return settings, load_dataset(settings.dataset, arguments.data)

    return run(arguments, prepare)


if __name__ == "__main__":
    run_command(main)
