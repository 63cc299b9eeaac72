"""A CIFAR-10 network on routed builds beside other systems: accuracy, images/s, resources, clock, energy.

`python -m flows.bench cifar10`. Accuracy is that of the deployed model; cycles are the exact model's, on the build that
a ``synth.json`` of ``flows.synth --route`` describes; images/s are those at its routed clock. Without ``--routed`` a
build whose memories just hold the model is synthesized and routed here, which takes long. Energy is the estimate of
``flows.asic`` for silicon, not of the FPGA.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from flows.bench.others import systems
from flows.bench.synthesis import memory_options, synthesized
from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import AcceleratorConfig, config_for
from spec.documents import read_json
from spec.model import Model, load
from spec.refusal import Refused

__all__ = [
    "DATA", "GOAL", "ROOMS", "ROUTE", "add_options", "build_options", "check", "cifar10_row", "failed", "inputs",
    "measure", "meets", "other_rows", "rate", "tables",
]

ROOMS = (
    "spec", "rtl", "gen", "flows/synth", "flows/tools", "flows/bench/cifar10.py", "flows/bench/others.py",
    "flows/bench/synthesis.py",
)

#: At least so many images a second and % of accuracy, in at most so many LUTs, on one build.
GOAL = {"images_per_s": 2431, "top1": 85.0, "lut": 25_000}

#: What the images of the zoo's models are, by the SHA-256 of their data set, and what those of the others are.
DATA = {"bce146e38a09a651f45f6f9bd939c7da26bea449ae1d3ec233cca72b2f98133b": "CIFAR-10 (JPEG q75 copy)"}
_OTHERS_DATA = "CIFAR-10"

_MODEL = Path("zoo/cifar10-small-1of4.safetensors")

#: The build that is routed if none is given, beside its memories.
_SHAPE = {"groups": 16, "rows": 16}

#: How flows.synth routes it.
ROUTE = ("--route", "--seeds", "2", "--mhz", "110")


def cifar10_row(name: str, model: Model, record: dict, energies: Sequence[dict] = ()) -> dict:
    """Figures of ``model``, called ``name``, on the build of ``record``, a ``synth.json``, with the energy of the
    ``asic.json`` among ``energies`` that is of the same model, shape and lanes, if there is one.

    Raises
    ------
    Refused
        If the build was not routed, or cannot hold the model.
    """
    config, route = AcceleratorConfig.from_json(record["config"]), record["route"]
    if route is None:
        raise Refused(f"The synthesis of {config.pe} PEs was not routed; run python -m flows.synth with --route")
    prediction = predict(compile_model(model, config))
    used = {kind: record["synthesis"]["resources"][kind]["used"] for kind in ("lut", "ff", "bram", "dsp")}
    mac_per_cycle = sum(command.macs for command in prediction.commands) / prediction.total
    energy = next((e["energy"]["total_uj_per_image"] for e in energies if _is_of(e, model, config)), None)
    return {
        "system": f"ours: {name}, {config.pe} PEs", "part": record["part"],
        "data": DATA.get(model.provenance.get("dataset_sha256"), _unknown(model)),
        "top1": 100 * model.provenance["deployed_accuracy"],
        "pe": config.pe, "cycles_per_image": prediction.per_image,
        "images_per_s": 1e6 * route["fmax_mhz"] / prediction.per_image,
        **used, "mhz": route["fmax_mhz"], "mac_per_cycle": mac_per_cycle,
        "mac_per_cycle_per_lut": mac_per_cycle / used["lut"], "uj_per_image": energy,
        "source": f"{route['tool']} {route['version']}, seed {route['seed']}, {route['stage']}",
    }


def _unknown(model: Model) -> str:
    return f"CIFAR-10 (SHA-256 {str(model.provenance.get('dataset_sha256'))[:8]})"


def _is_of(energy: dict, model: Model, config: AcceleratorConfig) -> bool:
    """Whether an ``asic.json`` is of ``model`` on as many groups, rows and lanes."""
    shape = ("groups", "rows", "lanes")
    return energy["model_sha256"] == model.hash and all(energy["config"][n] == getattr(config, n) for n in shape)


def other_rows() -> list[dict]:
    """The published systems, with the keys of :func:`cifar10_row`; None where a source is silent."""
    silent = dict.fromkeys(("ff", "bram", "mac_per_cycle", "mac_per_cycle_per_lut"))
    named = ((system.name, asdict(system)) for system in systems())
    return [{"system": name, "data": _OTHERS_DATA} | row | silent for name, row in named]


def meets(row: dict) -> bool:
    """Whether a row reaches the goal in all three."""
    return (
        row["images_per_s"] >= GOAL["images_per_s"] and row["top1"] >= GOAL["top1"] and row["lut"] <= GOAL["lut"]
    )


def rate(images_per_s: float) -> str:
    """Images/s for people: whole ones, unless they are few."""
    return f"{images_per_s:,.0f}" if images_per_s >= 100 else f"{images_per_s:.1f}"


def tables(data: dict) -> list[Table]:
    """For people: how good and fast, and what it takes."""
    reached = Table(
        "system", "data set", title="CIFAR-10 on FPGAs and small chips",
        caption=f"goal: one of ours with at least {GOAL['images_per_s']:,} images/s at >= {GOAL['top1']:g} % in at "
        f"most {GOAL['lut']:,} LUTs: {'missed' if failed(data) else 'met'}; our energy is estimated for silicon, not "
        "for the FPGA; empty: not published",
    )
    taken = Table("system", title="What they take", caption="MAC dense-equivalent; empty: not published")
    shown = {
        reached: {"top-1 %": ("top1", "{:.2f}".format), "images/s": ("images_per_s", rate),
                  "MHz": ("mhz", "{:.1f}".format), "µJ": ("uj_per_image", "{:,.1f}".format)},
        taken: {"LUT": ("lut", "{:,}".format), "FF": ("ff", "{:,}".format), "block RAM": ("bram", "{:,}".format),
                "DSP": ("dsp", "{:,}".format), "MAC/cycle/LUT": ("mac_per_cycle_per_lut", "{:.4f}".format)},
    }
    for table, columns in shown.items():
        for column in columns:
            table.add_column(column, justify="right")
    reached.add_column("source")
    for row in data["rows"] + data["others"]:
        system = f"{row['system']}, {row['part'].partition(',')[0]}"
        cells = {
            table: ["" if row[name] is None else text(row[name]) for name, text in columns.values()]
            for table, columns in shown.items()
        }
        reached.add_row(system, row["data"], *cells[reached], row["source"])
        if any(cells[taken]):
            taken.add_row(system, *cells[taken])
    return [reached, taken]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--model", type=Path, default=_MODEL, help=f"model file (default {_MODEL})")
    parser.add_argument("--routed", type=Path, action="append", default=[], metavar="JSON",
                        help="synth.json of a routed build, a row each (default: 256 PEs are routed, for long)")
    parser.add_argument("--energy", type=Path, action="append", default=[], metavar="JSON",
                        help="asic.json of the model on as many groups, rows and lanes as a row has (default: none)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse a model of something else, and records that are none."""
    model = load(arguments.model)
    if model.provenance.get("dataset") != "cifar10" or "deployed_accuracy" not in model.provenance:
        raise Refused(f"Model {arguments.model} does not say what it reached on cifar10; export it by train.export")
    energies = [_read(path, "flows.asic", dict) for path in arguments.energy]
    rows = [_read(path, "flows.synth", lambda r: cifar10_row("", model, r)) for path in arguments.routed]
    builds = [AcceleratorConfig.from_json(json.loads(path.read_text())["config"]) for path in arguments.routed]
    if not rows:
        builds = [_fitted(model)]
    for path, energy in zip(arguments.energy, energies, strict=True):
        try:
            known = any(_is_of(energy, model, config) and energy["energy"]["total_uj_per_image"] for config in builds)
        except (KeyError, TypeError) as error:
            raise Refused(f"File {path} is not by flows.asic ({error!r}); make it again") from None
        if not known:
            raise Refused(f"Energy {path} is of another model or shape than every build; run python -m flows.asic "
                          f"{arguments.model} with the --groups and --rows of one")


