"""Ways of sharing by one command: the same degrees of freedom for all."""

import json

from train.studies import sharing as compare
from train.studies.experiment import Experiment, read_cell


def test_all_methods_have_the_same_degrees_of_freedom(tiny_study, tmp_path, digits, capsys):
    assert compare.main([*tiny_study, "--dof", "320", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["accuracies"]) == [*compare.METHODS, "vanilla"]
    rings = {}
    for path in (tmp_path / "out" / "cells").iterdir():
        model = Experiment.from_json(read_cell(path)["experiment"]).model(digits)
        rings[path.stem.removesuffix("-0")] = [ring.size for ring in model.rings]
    assert rings.pop("vanilla") == []
    assert {name: sum(sizes) for name, sizes in rings.items()} == dict.fromkeys(compare.METHODS, 320)
    assert len(rings["rpg-stages"]) == 3
    assert len(rings["hashing-trick"]) == len(model.network.layers) - 2
