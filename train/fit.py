"""Train a network: learn which of its random weights to keep.

    python -m train.fit --out build/train/digits
    python -m train.fit --recipe fashion-minute --mode 1of4 --data /usr/share/datasets --out build/train/fashion
    python -m train.fit --recipe digits --method hnn --dof 4608 --out build/train/ring      # weights from a ring
    python -m train.fit --out build/train/digits --resume                                   # or --overwrite
    torchrun --nproc-per-node 2 -m train.fit --out build/train/digits

Writes ``checkpoint.pt`` and ``log.jsonl`` (one JSON object an epoch), and goes on from them with ``--resume``, whenever
it was stopped. The run is a function of its settings (:mod:`train.loop.settings`): on one machine, an interrupted and
resumed run ends in the same bits as an uninterrupted one, and its checkpoint in the same bytes. One process at a time
writes to a folder, and a checkpoint that is there is not lost unasked.

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV; for rings, RPG (arXiv:2107.07110), section 5.1.
"""

import argparse
import dataclasses
import importlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from console.command import CommandParser, Number, Whole, add_json, add_out
from console.curve import curve
from console.lock import only_writer
from console.record import json_text
from spec.files import output_folder
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.loop import checkpoint
from train.loop.existing import Existing, add_existing, computed_by, keep_existing, resumable, versions
from train.loop.log import read_log, timeless, with_times, write_log
from train.loop.processes import DEVICES, Processes
from train.loop.settings import Settings, add_settings_options, settings_from
from train.loop.teacher import taught_by
from train.loop.trainer import Run, Trainer
from train.nets.model import ResidualNet
from train.nets.vary import varied

__all__ = ["ALONE", "CHECKPOINT", "LOG", "Given", "add_run_options", "fit", "main", "parser", "run"]

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


@dataclass(frozen=True)
class Given:
    """Networks that a run begins with: ``start``, the state dict to go on from, and ``teacher``, as in Trainer."""

    start: dict | None = None
    teacher: nn.Module | None = None


#: A run that begins with nothing.
ALONE = Given()


def fit(
    settings: Settings, dataset: Dataset, out: Path, how: Run, *, existing: Existing = Existing.KEEP,
    given: Given = ALONE,
) -> dict:
    """Train to the end of ``settings``, write to the folder ``out``, and return the record of the last epoch.

    ``existing`` says what becomes of a checkpoint in ``out``; ``given`` has the networks that are not drawn by
    ``settings.seed``. The held-out accuracy (test or validation images) is logged, never acted upon.

    Raises
    ------
    Refused
        If the settings do not suit the data, training diverges, there is nothing of these settings to resume, a
        checkpoint would be lost, or another process is writing to ``out``.
    """
    model = settings.untrained(dataset)
    if given.start is not None:
        model.load_state_dict(given.start)
    # Before hours of training, not after.
    with only_writer(output_folder(out)) if how.processes.leads else nullcontext():
        if how.processes.leads:
            keep_existing(out / CHECKPOINT, existing)
        state = None
        if existing is Existing.RESUME:
            state = resumable(out / CHECKPOINT, settings, dataset, how.processes)
            state["history"] = with_times(state["history"], out / LOG)
            if how.processes.leads:
                write_log(out / LOG, state["history"])  # Where it was killed, epochs may be lost that are there.
        trainer = _trainer(model, settings, dataset, out, how)
        trainer.state, trainer.teacher = state, given.teacher
        return trainer.run()[-1]


def _trainer(model: nn.Module, settings: Settings, dataset: Dataset, out: Path, how: Run) -> Trainer:
    """What trains ``model`` as :func:`fit` says."""
    network = model.network if isinstance(model, ResidualNet) else None
    facts = {
        "settings": settings.to_json(), "network": network.to_json() if network else {},
        "dataset_sha256": dataset.digest, "versions": versions(), "computed_by": computed_by(how.processes),
    }

    def save(progress: dict) -> None:
        write_log(out / LOG, progress["history"])
        checkpoint.save(out / CHECKPOINT, facts | progress | {"history": timeless(progress["history"])})

    shown = dataset.with_validation(settings.validation, settings.seed) if settings.validation else dataset
    trainer = Trainer(model, shown, settings.recipe, settings.seed, how, save=save)
    if settings.model.vary:
        trainer.around = varied(model, settings.model.vary, settings.seed)
    return trainer


def _board(folder: Path) -> Callable[[dict], None]:
    """Writer of epoch records for TensorBoard."""
    try:
        writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter(folder)
    except ImportError:
        raise Refused("Option --tensorboard needs the package tensorboard; run pip install tensorboard") from None

    def report(record: dict) -> None:
        for name, value in record.items():
            if name != "epoch":
                writer.add_scalar(name, value, record["epoch"])
        writer.flush()

    return report


def add_run_options(parser: CommandParser, out: Path) -> None:
    """Options of :func:`run`, and ``--threads``; ``out`` is the folder to write if none is given."""
    group = parser.add_argument_group("run")
    add = group.add_argument
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add_out(group, f"folder to write (default {out})", out)
    add_existing(group)
    add("--teacher", type=Path, help="checkpoint of a network that teaches this one, with --distill (default: none)")
    add("--device", default="auto", choices=DEVICES, help="default: a GPU where there is one")
    add("--threads", type=Whole(1, 1024), default=1, help="threads of a CPU; the bits depend on it (default 1)")
    add("--workers", type=Whole(0, 1024), default=4, help="processes that decode images in files (default 4)")
    add("--save-seconds", type=Number(least=0, most=86400), default=300.0,
        help="between checkpoints in an epoch (default 300)")
    add("--tensorboard", action="store_true", help="also log for TensorBoard")
    add_json(group)


def run(arguments: argparse.Namespace, settings: Settings, dataset: Dataset, start: dict | None = None) -> int:
    """Train with the options of :func:`add_run_options`, and print the result; ``start`` is that of
    :class:`Given`."""
    teacher = None
    if arguments.teacher is not None:
        if not settings.recipe.distill:
            raise Refused("Option --teacher has no use without --distill, its share of the loss; give that, too")
        teacher = taught_by(arguments.teacher, dataset)
        settings = dataclasses.replace(settings, teacher=checkpoint.digest(arguments.teacher))
    out, processes = arguments.out, Processes.start(arguments.device)
    board = _board(out / "tensorboard") if arguments.tensorboard and processes.leads else None
    how = Run(processes, settings.dataset, arguments.workers, arguments.save_seconds, board)
    try:
        result = fit(settings, dataset, out, how, existing=arguments.existing, given=Given(start, teacher))
    finally:
        processes.stop()
    paths = {"checkpoint": str(out / CHECKPOINT), "log": str(out / LOG)}
    if not processes.leads:
        return 0
    if arguments.json:
        print(json_text(result | paths), end="")
    else:
        print(f"held-out accuracy {result['held_out_accuracy']:.2%} after {result['epoch']} epochs")
        print(curve([record["held_out_accuracy"] for record in read_log(out / LOG)]))
        print("\n".join(paths.values()))
    return 0


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.fit", description=__doc__.splitlines()[0])
    add_settings_options(made)
    add_run_options(made, Path("build/train/digits"))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    keep_existing(arguments.out / CHECKPOINT, arguments.existing)
    torch.set_num_threads(arguments.threads)
    settings = settings_from(arguments)
    dataset = settings.load(arguments.data)
    return run(arguments, settings if "batch" in arguments else settings.with_batch_for(dataset), dataset)


if __name__ == "__main__":
    run_command(main)
