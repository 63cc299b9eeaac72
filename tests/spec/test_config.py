"""Configurations: what is refused and how it is said, what follows from the rest, and its identity."""

import dataclasses
import json

import pytest

from spec.config import SHAPES, AcceleratorConfig, config_for
from spec.numerics import ACC_BITS
from spec.refusal import Refused
from spec.supermask import Mode

LEGAL = {
    "groups": 4, "rows": 16, "lanes": 1, "weight_rows": 1, "psum_depth": 64, "x_bytes": 1024, "t_bytes": 2048,
    "mask_bits": 4096, "entries": 256, "commands": 16, "modes": tuple(Mode), "ring_words": 0, "rows_per_requantizer": 1,
    "psum_bits": 0,
}
FIELDS = [field.name for field in dataclasses.fields(AcceleratorConfig)]
FLAGS = ("protect", "max_pool", "streams", "upsample", "watchdog")
INTEGERS = [name for name in FIELDS if name not in ("modes", "counters", *FLAGS)]
#: Most that each memory may have.
MOST = {"x_bytes": 1 << 26, "t_bytes": 1 << 26, "mask_bits": 1 << 29, "entries": 1 << 20, "commands": 1 << 16,
        "ring_words": 1 << 21}


def config(**changes):
    return AcceleratorConfig(**LEGAL | changes)


def multiple(name, unit, least, value):
    return {name: value}, rf"^{name} must be a multiple of {unit}, from {least} to {MOST[name]}, not {value}$"


# A change of LEGAL (a word is 16 bytes, a mask word 32 bits, a row of entries 16), and the sentence that refuses it.
ILLEGAL = [
    *(({name: value}, rf"^{name} must be an integer, not {value!r}$")
      for name in INTEGERS for value in (4.0, "4", None, True)),
    *(({name: value}, rf"^{name} must be true or false, not {value!r}$")
      for name in FLAGS for value in (0, 1, "none", None)),
    *(({"counters": value}, rf"^counters must be all or total, not {value!r}$") for value in ("none", "", 1, None)),
    *(({"groups": value}, rf"^groups \(Tg\) must be a power of two from 4 to 64, not {value}$")
      for value in (-4, 0, 1, 2, 3, 6, 12, 65, 128)),
    *(({"rows": value}, rf"^rows \(Tm\) must be a power of two from 4 to 4\*groups = 16, so that .*, not {value}$")
      for value in (-4, 0, 1, 2, 3, 5, 12, 32)),
    *(({"lanes": value}, rf"^lanes \(L\) must be a power of two from 1 to 8, not {value}: every lane works on an ")
      for value in (-2, -1, 0, 3, 6, 12, 16)),
    *(({"weight_rows": value}, rf"^weight_rows must be a power of two that divides rows \(16\), not {value}$")
      for value in (-1, 0, 3, 12, 32)),
    *(({"rows_per_requantizer": value},
       rf"^rows_per_requantizer must be a power of two that divides rows \(16\), such as {near}, not {value}$")
      for value, near in ((-1, "1"), (0, "1"), (3, "2 or 4"), (12, "8 or 16"), (17, "16"), (32, "16"))),
    ({"groups": 64, "rows": 256, "weight_rows": 2}, r"^weight_rows must be at least rows/64 = 4, not 2$"),
    *(({"psum_depth": value}, rf"^psum_depth \(D\) must be from 16 to 1023, not {value}$")
      for value in (-16, 0, 15, 1024)),
    *(multiple(name, 16, 256, value)
      for name in ("x_bytes", "t_bytes") for value in (-256, 0, 240, 264, MOST[name] + 16)),
    *(multiple("mask_bits", 32, 512, value) for value in (-512, 0, 480, 528, MOST["mask_bits"] + 32)),
    *(multiple("entries", 16, 64, value) for value in (-64, 0, 48, 72, MOST["entries"] + 16)),
    *(multiple("ring_words", 16, 0, value) for value in (-16, 8, 17, MOST["ring_words"] + 16)),
    *(multiple("commands", 1, 4, value) for value in (-4, 0, 3, MOST["commands"] + 1)),
    *(({"modes": value}, r"^modes must be some of \['any', '2of4', '1of4', 'max1of4'\] without repetition, not ")
      for value in ((), (Mode.ANY, Mode.ANY), ("3of4",), (Mode.ANY, None))),
]


