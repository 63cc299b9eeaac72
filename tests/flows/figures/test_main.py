"""The plots of docs: what is there is what the results say, and a page shows it."""

import json
import re
from pathlib import Path

import pytest

from flows.figures import __main__ as figures
from flows.figures.chart import drawn
from spec.refusal import Refused

ROOT = Path(__file__).parents[3]
ABLATION = {"accuracies": {"neither": [0.75], "flips": [0.81]}, "command": {"dof": 1152}}
THERE = [name for name in figures.FIGURES if figures.panel_of(name, ROOT)]


def tree(tmp_path, **results):
    folder = tmp_path / figures.RESULTS
    folder.mkdir(parents=True)
    (tmp_path / figures.FOLDER).mkdir()
    for name, data in results.items():
        (folder / f"{name}.json").write_text(data if isinstance(data, str) else json.dumps(data))
    return ["--root", str(tmp_path)]


@pytest.mark.parametrize("name", THERE)
def test_plots_of_this_tree_are_what_the_results_say(name):
    """Words only: how they are drawn may differ by the version of matplotlib."""
    path = ROOT / figures.FOLDER / f"{name}.svg"
    kept, fresh = (
        re.findall(r"<(?:title|text)[^>]*>([^<]*)<", text)
        for text in (path.read_text(), drawn(figures.panel_of(name, ROOT)))
    )
    assert fresh == kept


def test_pages_show_all_of_them_and_no_others():
    text = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r"\(figures/([\w-]+)\.svg\)", text)) == set(THERE)
    assert {path.stem for path in (ROOT / figures.FOLDER).glob("*.svg")} == set(THERE)


def test_what_has_results_is_drawn_once(tmp_path, capsys):
    options = tree(tmp_path, ablation=ABLATION)
    assert figures.main(options) == 0
    written = [str(tmp_path / figures.FOLDER / f"{name}.svg") for name in ("ring-dof-printed", "ring-ablation")]
    assert capsys.readouterr().out.split() == written
    assert figures.main(options) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / figures.RESULTS / "ablation.json").write_text(json.dumps(ABLATION | {"accuracies": {"flips": [0.9]}}))
    assert figures.main(options) == 0
    assert capsys.readouterr().out.split() == written[1:]


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"accuracies": {}, "command": {}})])
def test_other_results_are_refused(tmp_path, text):
    with pytest.raises(Refused, match=r"Plot ring-ablation cannot be made from .*ablation\.json"):
        figures.main(tree(tmp_path, ablation=text))
