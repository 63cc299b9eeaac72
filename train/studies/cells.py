"""Cells of a study: training runs with a folder each, of which finished ones are kept and interrupted ones go on.

``OUT/cells/NAME`` holds what :mod:`train.fit` writes and, once the run is finished, ``cell.json``.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from console.kept import kept_record
from console.progress import progress_bars
from spec.refusal import Refused
from train.data import Dataset
from train.fit import CHECKPOINT, fit
from train.loop import checkpoint
from train.loop.existing import Existing, resumable, versions
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.loop.trainer import Run, accuracy
from train.nets.layers import HiddenConv
from train.nets.model import ResidualNet
from train.nets.stretch import stretch

__all__ = ["RESULT", "Cell", "folder_of", "run_cell", "run_cells"]

RESULT, _LOG = "cell.json", "output.txt"


@dataclass(frozen=True)
class Cell:
    """A run.

    Parameters
    ----------
    name : str
        Of its folder.
    settings : Settings
    offsets : tuple of int
        Accuracy is also measured with all recurrent blocks stretched by each of these.
    """

    name: str
    settings: Settings
    offsets: tuple[int, ...] = ()

    def facts(self, dataset: Dataset) -> dict:
        """What the result of the run on ``dataset`` depends on, as plain JSON."""
        return json.loads(json.dumps({
            "settings": self.settings.to_json(), "offsets": self.offsets, "versions": versions(),
            "dataset_sha256": dataset.digest,
        }))


def folder_of(cell: Cell, out: Path) -> Path:
    """Where ``cell`` is kept."""
    return out / "cells" / cell.name


def run_cells(
    cells: Sequence[Cell], dataset: Dataset, out: Path, jobs: int = 1, device: str = "auto"
) -> dict[str, dict]:
    """Results of ``cells`` (:func:`run_cell`) by name: here one after the other, or in ``jobs`` processes.

    Raises
    ------
    Refused
        As training does.
    """
    if jobs == 1:
        total = len(cells)
        return {
            cell.name: run_cell(cell, dataset, out, device, f"cell {number} of {total}, {cell.name}")
            for number, cell in enumerate(cells, 1)
        }
    results = {}
    with progress_bars() as progress, ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        task = progress.add_task("cells", total=len(cells))
        waiting = [pool.submit(_logged, cell, dataset, out, device) for cell in cells]
        try:
            for future in as_completed(waiting):
                result = future.result()
                results[result["name"]] = result
                progress.advance(task)
                progress.console.print(f"{result['name']}: {result['accuracy']:.2%}, {result['cpu_seconds']:.0f} CPU s")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {cell.name: results[cell.name] for cell in cells}


def _logged(cell: Cell, dataset: Dataset, out: Path, device: str) -> dict:
    """:func:`run_cell` in a process of many, whose progress goes to a file."""
    folder_of(cell, out).mkdir(parents=True, exist_ok=True)
    with open(folder_of(cell, out) / _LOG, "w") as log, redirect_stderr(log):
        return run_cell(cell, dataset, out, device)


def run_cell(cell: Cell, dataset: Dataset, out: Path, device: str = "auto", label: str = "training") -> dict:
    """Train ``cell`` on one CPU thread or a GPU, or what is left of it, keep its result and return that.

    The result has ``name``, ``accuracy`` (held-out images, after the last epoch), ``cpu_seconds`` of training and of
    measuring after each epoch, ``stretched`` (accuracy by offset) and ``density`` (kept fraction of all masked weights,
    None if there are none).
    """
    def trained() -> dict:
        torch.set_num_threads(1)
        started = time.process_time()
        how = Run(Processes.start(device), label)
        existing = _existing(cell, dataset, folder, how.processes)
        record = fit(cell.settings, dataset, folder, how, existing=existing)
        seconds = round(time.process_time() - started, 1)
        measured = _measured(cell, dataset, folder) if cell.settings.model.residual else {}
        return {"name": cell.name, "accuracy": record["held_out_accuracy"], "cpu_seconds": seconds} | measured

    folder = folder_of(cell, out)
    return kept_record(folder / RESULT, cell.facts(dataset), trained)


def _existing(cell: Cell, dataset: Dataset, folder: Path, processes: Processes) -> Existing:
    """Training goes on from a checkpoint of ``cell``; another one, or a damaged one, is replaced."""
    try:
        resumable(folder / CHECKPOINT, cell.settings, dataset, processes)
    except Refused:
        return Existing.OVERWRITE
    return Existing.RESUME


def _measured(cell: Cell, dataset: Dataset, folder: Path) -> dict:
    """What else the trained network of ``cell`` is asked for."""
    model = checkpoint.restore(checkpoint.load(folder / CHECKPOINT))
    if cell.settings.validation:
        dataset = dataset.with_validation(cell.settings.validation, cell.settings.seed)
    stretched = {
        str(offset): round(accuracy(_stretched(model, offset), dataset.test_images, dataset.test_labels), 6)
        for offset in cell.offsets
    }
    hidden = [layer for layer in model.convolutions if isinstance(layer, HiddenConv)]
    kept = sum(int(layer.mask().sum()) for layer in hidden)
    weights = sum(layer.weight.numel() for layer in hidden)
    return {"stretched": stretched, "density": round(kept / weights, 6) if hidden else None}


def _stretched(model: ResidualNet, offset: int) -> ResidualNet:
    """``model`` with ``offset`` more iterations of every recurrent block."""
    return stretch(model, {
        block.name: max(0, block.iterations + offset) for block in model.network.blocks if block.iterations > 1
    })
