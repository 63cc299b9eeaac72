"""Ways of sharing by one command: the same degrees of freedom for all."""

import json

from train.loop import checkpoint
from train.loop.settings import Settings
from train.studies import sharing


def test_all_methods_have_the_same_degrees_of_freedom(tiny_study, tmp_path, digits, capsys):
    assert sharing.main([*tiny_study, "--dof", "320", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["accuracies"]) == [*sharing.METHODS, "vanilla"]
    rings = {}
    for path in (tmp_path / "out" / "cells").iterdir():
        settings = Settings.from_json(checkpoint.load(path / "checkpoint.pt")["settings"])
        model = settings.untrained(digits)
        rings[path.name.removesuffix("-0")] = [ring.size for ring in model.rings]
    assert rings.pop("vanilla") == []
    assert {name: sum(sizes) for name, sizes in rings.items()} == dict.fromkeys(sharing.METHODS, 320)
    assert len(rings["rpg-stages"]) == 3
    assert len(rings["hashing-trick"]) == len(model.network.layers) - 2
