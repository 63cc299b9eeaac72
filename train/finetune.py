"""Fine-tune a trained network with the activations it will be deployed with: for 6 bits and fewer.

    python -m train.finetune --checkpoint build/train/digits/checkpoint.pt --bits 4 --out build/train/digits-4bit
    python -m train.export --checkpoint build/train/digits-4bit/checkpoint.pt --out build/digits-4bit.safetensors

Scales are taken from calibration images, as ``train.export`` takes them, and stay; scores and batch norms learn on,
while every stored activation is rounded as the hardware rounds it (:mod:`train.nets.fake_quantize`). The checkpoint
holds the scales, and ``train.export`` deploys it with them. Everything else is as in ``train.fit``: data, seed and
network of the checkpoint, its recipe at a tenth of the learning rate, files, ``--resume``.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from spec.refusal import Refused, run_command
from train.data import Dataset, load_dataset
from train.deploy.choice import Calibration, add_calibration_options, given_calibration
from train.fit import CHECKPOINT, add_run_options, run
from train.loop import checkpoint
from train.loop.recipe import Recipe
from train.loop.settings import Settings, add_recipe_options, given_recipe
from train.loop.trainer import accuracy
from train.nets.config import ModelConfig
from train.nets.scales import FineTuning

__all__ = ["gentle", "main", "tuning_of"]

#: Of the learning rate the network was trained with, and of its epochs.
_RATE, _EPOCHS = 0.1, 0.2


def gentle(recipe: Recipe) -> Recipe:
    """``recipe`` for a network that it has trained already: a tenth of its rate, falling as a cosine, and a fifth of
    its epochs.
    """
    return dataclasses.replace(
        recipe, lr=recipe.lr * _RATE, epochs=max(1, round(recipe.epochs * _EPOCHS)), schedule="cosine", milestones=(),
        warmup=0.0,
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
    if checkpoint.finetuning_of(state) is not None:
        raise Refused(f"Checkpoint {path} is of a fine-tuned network; start from the one it was fine-tuned from")
    model = checkpoint.restore(state)
    choice = calibration.choose(model, dataset)
    return FineTuning(
        checkpoint=checkpoint.digest(path), **dataclasses.asdict(calibration), rule=str(choice.rule),
        float_accuracy=round(accuracy(model, dataset.test_images, dataset.test_labels), 6),
        steps=dict(choice.scales.steps), residual_shifts=dict(choice.scales.residual_shifts),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train.finetune", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="of a network trained in floating point, by train.fit")
    add_calibration_options(parser)
    add("--seed", type=int, help="of order and variation of images (default: the checkpoint's)")
    add("--recipe", type=Path, help="TOML file with a section [training] (default: the checkpoint's recipe, gentler)")
    add_recipe_options(parser)
    add_run_options(parser, Path("build/train/finetuned"))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = _parser().parse_args(argv)
    path = arguments.checkpoint
    if path.resolve() == (arguments.out / CHECKPOINT).resolve():
        raise Refused(f"Option --out {arguments.out} is where --checkpoint lies, which would be lost; choose another")
    state = checkpoint.load(path)

    def prepare() -> tuple[Settings, Dataset]:
        before = state["settings"]
        recipe = Recipe.load(arguments.recipe) if arguments.recipe else gentle(Recipe.from_json(before["recipe"]))
        recipe = Recipe.from_json(recipe.to_json() | given_recipe(arguments))
        dataset = load_dataset(before["dataset"], arguments.data)
        tuning = tuning_of(path, state, dataset, given_calibration(arguments) or Calibration())
        seed = before["seed"] if arguments.seed is None else arguments.seed
        settings = Settings(
            ModelConfig.from_json(before["model"]), recipe, before["dataset"], before["validation"], seed, tuning
        )
        return settings, dataset

    return run(arguments, prepare, state["model"])


if __name__ == "__main__":
    run_command(main)
