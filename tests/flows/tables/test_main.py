"""Tables of README and docs: that they say what the results say, and nothing else of a page changes."""

import json
from pathlib import Path

import pytest

from flows.tables import __main__ as tables
from spec.config import config_for
from spec.refusal import Refused

ROOT = Path(__file__).parents[3]
METHODS = {"rows": [
    {"name": "hfn", "seeds": [0, 1], "accuracies": [0.84, 0.86], "bytes": 1234, "cpu_seconds": [10, 21]},
    {"name": "varied", "seeds": [7], "accuracies": [0.5], "bytes": 1, "cpu_seconds": [1],
     "stretched": {"-1": [0.25], "1": [0.75]}},
]}
PAGE = "before\n<!-- table methods -->\nold\n<!-- end -->\nbetween <!-- a remark -->\n<!-- end -->"


def tree(tmp_path, readme=PAGE):
    (tmp_path / "docs" / "results").mkdir(parents=True)
    (tmp_path / "docs" / "design").mkdir()
    for page in tables.PAGES[1:]:
        (tmp_path / page).write_text("no table")
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


def test_folders_of_this_machine_stay_here(tmp_path):
    command = {"data": str(tmp_path), "out": "build/x", "seeds": [0], "dof": 5}
    result = {"accuracies": {"neither": [0.5]}, "command": command, "schema_version": 1}
    (tmp_path / "result.json").write_text(json.dumps(result))
    options = tree(tmp_path, "none")
    assert tables.main([*options, "--take", f"ablation.json={tmp_path / 'result.json'}"]) == 0
    kept = json.loads((tmp_path / "docs" / "results" / "ablation.json").read_text())
    assert kept == result | {"command": command | {"data": "DIR"}}


def test_a_stale_table_is_told_and_left(tmp_path, capsys):
    options = tree(tmp_path)
    tables.main([*options, "--take", str(tmp_path / "methods.json")])
    stale = (tmp_path / "README.md").read_text().replace("85.00", "95.00")
    (tmp_path / "README.md").write_text(stale)
    assert tables.main([*options, "--check"]) == 1
    assert "README.md has stale tables; run python -m flows.tables" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == stale


def record(pe, luts, target="ecp5", **other):
    config = config_for(pe)
    return {
        "target": target, "pe": pe, "config": config.to_json(), "fits": True, "route": None,
        "synthesis": {
            "tool": "Yosys", "version": "0.70", "lut_per_pe": luts / pe,
            "resources": {"lut": {"used": luts}, "ff": {"used": 20}, "bram": {"used": 3}, "dsp": {"used": 4}},
        },
    } | other


ROUTE = {"tool": "nextpnr", "version": "0.11", "seed": 3, "stage": "routed", "fmax_mhz": 98.765}


def test_syntheses_are_kept_side_by_side_and_replaced_by_their_own_kind(tmp_path):
    options = tree(tmp_path, PAGE.replace("methods", "synth"))

    def take(*records):
        for number, each in enumerate(records):
            folder = tmp_path / str(number)
            folder.mkdir(exist_ok=True)
            (folder / "synth.json").write_text(json.dumps(each))
            options.extend(["--take", str(folder / "synth.json")])
        assert tables.main(options) == 0
        del options[2:]
        lines = (tmp_path / "README.md").read_text().splitlines()
        return lines[4 : lines.index("<!-- end -->")]

    # Memories: 32 + 32 + 128 + 16 + 8 KiB, and partial sums.
    small, large = "| ecp5 | 16 | 4 x 4 x 1 | 217 ", "| ecp5 | 64 | 16 x 4 x 1 | 219 "
    yosys = "| 20 | 3 | 4 | {:.1f} | {} | Yosys 0.70{} |"
    assert take(record(64, 6400), record(16, 1000)) == [
        small + "| 1,000 " + yosys.format(62.5, "synthesis only", ""),
        large + "| 6,400 " + yosys.format(100, "synthesis only", ""),
    ]
    assert take(record(16, 1600, route=ROUTE), record(16, 7, "ice40", fits=False)) == [
        small + "| 1,600 " + yosys.format(100, "98.8", "; nextpnr 0.11, seed 3, routed"),
        large + "| 6,400 " + yosys.format(100, "synthesis only", ""),
        small.replace("ecp5", "ice40") + "| 7 " + yosys.format(0.4, "does not fit", ""),
    ]