@pytest.mark.parametrize(("change", "sentence"), ILLEGAL, ids=[str(change) for change, _ in ILLEGAL])
def test_illegal_value_is_refused(change, sentence):
    with pytest.raises(Refused, match=sentence):
        config(**change)


def test_every_field_has_an_illegal_value():
    assert {name for change, _ in ILLEGAL for name in change} == set(FIELDS)


# Changes at the very edge of what is legal.
WIDE = {"groups": 64, "x_bytes": 4096, "t_bytes": 4096}
EDGES = [
    WIDE, WIDE | {"rows": 256, "weight_rows": 4, "mask_bits": 1 << 20, "entries": 1024},
    {"rows": 4}, {"weight_rows": 16, "mask_bits": 1 << 14}, {"rows_per_requantizer": 16},
    {"psum_depth": 16}, {"psum_depth": 1023}, {"x_bytes": 256},
    {"t_bytes": 256}, {"lanes": 8}, {"mask_bits": 512}, {"entries": 64}, {"commands": 4},
    *({name: value} for name, value in MOST.items()), *({"modes": (mode,)} for mode in Mode),
]


@pytest.mark.parametrize("change", EDGES, ids=str)
def test_edge_is_legal(change):
    built = config(**change)
    assert {name: getattr(built, name) for name in change} == change


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().rows = 4


# Named shape, and: word bytes, columns, sign words, weight rows, load cycles, mask unit and word bits.
DERIVED = {
    16: ((4, 4, 1), 16, 4, 1, 1, 4, 8, 32),
    32: ((4, 8, 1), 16, 2, 1, 1, 8, 8, 32),
    64: ((4, 16, 1), 16, 1, 1, 1, 16, 8, 32),
    128: ((8, 16, 1), 32, 2, 2, 1, 16, 16, 32),
    256: ((8, 32, 1), 32, 1, 2, 2, 16, 32, 64),
    512: ((16, 32, 1), 64, 2, 4, 2, 16, 64, 128),
    1024: ((16, 64, 1), 64, 1, 4, 4, 16, 128, 256),
    2048: ((16, 64, 2), 64, 1, 4, 4, 16, 128, 256),
    4096: ((16, 64, 4), 64, 1, 4, 4, 16, 128, 256),
}


def test_every_named_shape_is_in_the_table():
    assert {pe: shape for pe, (shape, *_) in DERIVED.items()} == SHAPES


@pytest.mark.parametrize("pe", DERIVED)
def test_derived_properties_of_the_named_shapes(pe):
    built = config_for(pe)
    shape, *derived = DERIVED[pe]
    assert (built.groups, built.rows, built.lanes) == shape
    assert [built.word_bytes, built.columns, built.sign_words, built.weight_rows, built.load_cycles,
            built.mask_unit_bits, built.mask_word_bits] == derived
    assert built.pe == pe


def test_derived_memories():
    built = config()
    assert [built.x_words, built.t_words, built.mask_words, built.entry_rows] == [64, 128, 128, 16]
    assert built.classes_max == 64 * 16
    assert built.memory_bits == {
        "x": 8192, "t": 16384, "mask": 4096, "entries": 8192, "program": 8192, "psum": ACC_BITS * 16 * 64}
    four = config(lanes=4).memory_bits
    assert {name: four[name] // bits for name, bits in built.memory_bits.items()} == {
        "x": 4, "t": 4, "mask": 1, "entries": 1, "program": 1, "psum": 4}


