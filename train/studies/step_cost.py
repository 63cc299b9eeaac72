"""What a training step of a hidden-fold network costs, as a multiple of the dense step of the same network.

    python -m train.studies.step_cost

Same topology, batch norms, data and optimizer; only the layers differ: ``dense`` learns weights, the mask modes learn
scores, and ``sort`` is edge-popup as the papers' code has it, which sorts all scores again at every use of a layer.
Times are CPU seconds of one thread. The variants take turns, and a ratio is the median over the rounds of ratios
within a round, so that what else the machine does cancels.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III-B: about 1.75 times a dense step.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from console.command import CommandParser, Whole, add_json, add_out
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from spec.files import output_file, write_text
from spec.refusal import run_command
from spec.supermask import Mode
from train.nets.config import Method, ModelConfig
from train.nets.layers import EdgePopup, HiddenConv
from train.nets.model import HiddenFoldNet

__all__ = ["DENSE", "SORT", "SUBJECTS", "SortEveryUse", "Step", "main", "measure", "parser"]

#: Variants beside the mask modes.
DENSE, SORT = "dense", "sort"

#: Networks that are measured: image, classes, configuration.
SUBJECTS = {
    "hf-resnet18, half width, 32x32": ((32, 32, 3), 100, {"network": "resnet18", "width": 32}),
    "hf-resnet34, quarter width, 32x32": ((32, 32, 3), 100, {"network": "resnet34", "width": 16}),
    "small (0,3,3), 28x28": ((28, 28, 1), 10, {"iterations": (0, 3, 3)}),
}


class SortEveryUse(nn.Module):
    """A hidden layer whose mask is made by sorting, once per iteration: the papers' code.

    Parameters
    ----------
    hidden : HiddenConv
        In mode ``any``.
    """

    def __init__(self, hidden: HiddenConv):
        super().__init__()
        self.hidden = hidden

    def effective_weight(self) -> None:
        """Nothing yet."""

    def forward(self, x: Tensor, weight: None, iteration: int) -> Tensor:
        """As :meth:`train.nets.layers.Convolution.forward`, of a mask made now."""
        hidden = self.hidden
        order = hidden.scores.detach().abs().flatten().argsort()
        mask = torch.ones(len(order), dtype=torch.bool)
        mask[order[: len(order) - hidden.count]] = False
        effective = EdgePopup.apply(hidden.scores, hidden.weight, mask.view(hidden.scores.shape))
        return hidden(x, hidden.as_convolved(effective), iteration)


class Step:
    """Training steps of one variant of a network on one random batch.

    Parameters
    ----------
    subject, variant : str
        Of :data:`SUBJECTS`; :data:`DENSE`, :data:`SORT` or a mask mode.
    batch : int
    """

    def __init__(self, subject: str, variant: str, batch: int):
        image, classes, settings = SUBJECTS[subject]
        method = Method.FOLDED if variant == DENSE else Method.HFN
        mode = Mode.ANY if variant in (DENSE, SORT) else Mode(variant)
        config = ModelConfig.of(method, mode=mode, **settings)
        network = config.topology("subject", image, classes)
        self.model = HiddenFoldNet(network, config, torch.Generator().manual_seed(0))
        if variant == SORT:
            self.model.convolutions = nn.ModuleList(SortEveryUse(hidden) for hidden in self.model.convolutions)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
        generator = torch.Generator().manual_seed(1)
        self.images = torch.randint(0, 256, (batch, *image), dtype=torch.uint8, generator=generator)
        self.labels = torch.randint(0, classes, (batch,), generator=generator)

    def run(self) -> float:
        """Do one step and return its CPU seconds."""
        begun = time.process_time()
        self.optimizer.zero_grad()
        functional.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()
        return time.process_time() - begun

    def memory(self) -> int:
        """Bytes that live through a step: parameters, gradients, momenta, frozen weights, what backward keeps."""
        kept: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = functional.cross_entropy(self.model(self.images), self.labels)
            loss.backward()
        momenta = [state["momentum_buffer"] for state in self.optimizer.state.values()]
        gradients = [parameter.grad for parameter in self.model.parameters()]
        for tensor in (*self.model.parameters(), *self.model.buffers(), *gradients, *momenta):
            note(tensor)
        return sum(kept.values())


def measure(subject: str, batch: int, rounds: int, advance=lambda: None) -> dict:
    """Cost of every variant of ``subject``, after one step that does not count.

    Returns
    -------
    dict with ``subject``, ``batch``, ``weights``, and per variant the median CPU seconds, the ratio to the dense step
    and the bytes of :meth:`Step.memory`.
    """
    steps = {variant: Step(subject, variant, batch) for variant in (DENSE, *Mode, SORT)}
    seconds: dict[str, list[float]] = {variant: [] for variant in steps}
    for step in steps.values():
        step.run()
    for _ in range(rounds):
        for variant, step in steps.items():
            seconds[variant].append(step.run())
            advance()
    rows = []
    for variant, step in steps.items():
        memory, dense = step.memory(), seconds[DENSE]
        ratios = [own / other for own, other in zip(seconds[variant], dense, strict=True)]
        rows.append({
            "variant": str(variant), "cpu_seconds": round(statistics.median(seconds[variant]), 5),
            "over_dense": round(statistics.median(ratios), 4), "memory_bytes": memory,
            "memory_over_dense": round(memory / steps[DENSE].memory(), 4),
        })
    weights = steps[DENSE].model.network.weight_count
    return {"subject": subject, "batch": batch, "weights": weights, "variants": rows}


def _table(result: dict) -> Table:
    table = Table("step", title=f"{result['subject']}, batch {result['batch']}, {result['weights']:,} weights")
    for column in ("CPU ms", "/ dense", "memory, MB", "/ dense"):
        table.add_column(column, justify="right")
    for row in result["variants"]:
        table.add_row(
            row["variant"], f"{1e3 * row['cpu_seconds']:.1f}", f"{row['over_dense']:.3f}",
            f"{row['memory_bytes'] / 1e6:.1f}", f"{row['memory_over_dense']:.3f}",
        )
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.step_cost", description=__doc__.splitlines()[0])
    made.add_argument("--batch", type=Whole(1, 65536), default=64, help="images per step (default 64)")
    made.add_argument("--rounds", type=Whole(1, 10_000), default=5, help="steps of every variant (default 5)")
    add_out(made, "file to write (default build/bench/step_cost.json)", Path("build/bench/step_cost.json"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all subjects."""
    arguments = parser().parse_args(argv)
    output_file(arguments.out)
    torch.set_num_threads(1)
    results = []
    with progress_bars() as progress:
        task = progress.add_task("steps", total=len(SUBJECTS) * (len(Mode) + 2) * arguments.rounds)
        for subject in SUBJECTS:
            progress.update(task, description=subject)
            results.append(measure(subject, arguments.batch, arguments.rounds, lambda: progress.advance(task)))
    text = json_text({
        "threads": 1, "rounds": arguments.rounds, "torch": str(torch.__version__), "results": results,
    })
    written = write_text(arguments.out, text)
    if arguments.json:
        print(text, end="")
    else:
        for result in results:
            screen().print(_table(result))
        print(written)
    return 0


if __name__ == "__main__":
    run_command(main)
