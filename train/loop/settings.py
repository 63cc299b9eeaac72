"""What a run of training is a function of: data, network, recipe, seed. From a recipe file and the command line."""

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path

from torch import nn

from console.command import Number, Several, Whole
from console.settings import add_settings, check_settings, given_settings, setting
from spec.documents import read_toml
from spec.refusal import Refused
from train.data import DATASETS, Dataset, load_dataset
from train.data.pictures import RESIZES, Form
from train.loop.recipe import Recipe
from train.nets.build import built
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import Rings
from train.nets.scales import FineTuning

__all__ = ["Settings", "add_settings_options", "read_recipe", "recipe_names", "settings_from"]

_RECIPES = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True)
class Settings:
    """A checkpoint stores it, and ``--resume`` insists on it.

    ``finetuning`` is of a network that is fine-tuned with rounded activations, ``teacher`` the SHA-256 (hex) of the
    checkpoint that taught it, if one did; the other fields say what they mean.
    """

    model: ModelConfig
    recipe: Recipe
    dataset: str = setting(
        MISSING, f"data set: {', '.join(DATASETS)}, a folder with a folder of pictures per class, or an .npz file", str
    )
    size: tuple[int, ...] = setting(
        (), "height and width of pictures in folders, as in 24x40", Several(Whole(4, 1024), "x"), shown="as they are"
    )
    channels: int = setting(0, "channels that they get, 1 or 3; 0: as they have", Whole(0, 3))
    resize: str = setting("none", "how: none, fit (all of it, black around), crop (its middle)", RESIZES)
    validation: float = setting(
        0.0, "share of the training images to measure on instead of the test set", Number(least=0, below=1)
    )
    shrink: int = setting(1, "average squares of so many pixels first", Whole(1, 1024))
    images: int = setting(0, "train on the first so many images; 0: on all", Whole(0, 1 << 32))
    seed: int = setting(0, "of scores, of order and variation of images", Whole(0, (1 << 31) - 1))
    finetuning: FineTuning | None = None
    teacher: str = ""

    def __post_init__(self):
        check_settings(self)
        if self.channels == 2:
            raise Refused("Setting --channels must be 1 (grey) or 3 (colours), not 2")
        if len(self.size) not in (0, 2):
            raise Refused(f"Setting --size must be height and width, as in 24x40, not {'x'.join(map(str, self.size))}")

    def load(self, data: Path) -> Dataset:
        """Its data set, from the files in ``data``."""
        form = Form(self.size, self.channels, self.resize)
        return load_dataset(self.dataset, data, form).prepared(self.shrink, self.images)

    def with_batch_for(self, dataset: Dataset) -> "Settings":
        """These, but with no larger a batch than ``dataset`` has images to train on: for one that nobody asked for."""
        have = len(dataset.train_images)
        batch = min(self.recipe.batch, max(1, have - round(self.validation * have)))
        return dataclasses.replace(self, recipe=dataclasses.replace(self.recipe, batch=batch))

    def untrained(self, dataset: Dataset) -> nn.Module:
        """Its network for ``dataset``, before training."""
        scales = self.finetuning and self.finetuning.scales
        return built(self.model, dataset.name, dataset.image, dataset.classes, self.seed, scales)

    def to_json(self) -> dict:
        """Plain form, as checkpoints and provenance hold it; what came later and is as usual is left out."""
        plain = {
            "model": self.model.to_json(), "recipe": self.recipe.to_json(), "dataset": self.dataset,
            "validation": self.validation, "seed": self.seed,
        }
        plain |= {name: getattr(self, name) for name in _LATER if getattr(self, name) != _USUAL[name]}
        return plain if self.finetuning is None else plain | {"finetuning": self.finetuning.to_json()}

    @classmethod
    def from_json(cls, data: dict) -> "Settings":
        """What :meth:`to_json` gave; unknown and missing keys are refused by name."""
        names = [field.name for field in dataclasses.fields(cls)]
        for key in data if isinstance(data, dict) else (data,):
            if key not in names:
                raise Refused(f"Unknown key {key!r} in the settings of a run; the keys are {', '.join(names)}")
        for key in ("model", "recipe", "dataset"):
            if key not in data:
                raise Refused(f"Missing key {key} in the settings of a run")
        tuning = data.get("finetuning")
        return cls(**data | {
            "model": ModelConfig.from_json(data["model"]), "recipe": Recipe.from_json(data["recipe"]),
            "finetuning": None if tuning is None else FineTuning.from_json(tuning),
        })

    def difference(self, other: "Settings") -> tuple[str, object, object] | None:
        """First setting that ``other`` has otherwise: its name, the value there and the value here."""
        mine, theirs = self._flat(), other._flat()
        for name in mine | theirs:
            if theirs.get(name) != mine.get(name):
                return name, theirs.get(name), mine.get(name)
        return None

    def _flat(self) -> dict:
        """All settings by name, those of parts, too."""
        parts = (self, self.model, self.model.rings, self.recipe, self.finetuning)
        names = {name: value for part in parts if part is not None for name, value in vars(part).items()}
        return {name: value for name, value in names.items() if not dataclasses.is_dataclass(value)}


