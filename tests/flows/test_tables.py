"""Tables of README and docs: that they say what the results say, and nothing else of a page changes."""

import json
from pathlib import Path

import pytest

from flows import tables
from spec.refusal import Refused

ROOT = Path(__file__).parents[2]
METHODS = {"rows": [
    {"name": "hfn", "seeds": [0, 1], "accuracies": [0.84, 0.86], "bytes": 1234, "cpu_seconds": [10, 21]},
    {"name": "varied", "seeds": [7], "accuracies": [0.5], "bytes": 1, "cpu_seconds": [1],
     "stretched": {"-1": [0.25], "1": [0.75]}},
]}
PAGE = "before\n<!-- table methods -->\nold\n<!-- end -->\nbetween <!-- a remark -->\n<!-- end -->"


def tree(tmp_path, readme=PAGE):
    (tmp_path / "docs" / "results").mkdir(parents=True)
    (tmp_path / "docs" / "training.md").write_text("no table")
    (tmp_path / "README.md").write_text(readme)
    (tmp_path / "methods.json").write_text(json.dumps(METHODS))
    return ["--root", str(tmp_path)]


def test_tables_of_this_tree_are_what_the_results_say():
    assert tables.main(["--check"]) == 0
    text = "".join((ROOT / page).read_text() for page in tables.PAGES)
    assert {name for name in tables.TABLES if f"<!-- table {name} -->" in text} == set(tables.TABLES)


def test_a_table_is_written_and_the_rest_stays(tmp_path, capsys):
    options = tree(tmp_path)
    assert tables.main([*options, "--take", str(tmp_path / "methods.json")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'README.md'}\n"
    assert (tmp_path / "README.md").read_text() == (
        "before\n<!-- table methods -->\n"
        "| run | seeds | accuracy, % | an iteration fewer / more, % | bytes | CPU seconds |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n"
        "| hfn | 0, 1 | 85.00 ± 1.41 |  | 1,234 | 16 |\n"
        "| varied | 7 | 50.00 | 25.0 / 75.0 | 1 | 1 |\n"
        "<!-- end -->\nbetween <!-- a remark -->\n<!-- end -->"
    )
    (tmp_path / "methods.json").rename(tmp_path / "result.json")
    assert tables.main([*options, "--take", f"methods.json={tmp_path / 'result.json'}"]) == 0
    assert tables.main([*options, "--check"]) == 0
    assert tables.main(options) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_table_is_told_and_left(tmp_path, capsys):
    options = tree(tmp_path)
    tables.main([*options, "--take", str(tmp_path / "methods.json")])
    stale = (tmp_path / "README.md").read_text().replace("85.00", "95.00")
    (tmp_path / "README.md").write_text(stale)
    assert tables.main([*options, "--check"]) == 1
    assert "README.md has stale tables; run python -m flows.tables" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == stale


@pytest.mark.parametrize(("readme", "options", "sentence"), [
    (PAGE.replace("methods", "method"), [], "There is no table 'method'; the tables are networks"),
    (PAGE, [], "Table methods cannot be made from"),
    (PAGE, ["--take", "nowhere/methods.json"], "There are no results nowhere/methods.json"),
    (PAGE, ["--take", "README.md"], "those that can be taken are ablation.json, bench.json"),
    (PAGE, ["--take", "methods.json=nowhere.json"], "There are no results methods.json=nowhere.json"),
])
def test_what_cannot_be_shown_is_refused(tmp_path, readme, options, sentence):
    with pytest.raises(Refused) as refusal:
        tables.main([*tree(tmp_path, readme), *options])
    assert sentence in str(refusal.value)
    assert (tmp_path / "README.md").read_text() == readme
