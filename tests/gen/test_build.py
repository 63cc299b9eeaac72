"""What a build writes: all of it, the same every time, and nothing at all when it is refused."""

import json

import numpy as np
import pytest

from gen.build import build, main, ports
from gen.compile import compile_model
from gen.cycles import predict
from gen.images import ring_image
from spec import golden, vectors
from spec.config import config_for
from spec.model import save
from spec.packets import HEADER_WORDS, cut
from spec.refusal import Refused
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg
from spec.vectors import Vectors

ALWAYS = {"foldenite.v", "foldenite.vlt", "config.json", "ports.json", "regs.h", "regs.svd", "regs.md"}
WITH_MODEL = {
    "program.bin", "image.bin", "program.mem", "mask.mem", "entries.mem", "cycles.json", "model.safetensors",
    "expected/vectors.safetensors",
}
CONFIG = config_for(16)


@pytest.fixture(scope="module")
def model():
    network = residual_network("small", image=(4, 4, 1), classes=3, widths=(32, 64), iterations=(0, 2))
    return synthetic_model(network, seed=2)


@pytest.fixture(scope="module")
def built(model, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    return out, build(CONFIG, out, model)


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files(built):
    assert names(built[0]) == ALWAYS | WITH_MODEL


def test_another_name_of_the_top_and_no_model(tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["--pe", "16", "--top", "left", "--out", str(out)]) == 0
    assert names(out) == ALWAYS - {"foldenite.v", "foldenite.vlt"} | {"left.v", "left.vlt"}
    assert "\nmodule left(" in (out / "left.v").read_text()
    assert '"*left.v"' in (out / "left.vlt").read_text()
    capsys.readouterr()
    with pytest.raises(Refused, match="Name of the top module must be a letter"):
        main(["--pe", "16", "--top", "no/name", "--out", str(tmp_path / "nothing")])
    assert not (tmp_path / "nothing").exists()


@pytest.mark.slow  # so does tests/foldenite/test_api.py, by the command and by the facade
def test_same_build_same_bytes(built, model, tmp_path):
    build(CONFIG, tmp_path, model)
    for name in names(built[0]):
        assert (tmp_path / name).read_bytes() == (built[0] / name).read_bytes(), name


def test_config_is_the_one_asked_for(built):
    data = json.loads((built[0] / "config.json").read_text())
    assert (data["pe"], data["hash"], data["groups"], data["rows"]) == (16, f"{CONFIG.hash:08x}", 4, 4)


def test_ports_are_those_of_the_verilog(built):
    text = (built[0] / "foldenite.v").read_text()
    top = text[text.index("\nmodule foldenite(") :]
    top = top[: top.index("endmodule")]
    some = {"aclk", "aresetn", "s_axi_awaddr", "s_axis_tdata", "m_axis_tlast", "irq"}
    assert some <= {port["name"] for port in ports()}
    for port in ports():
        width = "" if port["width_bits"] == 1 else f"[{port['width_bits'] - 1}:0] "
        assert f"  {port['direction']} {width}{port['name']};" in top


def words(path):
    return [int(line, 16) for line in path.read_text().split()]


def test_memory_files_hold_what_the_packets_load(built, model):
    out, result = built
    code, masks, entries = (packet[4 * HEADER_WORDS :] for packet in result.program.packets)
    assert (out / "program.bin").read_bytes() == code
    parts = [cut(packet) for packet in compile_model(model, CONFIG).packets]
    assert [len(each) for each in parts] == [1, 2, 1]
    assert (out / "image.bin").read_bytes() == b"".join(sum(parts, ()))
    assert words(out / "program.mem") == np.frombuffer(code, "<u4").tolist()
    assert words(out / "mask.mem") == np.frombuffer(masks, "<u4").tolist()
    rows = np.frombuffer(entries, "<u4").reshape(-1, CONFIG.rows)
    assert words(out / "entries.mem") == [sum(int(e) << 32 * i for i, e in enumerate(row)) for row in rows]


@pytest.mark.parametrize(("parts", "masks"), [
    (("stem", "shortcut", "classifier"), set()), pytest.param((), {"mask.mem"}, marks=pytest.mark.slow),
])
def test_a_model_drawn_from_rings(model, tmp_path, parts, masks):
    """The ring memory's file too; the mask memory's only if some layer has a mask."""
    network = rpg(model.network, words=9, planes=2, parts=parts)
    result = build(config_for(16, ring_words=32), tmp_path, synthetic_model(network, seed=2))
    assert names(tmp_path) == ALWAYS | WITH_MODEL - {"mask.mem"} | {"ring.mem"} | masks
    image = ring_image(result.program.model, result.program.plan)
    assert words(tmp_path / "ring.mem") == np.frombuffer(image, "<u4").tolist()


def test_cycle_table_adds_up(built):
    data = json.loads((built[0] / "cycles.json").read_text())
    assert data["total_cycles"] == predict(built[1].program).total
    assert sum(command["cycles"] for command in data["commands"]) == data["total_cycles"]
    folded = [c["iteration"] for c in data["commands"] if c["layer"] == "stage2.fold.conv1"]
    assert folded == [0, 1]
    for command in data["commands"]:
        assert sum(command["causes_cycles"].values()) == command["cycles"]


def test_expected_vectors_are_the_golden_trace(built, model):
    found = vectors.load(built[0] / "expected" / "vectors.safetensors", model)
    assert len(found.images) == 2
    assert vectors.difference(golden.run(model, found.images), found.trace) is None


def test_command_takes_images_from_a_vector_file(model, tmp_path, capsys):
    images = random_images(model.network, 5, seed=8)
    given = Vectors(images, np.arange(5), golden.run(model, images))
    path = save(model, tmp_path / "m.safetensors")
    vectors.save(tmp_path / "v.safetensors", model, given)
    out = tmp_path / "out"
    options = ["--model", str(path), "--vectors", str(tmp_path / "v.safetensors"), "--images", "3", "--out", str(out)]
    assert main([*options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {str(out / name) for name in ALWAYS | WITH_MODEL} == set(printed["files"])
    found = vectors.load(out / "expected" / "vectors.safetensors", model)
    assert found.labels.tolist() == [0, 1, 2]
    assert np.array_equal(found.images, images[:3])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--pe", "17"], "There is no named shape of 17 PEs: use one of"),
        (["--pe", "16", "--groups", "4"], "Give both groups .* or neither"),
        (["--vectors", "v.safetensors"], "--vectors needs --model"),
        (["--images", "0"], "--images must be from 1 to"),
        (["--model", "absent.safetensors"], "absent.safetensors does not exist"),
        (["--modes", "3of4"], "--modes must be some of any,2of4,1of4,max1of4, not '3of4'"),
        (["--model", "MODEL", "--mask-bits", "512"], "is streamed in chunks of .*; build with --mask-bits"),
        (["--model", "MODEL", "--modes", "1of4"], "is any, but the build supports only 1of4"),
        (["--out", "FILE"], "is a file; give a folder with --out"),
    ],
)
def test_refusals_write_nothing(options, sentence, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(model, tmp_path / "MODEL")
    (tmp_path / "FILE").write_text("kept")
    with pytest.raises(Refused, match=sentence):
        main(options)
    assert names(tmp_path) == {"MODEL", "FILE"}
    assert (tmp_path / "FILE").read_text() == "kept"


def test_an_interrupted_build_leaves_no_half_file(model, tmp_path, monkeypatch):
    """Power goes when the third file is to take its name: the first two are whole, nothing else is there."""
    seen = []

    def replace(source, target):
        seen.append(target)
        if len(seen) == 3:
            raise KeyboardInterrupt
        source.rename(target)

    monkeypatch.setattr("spec.files.os.replace", replace)
    with pytest.raises(KeyboardInterrupt):
        build(CONFIG, tmp_path, model)
    assert names(tmp_path) == {path.name for path in seen[:2]}
