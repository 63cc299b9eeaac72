"""A page on how well a deployed network does: its accuracy by class, mistakes, and how it was trained.

Slow to import (matplotlib), so import it where the page is written.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image

from console.pages.drawing import INK, Drawing, style
from console.pages.page import both_widths, render
from spec.model import Model
from train.data import Dataset
from train.deploy.judgement import Judgement

__all__ = ["eval_page"]

_TEMPLATE = Path(__file__).with_name("eval.html.j2")

_WORST = 24  #: Mistakes that are shown.

_SHOWN = 40  #: Classes up to which confusions are drawn, each in a row and a column.

_LOSS, _ACCURACY, _COUNT = "#d1495b", "#2a9d8f", "#2a9d8f"


def eval_page(deployed: Model, dataset: Dataset, judgement: Judgement, log: Sequence[dict]) -> str:
    """The page of ``deployed`` on the held-out images of ``dataset``.

    ``log`` has ``epoch``, ``loss`` and ``held_out_accuracy`` of every epoch of training, or nothing.
    """
    names = deployed.class_names
    shares = sorted(zip(names, judgement.by_class, judgement.confusion.sum(1).tolist(), strict=True), key=_by_share)
    measured = deployed.provenance.get("float_accuracy")
    return render(
        _TEMPLATE, name=deployed.network.name, dataset=dataset.name, judgement=judgement, classes=shares,
        float_accuracy=measured if isinstance(measured, float) else None,
        mistakes=[_mistake(dataset, judgement, names, index) for index in judgement.worst(_WORST)],
        confusion=both_widths(_confusion, judgement.confusion, names) if len(names) <= _SHOWN else None,
        curve=both_widths(_curve, log) if log else None,
    )


def _by_share(row: tuple[str, float | None, int]) -> tuple[bool, float]:
    """The worst class first, those without images last."""
    return row[1] is None, row[1] or 0.0


def _mistake(dataset: Dataset, judgement: Judgement, names: Sequence[str], index: int) -> dict:
    pixels = np.squeeze(dataset.test_images[index : index + 1][0])
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="png")
    return {
        "png": base64.b64encode(png.getvalue()).decode(), "number": index,
        "label": names[judgement.labels[index]], "guess": names[judgement.guesses[index]],
    }


def _confusion(counts: np.ndarray, names: Sequence[str], width: float) -> str:
    """A square per pair of classes, darker the larger the share of the row's images."""
    with style():
        drawing = Drawing(width, min(width, 7.5, 1.5 + 0.7 * len(names)), "Which class is taken for which")
        axes = drawing.figure.add_subplot()
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        small = 6 if len(names) > 12 or width < 6 else 8
        for row, column in np.ndindex(*counts.shape):
            square = axes.add_patch(_square(row, column, shares[row, column]))
            text = f"{names[row]} taken for {names[column]}: {counts[row, column]}"
            drawing.tip(square, text)
            if counts[row, column]:
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=small)
        ticks = range(len(names))
        axes.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
        axes.set_yticks(ticks, names, fontsize=small)
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal", xlabel="taken for",
                 ylabel="is")
        axes.tick_params(length=0)
        return drawing.svg()


def _square(row: int, column: int, share: float) -> Rectangle:
    return Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=_COUNT, alpha=0.08 + 0.72 * share, edgecolor="none")


def _curve(log: Sequence[dict], width: float) -> str:
    """Held-out accuracy and loss over epochs."""
    with style():
        drawing = Drawing(width, 0.28 * width + 1.4, "Held-out accuracy and loss by epoch of training")
        axes = drawing.figure.add_subplot()
        epochs = [record["epoch"] for record in log]
        for of, name, colour, values in (
            (axes, "held-out accuracy, %", _ACCURACY, [100 * record["held_out_accuracy"] for record in log]),
            (axes.twinx(), "loss", _LOSS, [record["loss"] for record in log]),
        ):
            of.plot(epochs, values, color=colour, linewidth=1.6)
            for epoch, value in zip(epochs, values, strict=True):
                mark, = of.plot(epoch, value, "o", color=colour, markersize=3)
                drawing.tip(mark, f"epoch {epoch:.0f}: {name} {value:.4g}")
            of.set_ylabel(name, color=colour)
            of.spines["right"].set_visible(of is not axes)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        return drawing.svg()
