"""What `import foldenite` offers: the work of the commands, called from Python.

Options are those of the commands, by name without dashes: ``psum_depth=100`` is ``--psum-depth 100``, ``fit=True`` is
``--fit``, ``widths=(8, 16)`` is ``--widths 8,16``. They are read by the commands' own parsers, so that what a command
refuses is refused here, with the same sentence (:class:`spec.refusal.Refused`).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import gen.build
import sim.run
from console.command import CommandParser
from sim.subject import Subject
from spec import golden, model
from spec.files import output_file, output_folder
from spec.refusal import Refused
from train.data import Dataset
from train.deploy.choice import Calibration
from train.deploy.proof import store, vectors_path
from train.eval import evaluate as evaluated
from train.export import export as exported
from train.fit import CHECKPOINT, fit
from train.loop import checkpoint
from train.loop.existing import add_existing
from train.loop.processes import Processes
from train.loop.settings import add_settings_options, settings_from
from train.loop.trainer import Run

__all__ = ["Trained", "build", "evaluate", "export", "simulate", "train"]

#: Of the images to train on, the share that is held out where no other images are given to judge by.
_HELD_OUT = 0.25

#: Most held-out images in a vector file, and training images that scales are taken from, as ``train.export`` has them.
_VECTORS, _CALIBRATION = 32, 512


@dataclass(frozen=True)
class Trained:
    """What :func:`train` gives: the checkpoint, the images it was trained and judged on, and the last epoch's record.

    ``record`` has ``held_out_accuracy``, among others; it is that of ``log.jsonl``.
    """

    checkpoint: Path
    dataset: Dataset
    record: Mapping[str, float]

    @property
    def accuracy(self) -> float:
        """Share of the held-out images that are classified rightly, after the last epoch."""
        return self.record["held_out_accuracy"]


def train(
    images: np.ndarray, labels: np.ndarray, out: Path | str, *,
    held_out: tuple[np.ndarray, np.ndarray] | None = None, name: str = "images", **settings: object,
) -> Trained:
    """Train a hidden network on ``images``, as ``python -m train.fit`` does on a data set, and save it in ``out``.

    Parameters
    ----------
    images : uint8 array (n, H, W, C)
        Raw pixels.
    labels : integer array (n,)
        Classes, from 0 on.
    out : path
        Folder to write.
    held_out : (images, labels), optional
        What accuracy is measured on; by default a quarter of the images, drawn by ``seed``, which are not trained on.
    name : str
        Of the data, which checkpoint and model carry.
    settings
        Options of ``train.fit`` for recipe, network and training, such as ``recipe="digits"``, ``epochs=5``,
        ``mode="1of4"``, ``seed=1``; and ``resume=True`` or ``overwrite=True`` where ``out`` holds a checkpoint.

    Raises
    ------
    Refused
        If images, labels or a setting cannot be used, or a checkpoint in ``out`` would be lost.
    """
    _check_pairs(images, labels)
    if held_out is not None:
        _check_pairs(*held_out)
        if held_out[0].shape[1:] != images.shape[1:]:
            raise Refused(f"Held-out images are {held_out[0].shape[1:]}, but those to train on {images.shape[1:]}")
    parser = CommandParser(prog="python -m train.fit")
    add_settings_options(parser)
    add_existing(parser)
    arguments = _parsed(parser, {"dataset": name} | settings)
    chosen = settings_from(arguments)
    folder = output_folder(out)
    test_images, test_labels = held_out or (images, labels)
    classes = int(max(labels.max(), test_labels.max())) + 1
    dataset = Dataset(
        name, images, labels.astype(np.int64), test_images, test_labels.astype(np.int64), classes=classes
    )
    if held_out is None:
        dataset = dataset.with_validation(_HELD_OUT, chosen.seed)
    if "batch" not in arguments:
        chosen = chosen.with_batch_for(dataset)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the command does: trained bits depend on it
    processes = Processes.start()
    try:
        record = fit(chosen, dataset, folder, Run(processes, name), existing=arguments.existing)
    finally:
        processes.stop()
        torch.set_num_threads(threads)
    return Trained(folder / CHECKPOINT, dataset, record)


def export(
    trained: Trained, out: Path | str, *, bits: int | None = None, calibrator: str | None = None,
) -> Path:
    """Turn a trained network into the model file ``out``, as ``python -m train.export`` does, and return its path.

    Its vectors are beside it. Torch and the golden model agree on all of them, or nothing is written.

    Parameters
    ----------
    trained : Trained
        What :func:`train` gave.
    out : path
        A ``.safetensors`` file to write.
    bits : int, optional
        Of a stored activation; 8 by default.
    calibrator : str, optional
        Rule that scales of activations are found by; by default the best of all.

    Raises
    ------
    Refused
        If the network cannot be stored, or an option is impossible.
    train.deploy.proof.MismatchError
        If the two disagree, which is our bug.
    """
    path = output_file(out)
    vectors_path(path)  # refused now, if it is
    given = {name: value for name, value in (("bits", bits), ("calibrator", calibrator)) if value is not None}
    calibration = Calibration(**given, calibration=min(_CALIBRATION, len(trained.dataset.train_images)))
    count = min(_VECTORS, len(trained.dataset.test_images))
    deployed, proof = exported(checkpoint.load(trained.checkpoint), trained.dataset, calibration, count)
    return store(deployed, proof, path)[0]


def evaluate(path: Path | str, images: np.ndarray, labels: np.ndarray) -> dict:
    """Judge the model file ``path`` on ``images``, as ``python -m train.eval`` does on a data set.

    Parameters
    ----------
    images : uint8 array (n, H, W, C)
    labels : integer array (n,)

    Returns
    -------
    dict with ``accuracy`` of the integers, ``images`` and ``difference`` of the deployed torch model and the golden
    one: None if every stored value agrees.

    Raises
    ------
    Refused
        If there is no such model, or images or labels are not what it takes.
    """
    deployed = model.load(Path(path))
    golden.check_images(deployed, images)
    _check_pairs(images, labels)
    classes = deployed.network.classes
    if labels.max() >= classes:
        raise Refused(f"Network {deployed.network.name!r} knows classes 0 to {classes - 1}, not {labels.max()}")
    return evaluated(deployed, Dataset("images", images, labels, images, labels, classes=classes))


def build(out: Path | str, *, model: Path | str | None = None, **options: object) -> gen.build.Build:
    """Write the accelerator's Verilog to the folder ``out``, and ``model`` compiled for it: ``python -m gen.build``.

    ``options`` are those of the command, such as ``pe=64`` or ``fit=True``.

    Raises
    ------
    Refused
        If there is no such build, or the model does not fit it; nothing is written then.
    """
    named = {} if model is None else {"model": model}
    return gen.build.built(_parsed(gen.build.parser(), {"out": out} | named | options))


def simulate(path: Path | str, images: np.ndarray | int | None = None, **options: object) -> sim.run.Verdict:
    """Run images through the Verilog with the model file ``path`` and compare all it stores: ``python -m sim.run``.

    Parameters
    ----------
    images : uint8 array (n, H, W, C), or int, optional
        The images; or how many of those that lie beside the model as vectors, or of random ones; by default as many as
        the command runs.
    options
        Of the command, such as ``pe=64``, ``stall=0.1``, ``out="build/mine/sim"``.

    Returns
    -------
    The verdict: ``report.mismatch`` is None if every value agrees, ``report.predictions`` the class of every image.

    Raises
    ------
    Refused
        If there is no such model or build, or it does not take such images.
    sim.verilator.SimulationFailed
        If a tool fails.
    """
    count = {"images": images} if isinstance(images, int) else {}
    arguments = _parsed(sim.run.parser(), count | options, str(path))
    subject = None
    if images is not None and not count:
        loaded = model.load(Path(path))
        golden.check_images(loaded, images)
        if not len(images):
            raise Refused("There are no images to run: 0 given")
        subject = Subject(images, np.full(len(images), -1), {"golden model": golden.run(loaded, images)})
    return sim.run.simulate(arguments, subject)


def _check_pairs(images: np.ndarray, labels: np.ndarray) -> None:
    """Refuse images that are not uint8 (n, H, W, C), and labels that are not one class for each."""
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or not images.size:
        raise Refused(f"Images must be a uint8 array (count, height, width, channels), not {_kind(images)}")
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        size = f"({len(images)},)"
        raise Refused(f"Labels must be an integer array {size}, one class for each image, not {_kind(labels)}")
    if labels.min() < 0:
        raise Refused(f"Labels must be classes from 0 on, not {labels.min()}")


def _kind(given: object) -> str:
    return f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__


def _parsed(parser: CommandParser, options: Mapping[str, object], *words: str) -> argparse.Namespace:
    """What ``parser`` reads of ``words`` and of ``options`` as one would type them."""
    typed, offered = list(words), parser.format_help()
    for name, value in options.items():
        option = name.replace("_", "-")
        if value is True:
            typed.append(f"--{option}")
        elif value is not False:
            typed.append(f"--{option}={_text(value)}")
        elif f"--no-{option}" in offered:
            typed.append(f"--no-{option}")
    return parser.parse_args(typed)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={part}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value))
    return str(value)