def test_all_figures_of_the_benchmarks_are_shown(tmp_path):
    row = {"pe": 16, "mode": "any", "measured_over_predicted": 1.0, "simulated_cycles_per_s": 100_000.0,
           "pin_bytes_saved_ratio": 237.7}
    bench = {
        "cycles": {
            "rows": [row, row | {"mode": "1of4", "measured_over_predicted": 0.9, "simulated_cycles_per_s": 250_000.0}],
            "sizes": [{"mode": "1of4", "dense_int8_over_stored": 8.5, "unfolded_int8_over_stored": 13.25}],
        },
        "signs": {"rows": [{"pe": 16, "target": "ecp5", "sign_bits_per_cycle": 16, "luts": 356,
                            "sign_bits_per_cycle_and_lut": 16 / 356}]},
        "verilog": {"rows": [{"pe": 16, "lines": 16_825, "bytes": 595_900, "seconds": 1.52}]},
        "training": {"results": [{"subject": "net", "variants": [
            {"variant": name, "over_dense": ratio} for name, ratio in (("dense", 1.0), ("any", 1.112), ("sort", 1.75))
        ]}]},
    }
    options = tree(tmp_path, PAGE.replace("methods", "ratios"))
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    assert tables.main([*options, "--take", str(tmp_path / "bench.json")]) == 0
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert [line.split(" | ")[-1].removesuffix(" |") for line in lines[4 : lines.index("<!-- end -->")]] == [
        "0.900000", "100 k to 250 k", "238", "8.50 (13.25)", "1.11", "1.75", "0.0449", "16,825 lines, 596 kB, 1.5 s",
    ]


def test_a_study_that_was_not_run_is_called_so_until_it_is(tmp_path):
    options = tree(tmp_path, PAGE.replace("methods", "fold-depth"))
    assert tables.main(options) == 0
    readme = tmp_path / "README.md"
    assert readme.read_text().splitlines()[1:4] == ["<!-- table fold-depth -->", "Not run yet.", "<!-- end -->"]
    row = {"method": "hfn", "norm": "ubn", "widths": [4], "iterations": [2], **METHODS["rows"][0]}
    (tmp_path / "depth.json").write_text(json.dumps({"rows": [row]}))
    assert tables.main([*options, "--take", f"fold-depth.json={tmp_path / 'depth.json'}"]) == 0
    assert "| hfn | ubn | 4 | 2 | 0, 1 | 85.00 ± 1.41 | 1,234 | 16 |" in readme.read_text()


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps(record(16, 1) | {"synthesis": {}})])
def test_a_file_that_is_no_synthesis_is_not_kept(text, tmp_path):
    options = tree(tmp_path)
    (tmp_path / "synth.json").write_text(text)
    with pytest.raises(Refused, match=r"is no synthesis by flows\.synth"):
        tables.main([*options, "--take", str(tmp_path / "synth.json")])
    assert not list((tmp_path / "docs" / "results").iterdir())


@pytest.mark.parametrize(("readme", "options", "sentence"), [
    (PAGE.replace("methods", "method"), [], "There is no table 'method'; the tables are networks"),
    (PAGE, [], "Table methods cannot be made from"),
    (PAGE, ["--take", "nowhere/methods.json"], "There are no results nowhere/methods.json"),
    (PAGE, ["--take", "README.md"], "the names are ablation, asic, baselines, bench, budget-cifar"),
    (PAGE, ["--take", "README.md"], "synth, training"),
    (PAGE, ["--take", "methods.json=nowhere.json"], "There are no results methods.json=nowhere.json"),
])
def test_what_cannot_be_shown_is_refused(tmp_path, readme, options, sentence):
    with pytest.raises(Refused) as refusal:
        tables.main([*tree(tmp_path, readme), *options])
    assert sentence in str(refusal.value)
    assert (tmp_path / "README.md").read_text() == readme
