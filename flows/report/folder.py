"""What a build folder and the results beside it hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.report.shapes import ENERGY, SIMULATION, SYNTHESIS, WAVES, check_like, check_shape
from gen.compile import Program, compile_model
from gen.cycles import predict
from gen.layers import layers_json
from spec.config import AcceleratorConfig
from spec.documents import read_json
from spec.model import Model, load
from spec.refusal import Refused

__all__ = ["Results", "read_results"]

#: Keys of config.json that follow from the others.
_DERIVED = ("schema_version", "hash", "pe")


_SHAPES = {"simulation": SIMULATION, "synthesis": SYNTHESIS, "energy": ENERGY, "waves": WAVES}

#: By what results are known to be of a build and model, which is asked first.
_OWNERS = {"layers": {"network": str, "config": {"hash": str}}, "synthesis": {"config": dict}}


@dataclass(frozen=True)
class Results:
    """A build with a model, and what is known of it.

    Parameters
    ----------
    config : AcceleratorConfig
    model : Model
    program : Program
    layers : dict
        ``layers.json``: measured in simulation, or predicted.
    simulation, synthesis, energy, waves : dict or None
        ``report.json`` of ``sim.run``, ``synth.json``, ``energy.json`` and ``waves.json``, where there are such.
    """

    config: AcceleratorConfig
    model: Model
    program: Program
    layers: dict
    simulation: dict | None
    synthesis: dict | None
    energy: dict | None
    waves: dict | None


def read_results(folder: Path, given: Mapping[str, Path | None]) -> Results:
    """Everything in ``folder``, which ``gen.build --model`` wrote, and the files ``given`` by name of their kind.

    Raises
    ------
    Refused
        If the folder is no build with a model, or a result is absent, damaged or of another build or model.
    """
    none = f"Folder {folder} is no build; write one with python -m gen.build --model"
    plain = _read(folder / "config.json", none, {})
    config = AcceleratorConfig.from_json({key: value for key, value in plain.items() if key not in _DERIVED})
    if not (folder / "model.safetensors").is_file():
        raise Refused(f"Build {folder} has no model; give gen.build one with --model")
    model = load(folder / "model.safetensors")
    program = compile_model(model, config)
    predicted = layers_json(program, predict(program), ())
    found = {
        kind: path and _read(path, f"There are no results {path}", _OWNERS.get(kind, dict))
        for kind, path in given.items()
    }
    layers = found.pop("layers") or predicted
    simulated, built = (layers["network"], layers["config"]["hash"]), (model.network.name, f"{config.hash:08x}")
    if simulated != built:
        raise Refused(
            f"Simulation {given['layers'].parent} is of {' on build '.join(simulated)}, not of {' on '.join(built)}; "
            "run sim.run on this model with the options of this build"
        )
    check_like(layers, predicted, f"File {given['layers']}:")
    synthesis = found["synthesis"]
    if synthesis is not None and synthesis["config"] != config.to_json():
        raise Refused(f"Synthesis {given['synthesis']} is of another build; run flows.synth with this one's options")
    for kind, record in found.items():
        if record is not None:
            check_shape(record, _SHAPES[kind], f"File {given[kind]}:")
    return Results(config, model, program, layers, **found)


def _read(path: Path, remedy: str, shape: object) -> dict:
    if not path.is_file():
        raise Refused(remedy)
    found = read_json(path, "File", "make it again")
    check_shape(found, shape, f"File {path}:")
    return found