def _read(path: Path, command: str, made: Callable[[dict], dict]) -> dict:
    """What is ``made`` of the JSON in ``path``, which is of ``command``."""
    try:
        return made(read_json(path, "File", f"python -m {command} makes one"))
    except Refused:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"File {path} is not by {command} ({error!r}); make it again") from None


def _fitted(model: Model) -> AcceleratorConfig:
    """The build that is routed if none is given."""
    return fitted(config_for(_SHAPE["groups"] * _SHAPE["rows"], **_SHAPE), model.network)


def build_options(model: Model) -> tuple[str, ...]:
    """Options of ``flows.synth`` for the build that is routed if none is given."""
    config = _fitted(model)
    shape = ("--pe", str(config.pe), "--groups", str(config.groups), "--rows", str(config.rows))
    return (*shape, *memory_options(config))


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    files = [arguments.model, *arguments.routed, *arguments.energy, Path(__file__).with_name("cifar10.toml")]
    return {"files": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]}


def measure(arguments: argparse.Namespace) -> dict:
    """A row for every routed build, and the others."""
    model = load(arguments.model)
    routed = arguments.routed or [synthesized((*build_options(model), *ROUTE), arguments.out / "cifar10")]
    energies = [json.loads(path.read_text()) for path in arguments.energy]
    rows = [cifar10_row(arguments.model.stem, model, json.loads(path.read_text()), energies) for path in routed]
    return {"goal": GOAL, "rows": rows, "others": other_rows()}


def failed(data: dict) -> bool:
    """Whether no build reaches the goal."""
    return not any(meets(row) for row in data["rows"])
