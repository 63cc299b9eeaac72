"""The parts of a page that show layers: their cycles, utilization, roofline, memory."""

from pathlib import Path

from console.pages import page
from console.pages.page import both_widths
from gen.pages import figures

__all__ = ["layer_sections", "render"]

#: What the colours of the first drawing mean, in the words of the register map.
_CAUSE_TEXTS = {
    "array": "the array computes",
    "weight_load": "waits for weights, which are arriving",
    "mask_wait": "waits for the masks of weights",
    "drain": "the last sums leave the array",
    "requantize": "the last results pass the requantizers",
    "pool": "max pool",
    "host": "logits go to the host",
    "sequencer": "fetching commands, filling the pipeline",
}


def layer_sections(layers: dict, stalls: float = 0.0) -> dict:
    """What the templates ``layers``, ``memory`` and ``commands`` need of ``layers.json``.

    ``stalls`` is the probability with which the host paused when cycles were measured.
    """
    commands, totals = layers["commands"], layers["totals"]
    computing = [record for record in commands if record["passes"]]
    causes = totals["causes_cycles_measured"] or totals["causes_cycles_predicted"]
    took = totals["cycles_measured"] or totals["cycles_predicted"]
    return {
        "layers": layers,
        "stalls": stalls,
        "totals": totals,
        "took": took,
        "commands": commands,
        "legend": [
            {"colour": figures.CAUSE_COLOURS[cause], "name": cause.replace("_", " "), "text": text,
             "percent": 100 * causes[cause] / took}
            for cause, text in _CAUSE_TEXTS.items()
        ],
        "modes": {mode: figures.MODE_COLOURS[mode] for mode in layers["roofs"]},
        "folded": any(record["iterations"] > 1 for record in commands),
        "cycles": both_widths(figures.cycles_by_cause, commands),
        "utilization": both_widths(figures.utilization, computing),
        "roofline": both_widths(figures.roofline, computing, layers["roofs"], layers["pe"]),
        "deviations": sum(record["cycles_measured"] not in (None, record["cycles_predicted"]) for record in commands),
    }


def render(template: Path, **values) -> str:
    """The page that ``template`` makes of ``values``; it may include the templates of this folder.

    Raises
    ------
    jinja2.UndefinedError
        If it uses a value that it is not given.
    """
    return page.render(template, [Path(__file__).parent], **values)
