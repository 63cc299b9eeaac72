"""What a run of training is a function of: data, network, recipe, seed. From a recipe file and the command line."""

import argparse
import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

from spec.refusal import Refused
from train.data import DATASETS
from train.loop.options import add_model_options, given_model_settings, integers
from train.loop.recipe import Recipe
from train.nets.config import Method, ModelConfig
from train.nets.scales import FineTuning

__all__ = [
    "Settings", "add_recipe_options", "add_settings_options", "given_recipe", "read_recipe", "recipe_names",
    "settings_from",
]

_RECIPES = Path(__file__).parents[1] / "recipes"
_SECTIONS = {"data", "network", "training"}


@dataclass(frozen=True)
class Settings:
    """A checkpoint stores it, and ``--resume`` insists on it.

    Parameters
    ----------
    model : ModelConfig
    recipe : Recipe
    dataset : str
    validation : float
        Share of the training images that accuracy is logged on instead of the test set; 0: the test set.
    seed : int
        Of initial scores, of order and variation of images, of the validation images.
    finetuning : FineTuning, optional
        Of a network that is fine-tuned with rounded activations.
    """

    model: ModelConfig
    recipe: Recipe
    dataset: str
    validation: float = 0.0
    seed: int = 0
    finetuning: FineTuning | None = None

    def __post_init__(self):
        if not 0 <= self.seed < 1 << 31:
            raise Refused(f"Setting --seed must be from 0 to 2**31 - 1, not {self.seed}")

    def to_json(self) -> dict:
        """Plain form, as checkpoints and provenance hold it."""
        plain = {
            "model": self.model.to_json(), "recipe": self.recipe.to_json(), "dataset": self.dataset,
            "validation": self.validation, "seed": self.seed,
        }
        return plain if self.finetuning is None else plain | {"finetuning": self.finetuning.to_json()}

    def difference(self, other: dict) -> tuple[str, object, object] | None:
        """First setting in which :meth:`to_json` is not ``other``: its name, the value there and the value here."""
        mine, theirs = (
            dict(plain["model"]) | plain["recipe"] | {name: plain[name] for name in ("dataset", "validation", "seed")}
            | plain.get("finetuning", {})
            for plain in (self.to_json(), other | {"model": ModelConfig.from_json(other["model"]).to_json()})
        )
        for name in mine | theirs:
            if theirs.get(name) != mine.get(name):
                return name, theirs.get(name), mine.get(name)
        return None


def recipe_names() -> list[str]:
    """Recipes that come with the package."""
    return sorted(path.stem for path in _RECIPES.glob("*.toml"))


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Options of :func:`settings_from`. What is not given is as in the recipe file."""
    parser.add_argument(
        "--recipe", default="digits",
        help=f"TOML file with sections [data], [network] and [training], or one of {', '.join(recipe_names())} "
        "(default: digits)",
    )
    for option, meaning, kind in (
        ("dataset", f"one of {', '.join(DATASETS)}", str),
        ("validation", "share of the training images to measure on instead of the test set", float),
        ("seed", "of scores, order and variation (default: 0)", int),
    ):
        parser.add_argument(f"--{option}", default=argparse.SUPPRESS, type=kind, help=meaning)
    add_model_options(parser)
    add_recipe_options(parser)


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Options of the settings of a recipe, for :func:`given_recipe`."""
    group = parser.add_argument_group("training", "instead of what the recipe says")
    for field in dataclasses.fields(Recipe):
        more = {"type": field.type}
        if field.type is bool:
            more = {"action": argparse.BooleanOptionalAction}
        elif field.name == "milestones":
            more = {"type": integers}
        group.add_argument(f"--{field.name.replace('_', '-')}", default=argparse.SUPPRESS, **more)


def given_recipe(arguments: argparse.Namespace) -> dict:
    """Those settings of :class:`Recipe` that the options of :func:`add_recipe_options` gave."""
    names = {field.name for field in dataclasses.fields(Recipe)}
    return {name: value for name, value in vars(arguments).items() if name in names}


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings that the recipe file and the other options describe.

    Raises
    ------
    Refused
        If there is no such recipe, or a value is impossible, naming it.
    """
    sections = read_recipe(arguments.recipe)
    names = {"dataset", "validation", "seed"}
    data = sections.get("data", {}) | {name: value for name, value in vars(arguments).items() if name in names}
    unknown = data.keys() - names
    if unknown or "dataset" not in data:
        raise Refused(
            f"Section [data] of recipe {arguments.recipe} must give dataset, and may give validation and seed; it has "
            f"{sorted(data)}"
        )
    network = sections.get("network", {}) | given_model_settings(arguments)
    fields = {field.name for field in dataclasses.fields(ModelConfig)}
    if network.keys() - fields:
        raise Refused(
            f"Unknown network setting {min(network.keys() - fields)!r} in recipe {arguments.recipe}; the settings are "
            f"{', '.join(sorted(fields))}"
        )
    network = {name: tuple(value) if isinstance(value, list) else value for name, value in network.items()}
    recipe = Recipe.from_json(sections.get("training", {}) | given_recipe(arguments))
    return Settings(ModelConfig.of(network.pop("method", Method.HFN), **network), recipe, **data)


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
    try:
        sections = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"Recipe {path} cannot be read: {error}") from None
    if not sections.keys() <= _SECTIONS or not all(isinstance(section, dict) for section in sections.values()):
        raise Refused(f"Recipe {path} must have sections {', '.join(sorted(_SECTIONS))}; it has {', '.join(sections)}")
    return sections