@pytest.mark.parametrize(("turns", "depth", "waiting"), [(1, 64, 0), (2, 64, 64), (16, 24, 32), (4, 1023, 1024)])
def test_finished_sums_wait_only_where_rows_take_turns(turns, depth, waiting):
    built = config(rows_per_requantizer=turns, psum_depth=depth, lanes=2)
    assert (built.requantizers, built.results_depth) == (16 // turns, waiting)
    assert built.memory_bits.get("results", 0) == ACC_BITS * 16 * waiting * 2
    assert built.memory_bits["psum"] == ACC_BITS * 16 * depth * 2


@pytest.mark.parametrize(("modes", "rings", "pairs", "coded"), [
    ("any", 0, True, False), ("any 2of4", 16, True, False), ("1of4", 0, False, True), ("max1of4", 0, False, False),
    ("1of4 max1of4", 0, False, None), ("2of4 1of4", 0, None, None), ("1of4", 16, None, None),
    ("2of4 max1of4", 0, None, False),
])
def test_what_all_layers_of_a_build_are(modes, rings, pairs, coded):
    built = config(modes=tuple(map(Mode, modes.split())), ring_words=rings)
    assert (built.pairs, built.coded) == (pairs, coded)


CONFIG_FOR = [
    ((17,), {}, r"^There is no named shape of 17 PEs: use one of \[16, 32, .*, 4096\], or give --groups and --rows$"),
    ((8192,), {}, r"^There is no named shape of 8192 PEs: "),
    ((16,), {"lanes": 2}, r"^There is no named shape of 16 PEs in 2 lanes: use one of \[32, 64, .*, 2048\], or give "),
    ((4096,), {"lanes": 1}, r"^There is no named shape of 4096 PEs in one lane: use one of \[16, 32, .*, 1024\], or "),
    ((64,), {"groups": 4}, r"^Give both groups \(Tg\) and rows \(Tm\), or neither$"),
    ((64,), {"rows": 16}, r"^Give both groups \(Tg\) and rows \(Tm\), or neither$"),
    ((64,), {"groups": 8, "rows": 16}, r"^8 groups x 16 rows make 128 PEs, not 64; change --pe, --groups, --rows or "),
    ((64,), {"groups": 4, "rows": 16, "lanes": 2}, r"^4 groups x 16 rows x 2 lanes make 128 PEs, not 64; change --pe"),
    ((64,), {"groups": 2, "rows": 32}, r"^groups \(Tg\) must be a power of two"),
    ((64,), {"lanes": 3}, r"^lanes \(L\) must be a power of two from 1 to 8, not 3"),
    ((64,), {"lanes": "2"}, r"^lanes must be an integer, not '2'$"),
    ((64,), {"x_bytes": 1}, r"^x_bytes must be a multiple of 16"),
]


@pytest.mark.parametrize(("pe", "fields", "sentence"), CONFIG_FOR)
def test_config_for_refuses(pe, fields, sentence):
    with pytest.raises(Refused, match=sentence):
        config_for(*pe, **fields)


@pytest.mark.parametrize(("given", "groups", "rows", "weight_rows"), [
    ({"pe": 64}, 4, 16, 1),
    ({"pe": 64, "groups": 8, "rows": 8}, 8, 8, 1),
    ({"pe": 2048, "groups": 32, "rows": 64}, 32, 64, 4),
    ({"pe": 1024, "weight_rows": 16}, 16, 64, 16),
    ({"pe": 4096}, 16, 64, 4),
    ({"pe": 64, "lanes": 4}, 4, 4, 1),
    ({"pe": 1024, "lanes": 4}, 8, 32, 2),
    ({"pe": 256, "groups": 8, "rows": 4, "lanes": 8}, 8, 4, 1),
], ids=str)
def test_config_for_chooses(given, groups, rows, weight_rows):
    built = config_for(**given)
    assert (built.groups, built.rows, built.weight_rows) == (groups, rows, weight_rows)
    assert built.pe == given["pe"]


def test_program_memory_grows_with_the_lanes():
    """A traced program stores every tensor of every lane."""
    assert [config_for(pe).commands for pe in (1024, 2048, 4096)] == [128, 256, 512]
    assert config_for(4096, commands=100).commands == 100


@pytest.mark.parametrize("pe", SHAPES)
def test_json_round_trip(pe):
    built = config_for(pe, modes=(Mode.ONE_OF_FOUR, Mode.ANY))
    again = AcceleratorConfig.from_json(json.loads(json.dumps(built.to_json())))
    assert (again, again.hash) == (built, built.hash)


@pytest.mark.parametrize(("pe", "copies", "seeding"), [(16, 1, 1), (256, 4, 2), (1024, 16, 4)])
def test_a_build_with_rings(pe, copies, seeding):
    """Wider sums, and one copy of the ring memory for every word of 16 trits that a fetch brings."""
    built, plain = config_for(pe, ring_words=160), config_for(pe)
    assert (built.ring_copies, built.ring_seeding) == (copies, seeding)
    assert (built.widths, plain.widths) == ((32, 40), (24, 32))
    assert built.memory_bits["ring"] == 160 * 32
    assert "ring" not in plain.memory_bits
    assert built.memory_bits["psum"] * 24 == plain.memory_bits["psum"] * 32


def test_wide_words_take_longer_to_seed():
    """Multiples of the step up to 16 words are four doublings, more than the one row that is fetched at a time."""
    assert config(groups=64, x_bytes=4096, t_bytes=4096, rows=4, entries=64).ring_seeding == 4


JSON = config().to_json()
BAD_JSON = [
    ([], r"^Configuration must be a JSON object, not \[\]$"),
    (None, r"^Configuration must be a JSON object, not None$"),
    (JSON | {"row": 4}, r"^Unknown configuration key 'row'; the keys are \['groups', 'rows', .*, 'watchdog'\]$"),
    *(({key: value for key, value in JSON.items() if key != name}, rf"^Missing configuration key '{name}'$")
      for name in FIELDS if name not in ("counters", "rows_per_requantizer", "psum_bits", *FLAGS)),
    (JSON | {"protect": 1}, r"^protect must be true or false, not 1$"),
    (JSON | {"modes": ["3of4"]}, r"^modes must be some of \['any', '2of4', '1of4', 'max1of4'\], not \['3of4'\]$"),
    (JSON | {"modes": 4}, r"^modes must be some of \['any', '2of4', '1of4', 'max1of4'\], not 4$"),
    (JSON | {"rows": "16"}, r"^rows must be an integer, not '16'$"),
]


@pytest.mark.parametrize(("content", "sentence"), BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_refused(content, sentence):
    with pytest.raises(Refused, match=sentence):
        AcceleratorConfig.from_json(content)


# One legal change per field that a build can differ in.
OTHER = {
    "groups": 8, "rows": 8, "lanes": 2, "weight_rows": 2, "psum_depth": 65, "x_bytes": 2048, "t_bytes": 1024,
    "mask_bits": 8192, "entries": 512, "commands": 17, "modes": (Mode.ANY,), "ring_words": 16, "protect": False,
    "counters": "total", "max_pool": False, "streams": False, "rows_per_requantizer": 2,
    "upsample": True, "psum_bits": 20, "watchdog": False,
}


def test_hash_changes_with_every_field():
    assert set(OTHER) == set(FIELDS)
    hashes = {config().hash, *(config(**{name: value}).hash for name, value in OTHER.items())}
    assert len(hashes) == len(OTHER) + 1
    assert all(0 <= value < 1 << 32 for value in hashes)


@pytest.mark.parametrize(("rings", "bits", "widths"), [
    (0, 0, (24, 32)), (0, 24, (24, 32)), (0, 20, (20, 32)), (0, 19, (19, 31)), (0, 16, (16, 28)),
    (16, 0, (32, 40)), (16, 32, (32, 40)), (16, 24, (24, 36)), (16, 16, (16, 28)),
])
def test_sums_of_fewer_bits(rings, bits, widths):
    built = config(ring_words=rings, psum_bits=bits)
    assert built.widths == widths
    assert built.memory_bits["psum"] == widths[0] * 16 * 64


@pytest.mark.parametrize(("rings", "bits", "which"), [
    (0, 25, "24 in a build without"), (0, 15, "24 in a build without"), (16, 33, "32 in a build with"),
    (16, 1, "32 in a build with"), (0, -1, "24 in a build without"),
])
def test_sums_of_other_bits_are_refused(rings, bits, which):
    with pytest.raises(Refused, match=rf"^psum_bits must be from 16 to {which} rings, not {bits}$"):
        config(ring_words=rings, psum_bits=bits)


def test_hash_is_stable():
    """Hardware reports it: if this value changes, software no longer knows any build made before."""
    assert f"{config().hash:08x}" == "5e469633"
    assert f"{config(protect=False).hash:08x}" == "248c58a8"  # of builds made before there was a choice


@pytest.mark.parametrize(("name", "before"), [
    ("protect", False), ("counters", "all"), ("max_pool", True), ("streams", True), ("upsample", False),
    ("psum_bits", 0), ("watchdog", True),
])
def test_what_builds_had_before_there_was_a_choice(name, before):
    data = {key: value for key, value in JSON.items() if key != name}
    assert AcceleratorConfig.from_json(data) == config(**{name: before})