#: What old checkpoints know nothing of.
_LATER = ("shrink", "images", "size", "channels", "resize", "teacher")

_USUAL = {field.name: field.default for field in dataclasses.fields(Settings)}

#: What the sections of a recipe file are settings of.
_SECTIONS = {"data": Settings, "network": ModelConfig, "rings": Rings, "training": Recipe}


def recipe_names() -> list[str]:
    """Recipes that come with the package."""
    return sorted(path.stem for path in _RECIPES.glob("*.toml"))


def add_settings_options(
    parser: argparse.ArgumentParser, recipe: str = "digits", sections: Sequence[str] = tuple(_SECTIONS)
) -> None:
    """Options of :func:`settings_from`. What is not given is as in the recipe file, by default ``recipe``.

    A command whose networks are its own has those of some ``sections`` only.
    """
    named = ", ".join(f"[{name}]" for name in _SECTIONS)
    parser.add_argument(
        "--recipe", default=recipe,
        help=f"TOML file with sections {named}, or one of {', '.join(recipe_names())} (default {recipe})",
    )
    for name in sections:
        add_settings(parser.add_argument_group(name, "instead of what the recipe says"), _SECTIONS[name])


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings that the recipe file and the other options describe.

    Raises
    ------
    Refused
        If there is no such recipe, or a value is impossible, naming it.
    """
    file, found = read_recipe(arguments.recipe), {}
    for section, kind in _SECTIONS.items():
        given = file.get(section, {}) | given_settings(arguments, kind)
        known = [field.name for field in dataclasses.fields(kind) if field.metadata]
        if unknown := given.keys() - known:
            raise Refused(
                f"Unknown setting {min(unknown)!r} in section [{section}] of recipe {arguments.recipe}; the settings "
                f"are {', '.join(known)}"
            )
        found[section] = given
    if "dataset" not in found["data"]:
        raise Refused(f"Recipe {arguments.recipe} does not say on what to train; give --dataset")
    network = found["network"]
    if rings := found["rings"]:
        if "dof" not in rings:
            raise Refused(f"Option --{min(rings)} says how rings are; give --dof, their values, as well")
        network["rings"] = Rings(**rings)
    model = ModelConfig.of(network.pop("method", Method.HFN), **network)
    return Settings(model=model, recipe=Recipe.from_json(found["training"]), **found["data"])


def read_recipe(recipe: str) -> dict[str, dict]:
    """Sections of a recipe file, by path or by name.

    Raises
    ------
    Refused
        If there is no such recipe, or it is no TOML file with those sections.
    """
    path = Path(recipe)
    if path.suffix != ".toml":
        if recipe not in recipe_names():
            raise Refused(f"There is no recipe {recipe!r}; give a .toml file or one of {', '.join(recipe_names())}")
        path = _RECIPES / f"{recipe}.toml"
    sections = read_toml(path, "Recipe", "copy one of the package's and change it")
    if not sections.keys() <= _SECTIONS.keys() or not all(isinstance(section, dict) for section in sections.values()):
        raise Refused(f"Recipe {path} must have sections {', '.join(_SECTIONS)}; it has {', '.join(sections)}")
    return sections
