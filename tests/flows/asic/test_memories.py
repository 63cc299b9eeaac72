"""Energy and area of memories by published figures, and the accesses of an inference."""

import math
from collections import Counter

import pytest

from flows.asic.memories import Access, Macros, bits_moved, load_macros, memories_of
from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json
from spec.config import config_for
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


def _access(size: int, pj: float) -> Access:
    return Access(size, 64, pj, 45, 0.9, "")


MACROS = Macros([_access(1024, 6.4), _access(4096, 12.8), _access(65536, 51.2)], 0.5, "")


@pytest.mark.parametrize(("size", "pj_per_bit", "covered"), [
    (1024, 0.1, True),
    (4096, 0.2, True),
    (2048, 0.1 * math.sqrt(2), True),  # twice for four times the size: the square root
    (16384, 0.4, True),
    (256, 0.05, False),
    (262144, 1.6, False),
])
def test_energy_follows_a_line_on_logarithmic_axes(size, pj_per_bit, covered):
    assert MACROS.pj_per_bit(8 * size) == pytest.approx(pj_per_bit)
    assert MACROS.covers(8 * size) is covered


def test_the_table_is_scaled_to_node_and_voltage(tmp_path):
    path = tmp_path / "macros.toml"
    path.write_text(
        '[[access]]\nbytes = 8192\nbits = 64\npj = 10.0\nnode_nm = 40\nvolts = 1.0\nsource = "a"\n'
        '[area]\nbit_um2 = 0.35\narray_share = 0.7\nnode_nm = 40\nsource = "b"\n'
    )
    macros = load_macros(80, 0.5, path)
    assert macros.accesses[0].pj == pytest.approx(10 * 2 * 0.25)
    assert macros.bit_um2 == pytest.approx(0.5 * 4)


def test_our_table():
    macros = load_macros(45, 0.9)
    assert [access.pj for access in macros.accesses] == [10.0, 20.0, 100.0]
    assert all(access.source for access in macros.accesses)
    assert macros.area_source


def test_every_memory_of_a_build():
    config = config_for(32, lanes=2, groups=4, rows=4, x_bytes=1024, t_bytes=4096)
    moved = Counter(x=2000, t=4000, psum=10)
    found = memories_of(config, moved, MACROS)
    assert set(found) == set(config.memory_bits)
    x = found["x"]
    assert (x.bits, x.macros, x.bits_per_image) == (2 * 8192, 4, 1000)  # a lane's word of 128 bits is two of 64
    assert x.area_um2 == pytest.approx(8192)
    assert x.uj_per_image == pytest.approx(1000 * 0.1e-6 / math.sqrt(2))
    assert x.extrapolated
    assert found["t"].pj_per_bit == pytest.approx(0.2 / math.sqrt(2))
    assert not found["t"].extrapolated
    assert found["mask"].uj_per_image == 0


@pytest.mark.parametrize(("word_bits", "macros"), [(32, 1), (64, 1), (65, 2), (96, 2), (128, 2), (384, 6)])
def test_wide_words_lie_in_several_macros(word_bits, macros):
    assert MACROS.side_by_side(word_bits) == macros


def test_bits_moved():
    network = residual_network("t", image=(4, 4, 1), classes=10, widths=(16,), iterations=(2,), mode=Mode.ONE_OF_FOUR)
    config = config_for(16)
    program = compile_model(synthetic_model(network, seed=1), config)
    layers = layers_json(program, predict(program), ())
    moved = bits_moved(program, layers)
    totals = layers["totals"]
    assert moved["x"] + moved["t"] == 8 * (totals["activation_bytes_read"] + totals["activation_bytes_written"])
    assert moved["mask"] == totals["mask_bits_fetched"]
    visits = totals["causes_cycles_predicted"]["array"]
    results = sum(
        command.placed.layer.positions * command.placed.tiles for command, _ in program.executed
        if command.op.name in ("CONV", "CLASSIFY")
    )
    assert moved["psum"] == (2 * visits + results) * 4 * config.widths.acc
    assert moved["program"] == 512 * len(program.executed)
    # The residual stream is read as the residual of each of the two iterations: 16 pixels of 16 bytes.
    assert moved["x"] > 2 * 16 * 16 * 8
    assert moved["t"] > 0


def test_sums_that_wait_are_a_memory_of_each_lane():
    """As wide as the psums and as deep, rounded up; entries are words of one requantizer instead of four rows."""
    config = config_for(32, lanes=2, groups=4, rows=4, psum_depth=48, rows_per_requantizer=4)
    found = memories_of(config, Counter(results=800), MACROS)
    assert set(found) == set(config.memory_bits)
    results, entries = found["results"], found["entries"]
    assert (results.bits, results.bits_per_image) == (2 * 64 * 4 * 24, 400)
    assert (results.macros, entries.macros) == (2 * MACROS.side_by_side(96), MACROS.side_by_side(32))
