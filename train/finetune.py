"""Fine-tune a trained network with the activations it will be deployed with: for 6 bits and fewer.

    python -m train.finetune --checkpoint build/train/digits/checkpoint.pt --bits 4 --out build/train/digits-4bit
    python -m train.export --checkpoint build/train/digits-4bit/checkpoint.pt --out build/digits-4bit.safetensors

Scales are taken from calibration images, as ``train.export`` takes them, and stay; scores and batch norms learn on,
while every stored activation is rounded as the hardware rounds it (:mod:`train.nets.fake_quantize`). The checkpoint
holds the scales, and ``train.export`` deploys it with them. Everything else is as in ``train.fit``: data, seed and
network of the checkpoint, its recipe at a tenth of the learning rate, files, ``--resume``.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from console.command import CommandParser, Whole
from console.settings import add_settings, given_settings
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.deploy.choice import Calibration
from train.fit import CHECKPOINT, add_run_options, run
from train.loop import checkpoint
from train.loop.existing import keep_existing
from train.loop.recipe import Recipe
from train.loop.settings import Settings, read_recipe
from train.loop.trainer import accuracy
from train.nets.scales import FineTuning

__all__ = ["gentle", "main", "parser", "tuning_of"]

#: Of the learning rate the network was trained with, and of its epochs.
_RATE, _EPOCHS = 0.1, 0.2


def gentle(recipe: Recipe) -> Recipe:
    """``recipe`` for a network that it has trained already: a tenth of its rates, falling as a cosine, and a fifth of
    its epochs, all with images of full size.
    """
    return dataclasses.replace(
        recipe, lr=recipe.lr * _RATE, norm_lr=recipe.norm_lr * _RATE, epochs=max(1, round(recipe.epochs * _EPOCHS)),
        schedule="cosine", milestones=(), warmup=0.0, small_sizes=(), small_until=(),
    )


def tuning_of(path: Path, state: dict, dataset: Dataset, calibration: Calibration) -> FineTuning:
    """How the network of the checkpoint ``state``, read from ``path``, is to be fine-tuned.

    Raises
    ------
    Refused
        If the network was fine-tuned before, was trained on other data, or cannot be deployed.
    """
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(f"Checkpoint {path} was trained on other images than {dataset.name} now holds; train it again")
    if Settings.from_json(state["settings"]).finetuning is not None:
        raise Refused(f"Checkpoint {path} is of a fine-tuned network; start from the one it was fine-tuned from")
    model = checkpoint.restore(state)
    if model.config.rings is not None:
        raise Refused(f"Checkpoint {path} is of a network with rings, which cannot be fine-tuned; export it as it is")
    choice = calibration.choose(model, dataset)
    return FineTuning(
        checkpoint=checkpoint.digest(path), **dataclasses.asdict(calibration), rule=str(choice.rule),
        float_accuracy=round(accuracy(model, dataset.test_images, dataset.test_labels), 6),
        steps=dict(choice.scales.steps), residual_shifts=dict(choice.scales.residual_shifts),
    )


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.finetune", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("--checkpoint", type=Path, required=True, help="of a network trained in floating point, by train.fit")
    add_settings(made, Calibration)
    add("--seed", type=Whole(0, (1 << 31) - 1), help="of order and variation of images (default: the checkpoint's)")
    add("--recipe", help="TOML file with a section [training], or a name (default: the checkpoint's recipe, gentler)")
    add_settings(made.add_argument_group("training", "instead of what the recipe says"), Recipe)
    add_run_options(made, Path("build/train/finetuned"))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    path = arguments.checkpoint
    if path.resolve() == (arguments.out / CHECKPOINT).resolve():
        raise Refused(f"Option --out {arguments.out} is where --checkpoint lies, which would be lost; choose another")
    keep_existing(arguments.out / CHECKPOINT, arguments.existing)
    torch.set_num_threads(arguments.threads)
    state = checkpoint.load(path)
    before = Settings.from_json(state["settings"])
    recipe = gentle(before.recipe).to_json()
    if arguments.recipe:
        recipe = read_recipe(arguments.recipe).get("training", {})
    recipe = Recipe.from_json(recipe | given_settings(arguments, Recipe))
    dataset = before.load(arguments.data)
    tuning = tuning_of(path, state, dataset, Calibration(**given_settings(arguments, Calibration)))
    seed = before.seed if arguments.seed is None else arguments.seed
    settings = dataclasses.replace(before, recipe=recipe, seed=seed, finetuning=tuning)
    return run(arguments, settings, dataset, state["model"])


if __name__ == "__main__":
    run_command(main)
