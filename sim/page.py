"""``report.html``: the layer report for people, one file that needs nothing else.

Slow to import (matplotlib), so import it where a page is written.
"""

from pathlib import Path

import jinja2

from sim import figures

__all__ = ["render"]

_TEMPLATE = Path(__file__).with_name("report.html.j2")

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


def _both(draw, *data) -> dict[str, str]:
    """A drawing for both widths of page."""
    return {"wide": draw(*data, figures.WIDE), "narrow": draw(*data, figures.NARROW)}


def render(report: dict, layers: dict) -> str:
    """The page made from ``report.json`` and ``layers.json``."""
    commands = layers["commands"]
    computing = [record for record in commands if record["passes"]]
    totals = layers["totals"]
    causes = totals["causes_cycles_measured"] or totals["causes_cycles_predicted"]
    took = totals["cycles_measured"] or totals["cycles_predicted"]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text()).render(
        report=report,
        layers=layers,
        totals=totals,
        took=took,
        commands=commands,
        legend=[
            {"colour": figures.CAUSE_COLOURS[cause], "name": cause.replace("_", " "), "text": text,
             "percent": 100 * causes[cause] / took}
            for cause, text in _CAUSE_TEXTS.items()
        ],
        modes={mode: figures.MODE_COLOURS[mode] for mode in layers["roofs"]},
        folded=any(record["iterations"] > 1 for record in commands),
        cycles=_both(figures.cycles_by_cause, commands),
        utilization=_both(figures.utilization, computing),
        roofline=_both(figures.roofline, computing, layers["roofs"], layers["pe"]),
        deviations=sum(record["cycles_measured"] not in (None, record["cycles_predicted"]) for record in commands),
    )
