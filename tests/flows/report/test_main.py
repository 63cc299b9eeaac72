"""The report of a build: whole, alone, and saying what the results say."""

import json
import re

from flows.report.__main__ import main
from flows.report.folder import read_results
from gen.cycles import predict
from gen.layers import layers_json

ENERGY = {"total_uj_per_image": 1.5, "caveat": "An estimate, by nobody.", "split_uj_per_image": {"array": 1, "x": 0.5}}
WAVES = {
    "text": "Between two iterations.", "first_cycle": 1000,
    "signals": [
        {"name": "valid", "width": 1, "values": [0, 1, 1, 0]},
        {"name": "y", "width": 8, "values": [3, 3, 4, None]},
    ],
}


def synthesis_of(config):
    """What flows.synth says of a build."""
    return {
        "part": "the part", "config": config.to_json(),
        "synthesis": {
            "tool": "Yosys", "version": "9.9", "stage": "synthesis", "counted": "by hand", "lut_per_pe": 12.5,
            "resources": {"lut": {"used": 200, "of": 5000}, "bram": {"used": 7, "of": 9}},
            "components": {
                "lane.array": {"lut": 150, "bram": 0}, "weights.masks": {"lut": 30, "bram": 6},
                "weights.walk": {"lut": 9, "bram": 1}, "host.loader": {"lut": 11, "bram": 0},
                "wires": {"lut": 0, "bram": 0},
            },
        },
        "route": {"fmax_mhz": 123.4, "tool": "nextpnr", "version": "1", "seed": 7},
    }


def page_of(folder, *options):
    assert main([str(folder), *map(str, options)]) == 0
    return (folder / "report.html").read_text()


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_build_alone_is_predicted_and_says_what_is_missing(folder, capsys):
    page = page_of(folder)
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    assert not re.search(r'(src|href)="[^#]|http|<script', page)
    cycles = json.loads((folder / "cycles.json").read_text())["total_cycles"]
    text = words(page)
    assert f"{cycles:,} cycles per image, predicted" in text
    assert "75.00 % accuracy on 1,200 held-out images" in text
    assert "4 rows x 4 PEs" in text
    assert "python -m flows.synth --pe 16" in text
    assert "no energy.json was given" in text
    assert "cycle by cycle" not in text
    assert page == page_of(folder), "the same results must make the same page"


def test_results_beside_the_build_are_shown(folder, config, put):
    put(folder / "synth" / "synth.json", synthesis_of(config))
    put(folder / "energy.json", ENERGY)
    put(folder / "waves.json", WAVES)
    results = read_results(folder, dict.fromkeys(["simulation", "layers", "synthesis", "energy", "waves"]))
    layers = layers_json(results.program, predict(results.program), ())
    layers["totals"]["cycles_measured"] = 123_400
    layers["totals"]["causes_cycles_measured"] = layers["totals"]["causes_cycles_predicted"]
    put(folder / "sim" / "layers.json", layers)
    put(folder / "sim" / "report.json", {"values_compared": 5678, "mismatches": 0, "stall_probability": 0})
    text = words(page_of(folder))
    assert "123,400 cycles per image, measured" in text
    assert "0 mismatches in 5,678 values of the Verilog" in text
    assert "123 MHz routed on the part" in text
    assert "1,000 images per second at that clock" in text
    assert "lane.array: 150 LUT (75.0 %)" in text
    assert "the part: 200 of 5,000 LUT, 7 of 9 block RAM; 12.5 LUT per PE; Yosys 9.9, synthesis" in text
    assert text.count("of its peak 150 LUT") == 2  # the array, for desk and phone
    assert text.count("131,072 bytes 39 LUT, 7 block RAM") == 2  # the masks and their walk
    assert text.count("interrupt 11 LUT") == 2
    assert "1.5 µJ per image, an estimate" in text
    assert "An estimate, by nobody." in text
    assert "Between two iterations." in text
    assert "y = 3 in cycles 0 to 1" in text
