"""The benchmarks' command line: the hardware's by default, options of each where they belong."""

import pytest

from flows.bench import __main__ as bench
from flows.bench import cycles, training
from spec.refusal import Refused


@pytest.mark.parametrize(("words", "module", "options"), [
    ([], cycles, {"images": 4, "json": False}),
    (["--images", "2"], cycles, {"images": 2}),
    (["cycles", "--images", "3"], cycles, {"images": 3}),
    (["train", "--rounds", "7", "--json"], training, {"rounds": 7, "batch": 64, "json": True}),
])
def test_which_benchmark_runs_with_which_options(words, module, options, monkeypatch):
    seen = []
    for each in (cycles, training):
        monkeypatch.setattr(each, "run", lambda arguments, each=each: seen.append((each, vars(arguments))) or 0)
    assert bench.main(words) == 0
    ((ran, arguments),) = seen
    assert ran is module
    assert options.items() <= arguments.items()


@pytest.mark.parametrize(("words", "message"), [
    (["--images", "0"], "Option --images must be at least 1, not 0"),
    (["cycles", "--images", "0"], "Option --images must be at least 1, not 0"),
    (["train", "--rounds", "0"], "Option --rounds must be at least 1, not 0"),
    (["train", "--batch", "-1"], "Option --batch must be at least 1, not -1"),
])
def test_bad_options_are_refused(words, message):
    with pytest.raises(Refused, match=message):
        bench.main(words)


def test_unknown_benchmarks_are_bad_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        bench.main(["speed"])
    assert "invalid choice: 'speed'" in capsys.readouterr().err
