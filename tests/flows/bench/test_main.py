"""The benchmarks' command line: all by default, options of each where they belong, one file of all."""

import json

import pytest

from flows.bench import __main__ as bench
from flows.bench.kept import machine, versions
from spec.refusal import Refused


@pytest.fixture
def asked(monkeypatch):
    """What was measured, by name: the measurements themselves take minutes and are tested elsewhere."""
    seen = {}
    for name, benchmark in bench.BENCHMARKS.items():
        def measure(arguments, name=name):
            seen[name] = vars(arguments)
            return {"rows": [], "sizes": [], "results": [], "of": name}

        monkeypatch.setattr(benchmark, "measure", measure)
    return seen


@pytest.mark.parametrize(("words", "names", "options"), [
    ([], [*bench.ALL], {"images": 4, "batch": 64, "synthesis": [], "json": False}),
    (["--images", "2"], [*bench.ALL], {"images": 2}),
    (["all", "--rounds", "7"], [*bench.ALL], {"rounds": 7}),
    (["cycles", "--images", "3", "--sizes", "16,32"], ["cycles"], {"images": 3, "sizes": (16, 32)}),
    (["training", "--rounds", "7", "--json"], ["training"], {"rounds": 7, "batch": 64, "json": True}),
    (["verilog", "--emit", "32"], ["verilog"], {"emit": (32,)}),
])
def test_which_benchmarks_run_with_which_options(words, names, options, asked, tmp_path):
    assert bench.main([*words, "--out", str(tmp_path)]) == 0
    assert list(asked) == names
    for arguments in asked.values():
        assert options.items() <= arguments.items()


def test_all_go_into_one_file_and_are_not_measured_twice(asked, tmp_path, capsys):
    words = ["all", "--out", str(tmp_path)]
    assert bench.main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data == json.loads((tmp_path / "bench.json").read_text())
    assert (data["schema_version"], data["machine"], data["versions"]) == (2, machine(), versions())
    assert [data[name]["of"] for name in bench.ALL] == list(bench.ALL)

    asked.clear()
    assert bench.main([*words, "--images", "3"]) == 0
    assert list(asked) == ["cycles"]
    written = [str(tmp_path / f"{name}.json") for name in (*bench.ALL, "bench")]
    assert capsys.readouterr().out.split()[-len(written):] == written
    assert bench.main([*words, "--images", "3", "--again"]) == 0
    assert list(asked) == list(bench.ALL)


def test_what_takes_long_or_needs_another_tool_runs_by_its_name_only():
    assert set(bench.BENCHMARKS) - set(bench.ALL) == {"cifar10", "nngen"}


def test_one_that_fails_is_told_by_the_exit_code(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(bench.BENCHMARKS["training"], "failed", lambda data: True)
    assert bench.main(["--out", str(tmp_path)]) == 1
    assert bench.main(["cycles", "--out", str(tmp_path)]) == 0


@pytest.mark.parametrize(("words", "message"), [
    (["--images", "0"], "Option --images must be from 1 to"),
    (["cycles", "--images", "0"], "Option --images must be from 1 to"),
    (["cycles", "--sizes", "17"], "There is no named shape of 17 PEs"),
    (["training", "--rounds", "0"], "Option --rounds must be from 1 to"),
    (["training", "--batch", "-1"], "Option --batch must be from 1 to"),
    (["signs", "--synthesis", "nowhere.json"], "There is no synthesis nowhere.json; python -m flows.synth makes one"),
    (["cifar10", "--routed", "nowhere.json"], "File nowhere.json does not exist; python -m flows.synth makes one"),
    (["nngen", "--nngen-seconds", "0"], "Option --nngen-seconds must be more than 0"),
    (["verilog", "--emit", "17"], "There is no named shape of 17 PEs"),
])
def test_bad_options_are_refused(words, message, asked):
    with pytest.raises(Refused, match=message):
        bench.main(words)
    assert not asked


@pytest.mark.parametrize("name", ["speed", "train"])
def test_unknown_benchmarks_are_bad_usage(name):
    sentence = "Argument BENCHMARK must be one of all, cycles, signs, protection, verilog, training, latency, "
    sentence += f"cifar10, nngen, not '{name}'; see"
    with pytest.raises(Refused, match=sentence):
        bench.main([name])
