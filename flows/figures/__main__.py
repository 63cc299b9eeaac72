"""`python -m flows.figures`: draw the plots of docs again, from the results in ``docs/results``.

A result gets there by ``python -m flows.tables --take``. Plots whose results are not there are left as they are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from console.command import CommandParser
from flows.figures import folds, rings
from flows.figures.chart import Panel, drawn
from spec.files import write_text
from spec.refusal import Refused, run_command

__all__ = ["FIGURES", "FOLDER", "main", "panel_of", "parser"]

_ROOT = Path(__file__).resolve().parents[2]

#: Where results are and where plots go, below the root.
RESULTS, FOLDER = "docs/results", "docs/figures"

#: Files of results, and what is drawn of them, by the name of the plot.
FIGURES: Mapping[str, tuple[tuple[str, ...], Callable[..., Panel]]] = {
    "ring-dof": (("ring-resnet18.json", "ring-resnet34.json"), rings.dof),
    "ring-dof-printed": ((), rings.dof_printed),
    "ring-vit": (("ring-vit.json",), rings.dof),
    "ring-methods": (("baselines.json",), rings.methods),
    "ring-ablation": (("ablation.json",), rings.ablation),
    "ring-convergence": (("convergence.json",), rings.convergence),
    "ring-batches": (("convergence.json",), rings.batches),
    "fold-accuracies": (("fold-convergence.json",), folds.accuracies),
    "fold-losses": (("fold-convergence.json",), folds.losses),
    "fold-depth": (("fold-depth.json",), folds.depth),
    "fold-width": (("fold-width.json",), folds.width),
    "fold-bytes": (("fold-width.json",), folds.bytes_of),
    "fold-iterations": (("fold-iterations.json",), partial(folds.iterations, norms=("ubn",))),
    "fold-iterations-shared": (("fold-iterations.json",), partial(folds.iterations, norms=("sbn", "nabn"))),
    "fold-stretch-folded": (("fold-stretch.json",), partial(folds.stretch, method="folded")),
    "fold-stretch-hfn": (("fold-stretch.json",), partial(folds.stretch, method="hfn")),
}


def panel_of(name: str, root: Path) -> Panel | None:
    """Plot ``name`` from the results below ``root``; None if one of them is not there.

    Raises
    ------
    Refused
        If results are not what their command writes.
    """
    files, made = FIGURES[name]
    paths = [root / RESULTS / file for file in files]
    if not all(path.is_file() for path in paths):
        return None
    try:
        return made(*(json.loads(path.read_text()) for path in paths))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(
            f"Plot {name} cannot be made from {', '.join(map(str, paths))} ({error!r}); take the results again"
        ) from None


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.figures", description=__doc__.splitlines()[0])
    made.add_argument("--root", type=Path, default=_ROOT, help="folder of docs (default: this one)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    for name in FIGURES:
        panel = panel_of(name, arguments.root)
        if panel is None:
            continue
        text, path = drawn(panel), arguments.root / FOLDER / f"{name}.svg"
        if not path.is_file() or path.read_text() != text:
            print(write_text(path, text))
    return 0


if __name__ == "__main__":
    run_command(main)
