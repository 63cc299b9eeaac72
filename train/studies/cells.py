"""Cells of a comparison: training runs with a folder each, one process each, finished ones never repeated.

``OUT/cells/NAME`` holds what :mod:`train.fit` writes and, once the run is finished, ``cell.json``. A cell that was
interrupted starts again; its neighbours stay.
"""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from spec.files import write_text
from spec.refusal import Refused
from train.data import load_dataset
from train.data.prepared import prepared
from train.fit import CHECKPOINT, fit, versions
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.loop.trainer import accuracy
from train.nets.layers import HiddenConv
from train.nets.model import HiddenFoldNet
from train.nets.stretch import stretch

__all__ = ["RESULT", "Cell", "run_cell", "run_cells"]

RESULT, _LOG = "cell.json", "output.txt"


@dataclass(frozen=True)
class Cell:
    """A run.

    Parameters
    ----------
    name : str
        Of its folder.
    settings : Settings
    images : int
        Training images, the first ones; 0: all.
    offsets : tuple of int
        Accuracy is also measured with all recurrent blocks stretched by each of these.
    """

    name: str
    settings: Settings
    images: int
    offsets: tuple[int, ...] = ()

    def facts(self) -> dict:
        """What the result of the run depends on, as plain JSON."""
        facts = {
            "settings": self.settings.to_json(), "images": self.images, "offsets": self.offsets, "versions": versions()
        }
        return json.loads(json.dumps(facts))


def run_cells(cells: Sequence[Cell], data: Path, out: Path, jobs: int) -> dict[str, dict]:
    """Results of ``cells`` by name, those already in ``out`` read, the others trained in ``jobs`` processes.

    Raises
    ------
    Refused
        If ``out`` holds a cell of that name with other settings, or as training does.
    """
    results = {cell.name: found for cell in cells if (found := _finished(cell, out)) is not None}
    left = [cell for cell in cells if cell.name not in results]
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())
    started = time.perf_counter()
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool,
    ):
        task = progress.add_task("cells", total=len(cells), completed=len(results))
        waiting = [pool.submit(run_cell, cell, data, out) for cell in left]
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                result = future.result()
                results[result["name"]] = result
                progress.advance(task)
                if not console.is_terminal:
                    rest = (time.perf_counter() - started) / done * (len(left) - done)
                    print(f"{result['name']}: {result['accuracy']:.2%}, {result['cpu_seconds']:.0f} CPU s; "
                          f"{len(left) - done} cells left, about {rest / 60:.0f} min", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {cell.name: results[cell.name] for cell in cells}


def _finished(cell: Cell, out: Path) -> dict | None:
    """The result of ``cell`` in ``out``, if it is finished."""
    path = out / "cells" / cell.name / RESULT
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
        same = {key: found[key] for key in cell.facts()} == cell.facts()
    except (ValueError, KeyError, TypeError):
        raise Refused(f"Cell {path} is damaged; delete it and run the command again") from None
    if not same:
        raise Refused(f"Cell {path} was trained with other settings; choose another --out or delete it")
    return found


def run_cell(cell: Cell, data: Path, out: Path) -> dict:
    """Train ``cell`` in this process on one CPU thread, write its ``cell.json`` and return what that holds.

    Besides :meth:`Cell.facts`: ``name``, ``accuracy`` (held-out images, after the last epoch), ``stretched`` (accuracy
    by offset), ``density`` (kept fraction of all weights, None if all are learned), ``cpu_seconds`` of training and of
    measuring after each epoch, ``dataset_sha256``.
    """
    torch.set_num_threads(1)
    folder = out / "cells" / cell.name
    dataset = prepared(load_dataset(cell.settings.dataset, data), 1, cell.images)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    with open(folder / _LOG, "w") as log, redirect_stderr(log):
        record = fit(cell.settings, dataset, folder, Processes.start("cpu"))
    seconds = time.process_time() - started
    model = checkpoint.restore(checkpoint.load(folder / CHECKPOINT))
    if cell.settings.validation:
        dataset = dataset.with_validation(cell.settings.validation, cell.settings.seed)
    stretched = {
        str(offset): round(accuracy(_stretched(model, offset), dataset.test_images, dataset.test_labels), 6)
        for offset in cell.offsets
    }
    result = cell.facts() | {
        "name": cell.name, "accuracy": record["held_out_accuracy"], "stretched": stretched, "density": _density(model),
        "cpu_seconds": round(seconds, 1), "dataset_sha256": dataset.digest,
    }
    write_text(folder / RESULT, json.dumps(result, indent=1) + "\n")
    return result


def _stretched(model: HiddenFoldNet, offset: int) -> HiddenFoldNet:
    """``model`` with ``offset`` more iterations of every recurrent block."""
    return stretch(model, {
        block.name: max(0, block.iterations + offset) for block in model.network.blocks if block.iterations > 1
    })


def _density(model: HiddenFoldNet) -> float | None:
    hidden = [layer for layer in model.convolutions if isinstance(layer, HiddenConv)]
    if not hidden:
        return None
    kept = sum(int(layer.mask().sum()) for layer in hidden)
    return round(kept / sum(layer.weight.numel() for layer in hidden), 6)
