"""Recipes and lists in TOML, logs and results in JSON."""

import random
from collections.abc import Callable
from pathlib import Path

from flows.report.shapes import ENERGY, SYNTHESIS, WAVES, check_shape
from flows.sweep.area import AreaModel, read_runs
from sim.network_list import read_list
from spec.config import AcceleratorConfig, config_for
from spec.documents import read_json
from tests.fuzz.mutate import as_json, damaged_bytes, damaged_tree, edge
from tests.fuzz.worker import Make
from train.fit import parser
from train.loop.settings import read_recipe, recipe_names, settings_from
from train.zoo import ZOO, read_zoo

__all__ = ["recipes", "results"]

_ROOT = Path(__file__).resolve().parents[2]

_LINES = (
    "[network", "a = " + "[" * 2000, "a = " + "{a=" * 500, ".".join("a" * 3000) + " = 1",
    "[" + ".".join("b" * 500) + "]", "widths = [" + "1, " * 5000 + "]", "lr = nan", "lr = inf",
    "epochs = 9999999999999999999999999", "seed = 1e400",
    "dataset = '\\u0000'", 'dataset = "\\u001b[31m"', "[rings]\ndof = 1", "stem = 1979-05-27", "[[model]]", "x = true",
)


def _damaged_toml(text: str, rng: random.Random) -> bytes:
    """``text`` with a damaged line or two, or damaged bytes."""
    lines = text.splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        number = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                lines.insert(number, rng.choice(_LINES))
            case 1:
                del lines[number]
            case 2:
                lines.append(lines[number])
            case _ if "=" in lines[number]:
                lines[number] = f"{lines[number].split('=')[0]}= {as_json(edge(rng), rng)}"
        lines = lines or [""]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return damaged_bytes(content, rng) if rng.random() < 0.2 else content


def _train(path: Path, image: tuple[int, int, int]) -> None:
    """The settings of the recipe in ``path``, and its network for images of ``image``."""
    settings = settings_from(parser().parse_args(["--recipe", str(path), "--dataset", "digits"]))
    if settings.model.residual:
        settings.model.topology("fuzz", image, 10)


def recipes(folder: Path) -> Make:
    """Damaged recipes of train.fit, lists of train.zoo and of sim.networks."""
    names = recipe_names()
    for name in names:
        read_recipe(name)  # All of them are well before.
    texts = [(_ROOT / "train" / "recipes" / f"{name}.toml").read_text() for name in names]
    models, networks = (ZOO / "zoo.toml").read_text(), (_ROOT / "sim" / "networks.toml").read_text()
    path = folder / "recipe.toml"

    def make(rng: random.Random) -> Callable[[], object]:
        kind = rng.random()
        text = rng.choice(texts) if kind < 0.7 else models if kind < 0.85 else networks
        path.write_bytes(_damaged_toml(text, rng))
        image = rng.choice(((8, 8, 1), (32, 32, 3), (224, 224, 3)))
        return (lambda: _train(path, image)) if kind < 0.7 else (lambda: (read_zoo if kind < 0.85 else read_list)(path))

    return make


def results(folder: Path) -> Make:
    """Damaged results that flows.report and flows.sweep read, and configurations of builds."""
    config = config_for(16).to_json()
    part = {"used": 1, "of": 2}
    bases = {
        "energy": {"caveat": "c", "split_uj_per_image": {"a": 0.5, "b": 1}, "total_uj_per_image": 1.5},
        "waves": {"text": "t", "first_cycle": 3, "signals": [{"name": "n", "width": 1, "values": [0, None, 1]}]},
        "synthesis": {
            "config": config, "part": "p", "route": {"fmax_mhz": 80.5, "tool": "t", "version": "1", "seed": 1},
            "synthesis": {
                "components": {"host": {"lut": 5}}, "resources": {"lut": part}, "lut_per_pe": 1.0, "tool": "y",
                "version": "1", "stage": "s", "counted": "c",
            },
        },
        "runs": {"runs": [{"config": config, "resources": {"lut": 9, "ff": 8, "bram": 1, "dsp": 2}}] * 2},
        "config": config,
    }
    shapes = {"energy": ENERGY, "waves": WAVES, "synthesis": SYNTHESIS}
    path = folder / "result.json"

    def use(kind: str) -> None:
        if kind == "runs":
            AreaModel.fitted(read_runs(path))
            return
        found = read_json(path, "File", "make it again")
        if kind == "config":
            AcceleratorConfig.from_json(found)
        else:
            check_shape(found, shapes[kind], f"File {path}:")

    def make(rng: random.Random) -> Callable[[], object]:
        kind = rng.choice(sorted(bases))
        content = as_json(damaged_tree(bases[kind], rng), rng).encode()
        path.write_bytes(damaged_bytes(content, rng) if rng.random() < 0.2 else content)
        return lambda: use(kind)

    return make
