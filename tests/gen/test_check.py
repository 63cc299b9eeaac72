"""What `gen.check` finds: every problem at once, with a remedy that works, and nothing in a model that compiles."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen import check
from gen.check import problems
from gen.compile import command_count, compile_model
from gen.options import config_from
from spec.block import Block, Stem
from spec.config import MEMORY_LIMITS, config_for
from spec.hourglass import hourglass
from spec.model import save
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network, rings_of_stages, rpg


def flat(**changes):
    """A network of stem and classifier only."""
    fields = {"name": "flat", "seed": 1, "image": (2, 2, 1), "stem": Stem(3, 1, 1, 4), "blocks": (), "classes": 3}
    modes = {"stem": Mode.TWO_OF_FOUR, "classifier": Mode.TWO_OF_FOUR}
    return Network(**fields | {"density": 0.3, "modes": modes} | changes)


def found(network, config):
    """(layer, reason, remedy) of every problem of a synthetic model of ``network``."""
    model = synthetic_model(network, 1)
    found = problems(model, config, commands=command_count(network, config.lanes))
    return [(p.layer, p.reason, p.remedy) for p in found]


ANY = {"stem": Mode.ANY, "classifier": Mode.ANY}

#: How each memory's sentence calls it, and the unit it grows by.
MEMORIES = {
    "x_bytes": ("X memory", 16), "t_bytes": ("T memory", 16),  # masks can be streamed: tests/gen/test_streaming.py
    "entries": ("entry memory", 4), "commands": ("program memory", 1),
}


@pytest.mark.parametrize("field", MEMORIES)
def test_a_memory_one_step_too_small(small_model, fitting, field):
    """It is named with what is missing, and the remedy it gives removes the problem."""
    memory, unit = MEMORIES[field]
    model = small_model(image=(5, 5, 1))
    config = fitting(model.network, commands=command_count(model.network, 1))
    count = command_count(model.network, 1)
    assert problems(model, config, commands=count) == []
    less = fitting(model.network, **{"commands": count, field: getattr(config, field) - unit})
    problem, = problems(model, less, commands=count)
    assert problem.layer == "network"
    assert re.fullmatch(rf"needs \d+ \w+ of {memory}, \d+ more than the \d+ there are", problem.reason)
    remedy = re.fullmatch(r"build with (--\S+) (\d+) or use a smaller network", problem.remedy)
    assert remedy.group(1) == f"--{field.replace('_', '-')}"
    enough = fitting(model.network, **{"commands": count, field: int(remedy.group(2))})
    assert problems(model, enough, commands=count) == []


LIMITS = {
    "mode": (flat(), {"modes": (Mode.ANY, Mode.ONE_OF_FOUR)}, ["stem", "classifier"],
             "is 2of4, but the build supports only any, 1of4"),
    "classes": (flat(classes=65), {"psum_depth": 16}, ["classifier"], "has 65 classes, but psums for 64"),
    "positions": (flat(image=(32, 32, 1)), {}, ["classifier"],
                  "sums 1024 positions, but a run has at most 1023 pixels"),
    "width": (flat(image=(1, 4096, 1), stem=Stem(1, 1, 0, 4), modes=ANY), {"x_bytes": 1 << 17, "t_bytes": 1 << 17},
              ["stem", "classifier", "classifier"], "has input width 4096, but a command holds at most 4095"),
    "height": (flat(image=(4096, 1, 1), stem=Stem(1, 1, 0, 4), modes=ANY), {"x_bytes": 1 << 17, "t_bytes": 1 << 17},
               ["stem", "classifier", "classifier"], "has input height 4096, but a command holds at most 4095"),
    "iterations": (residual_network("t", image=(2, 2, 1), classes=2, widths=(4,), iterations=(256,)), {"entries": 8192},
                   ["stage1.fold"], "runs 256 iterations, but a loop counts to 255"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits(case):
    network, fields, layers, reason = LIMITS[case]
    got = found(network, config_for(16, **fields))
    assert [layer for layer, *_ in got] == layers
    assert reason in [said for _, said, _ in got]
    assert all(remedy for *_, remedy in got)


def test_rings_on_a_build_that_knows_none():
    """Once per ring, with a remedy that removes all of it; the modes of a build do not matter to a ring."""
    plain = residual_network("t", image=(4, 4, 1), classes=2, widths=(4, 8), iterations=(0, 0), mode=Mode.TWO_OF_FOUR)
    network = rings_of_stages(plain, words=10, planes=2)
    modes = {"modes": (Mode.TWO_OF_FOUR,)}
    assert found(network, config_for(16, **modes)) == [
        (stage, "is a ring that layers draw their weights from, but the build knows no rings",
         "build with --features masks,ring --ring-words 64, or train its layers with masks")
        for stage in ("stage1", "stage2")
    ]
    assert found(network, config_for(16, ring_words=64, **modes)) == []


def test_a_max_pool_on_a_build_without_one():
    network = flat(stem=Stem(3, 1, 1, 4, pool=True))
    assert found(network, config_for(16)) == []
    assert found(network, config_for(16, max_pool=False)) == [
        ("pool", "is a max pool, but the build has none", "build without --lean and --no-max-pool"),
    ]


def test_a_residual_of_half_its_size_on_a_build_without_one():
    """And what is kept is named where the memory is too small for it."""
    network = hourglass("h", image=(8, 8, 1), joints=3, width=16, depth=2, stem=Stem(3, 1, 1, 16))
    assert found(network, config_for(16, upsample=True)) == []
    assert found(network, config_for(16)) == [
        (f"stack1.skip{level}.conv2", "adds a residual of half its size, but the build knows none",
         "build with --upsample") for level in (1, 2)
    ]
    assert found(network, config_for(16, upsample=True, max_pool=False)) == [
        (f"stack1.down{level}.pool", "is a max pool, but the build has none",
         "build without --lean and --no-max-pool") for level in (2, 1)
    ]
    assert found(network, config_for(16, upsample=True, x_bytes=83 * 16)) == [
        ("network", "needs 1344 bytes of X memory, 16 more than the 1328 there are",
         "build with --x-bytes 1344 or use a smaller network"),
    ]


def test_sums_of_more_bits_than_the_build_has():
    """Every layer that needs more is named, with what is enough; one bit less is not."""
    network = flat(image=(4, 4, 1), stem=Stem(3, 1, 1, 256), density=1.0, modes=ANY)
    model = synthetic_model(network, 1)
    needs = [model.psum_bits(layer) for layer in network.layers]
    assert needs == [13, 21]
    enough = config_for(16, psum_bits=21)
    assert found(network, enough) == found(network, config_for(16)) == []
    assert found(network, replace(enough, psum_bits=20)) == [(
        "classifier", "can reach sums of 21 bits, but the build's have 20",
        "build with --psum-bits 21, train the layer at a lower density or give it fewer input channels",
    )]


def test_masks_that_a_build_without_streams_cannot_hold(small_model, fitting):
    """They must all fit, and what is said of a larger memory is true."""
    model = small_model(image=(5, 5, 1))
    count = command_count(model.network, 1)
    config = fitting(model.network, streams=False, commands=count)
    assert problems(model, config, commands=count) == []
    word = config.mask_word_bits
    less = replace(config, mask_bits=config.mask_bits - word)
    problem, = problems(model, less, commands=count)
    assert re.fullmatch(rf"needs \d+ bits of mask memory, \d+ more than the {less.mask_bits} there are", problem.reason)
    assert problem.remedy == f"build with --mask-bits {config.mask_bits}, or without --lean and --no-streams"
    assert problems(model, replace(less, streams=True), commands=count) == []


def test_rings_too_large_for_any_build():
    most = MEMORY_LIMITS["ring_words"][2]
    plain = residual_network("t", image=(4, 4, 1), classes=2, widths=(4,), iterations=(0,))
    network = rpg(plain, words=most // 5 + 1, planes=5)
    for words in (0, most):  # the same, whether or not the build knows rings
        assert found(network, config_for(16, ring_words=words)) == [(
            "network", f"needs {most + 5 - most % 5} words of ring memory, but a build has at most {most}",
            "give its rings fewer words or planes",
        )]


def test_masks_that_take_no_less_room_when_streamed_stay():
    """Each layer is of one m-tile: two chunks are as long as both masks. The remedy removes the problem."""
    network = flat(stem=Stem(7, 1, 3, 4), image=(2, 2, 3), modes=ANY)
    (layer, reason, remedy), = found(network, config_for(16, mask_bits=512))
    assert (layer, reason) == ("network", "needs 688 bits of mask memory, 176 more than the 512 there are")
    assert remedy == "build with --mask-bits 704 or use a smaller network"
    assert found(network, config_for(16, mask_bits=704)) == []


def test_stride_beyond_its_field():
    network = Network("t", 1, (9, 9, 1), Stem(1, 1, 0, 4), (Block("b", 4, stride=8),), 2, 0.5,
                      dict.fromkeys(("stem", "b.shortcut", "b.conv1", "b.conv2", "classifier"), Mode.ANY))
    reasons = [(layer, reason) for layer, reason, _ in found(network, config_for(16))]
    assert reasons == [(name, "has stride 8, but a command holds at most 7") for name in ("b.shortcut", "b.conv1")]


@pytest.fixture
def model_file(small_model, tmp_path):
    path = tmp_path / "model.safetensors"
    save(small_model(), path)
    return str(path)


MANY = ["--x-bytes", "256", "--mask-bits", "512", "--entries", "16", "--modes", "1of4,2of4", "--commands", "4"]


def test_main_lists_everything_at_once(model_file, small_model, capsys, monkeypatch):
    """Four memories and a mode the build lacks, each with its remedy, and exit code 2."""
    monkeypatch.setenv("COLUMNS", "200")
    assert check.main([model_file, *MANY]) == 2
    text = capsys.readouterr().out
    layers = [layer.name for layer in small_model().network.layers]
    for said in (*layers, "X memory", "mask memory", "entry memory", "program memory", "--x-bytes", "--entries"):
        assert said in text
    assert text.count("is any, but the build supports only 1of4, 2of4") == len(layers)


def test_main_as_json(model_file, small_model, capsys):
    assert check.main([model_file, *MANY, "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["schema_version"] == 1
    assert len(report["problems"]) == len(small_model().network.layers) + 4
    for problem in report["problems"]:
        assert set(problem) == {"layer", "reason", "remedy"}
        assert all(problem.values())


def test_main_of_a_model_that_fits(model_file, capsys):
    assert check.main([model_file, "--pe", "64"]) == 0
    assert capsys.readouterr().out == "small fits 64 PEs\n"
    assert check.main([model_file, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "problems": []}


def test_an_impossible_build_or_file_is_refused(model_file, tmp_path):
    with pytest.raises(Refused, match="--psum-depth must be from 16 to 1023, not 1"):
        check.main([model_file, "--psum-depth", "1"])
    with pytest.raises(Refused, match="absent"):
        check.main([str(tmp_path / "absent")])


@st.composite
def pairs(draw):
    """A small model and a build that may or may not hold it."""
    widths = tuple(draw(st.lists(st.sampled_from([4, 8, 20, 36]), min_size=1, max_size=2)))
    network = residual_network(
        "random", image=(draw(st.integers(1, 6)), draw(st.integers(1, 40)), draw(st.integers(1, 2))), widths=widths,
        classes=draw(st.sampled_from([2, 5, 70, 300])), iterations=tuple(draw(st.integers(0, 2)) for _ in widths),
        mode=draw(st.sampled_from(Mode)), seed=draw(st.integers(0, 9)),
    )
    groups, rows = draw(st.sampled_from([(4, 4), (4, 16), (8, 8), (16, 4)]))
    weight_rows = draw(st.sampled_from([1, 2, rows]))
    word, unit = 4 * groups, max(32, weight_rows * 4 * groups)
    config = config_for(
        groups * rows, groups=groups, rows=rows, weight_rows=weight_rows, psum_depth=draw(st.integers(16, 64)),
        x_bytes=word * draw(st.integers(16, 600)), t_bytes=word * draw(st.integers(16, 600)),
        mask_bits=unit * draw(st.integers(16, 2500)), entries=rows * draw(st.integers(4, 60)),
        commands=draw(st.integers(4, 30)), modes=draw(st.sampled_from([tuple(Mode), (Mode.ANY, Mode.TWO_OF_FOUR)])),
    )
    return synthetic_model(network, 1, calibration_images=1), config


@given(pairs(), st.booleans())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_nothing_found_means_it_compiles(pair, trace):
    """And what is found is what the compiler refuses with."""
    model, config = pair
    expected = problems(model, config, commands=command_count(model.network, 1, traced=trace))
    if not expected:
        program = compile_model(model, config, trace=trace)
        assert all(len(command.words) == 16 for command in program.commands)
        assert len(program.packets) == 3
    else:
        with pytest.raises(Refused) as refusal:
            compile_model(model, config, trace=trace)
        more = f" ({len(expected) - 1} more are listed by python -m gen.check)" if expected[1:] else ""
        assert str(refusal.value) == str(Refused(f"Network random cannot run on this build{more}: {expected[0]}"))


SMALL = {"--x-bytes": "256", "--t-bytes": "256", "--mask-bits": "512", "--entries": "16", "--commands": "4"}


@pytest.mark.parametrize(("network", "options"), [
    (flat(classes=1000), {"--psum-depth": "16"}),
    (flat(classes=5000), {"--entries": "8192", "--mask-bits": "1048576"}),
    (residual_network("t", image=(8, 8, 1), classes=300, widths=(8, 16), iterations=(0, 3)), SMALL),
    (rings_of_stages(residual_network("t", image=(4, 4, 1), classes=9, widths=(4, 8), iterations=(1, 0)),
                     words=40, planes=3), SMALL),
])
def test_remedies_are_applied_until_no_problem_is_left(network, options):
    """The options that the first remedy names, and again, end in a build that the model fits."""
    model, parser = synthetic_model(network, 1), check.parser()
    for _ in range(20):
        arguments = parser.parse_args(["m", *(word for pair in options.items() for word in pair)])
        config = config_from(arguments)
        found = problems(model, config, commands=command_count(network, config.lanes))
        if not found:
            return
        named = dict(re.findall(r"(--[a-z-]+) (\w+(?:,\w+)*)", found[0].remedy))
        assert named, found[0]
        options = options | named
    pytest.fail(f"still {found[0]}")
