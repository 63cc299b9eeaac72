"""The register files against the description they are made of, read back by an XML parser and a C compiler."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from gen.register_files import c_header, markdown, svd
from spec.config import config_for
from spec.packets import HEADER_WORDS, LANE_LSB, PACKET_MAGIC, memory_words
from spec.registers import COUNTERS, MAGIC, REGISTERS, VERSION, Access, ErrorCode

CONFIG = config_for(32, lanes=2)
WRITERS = [c_header, svd, markdown]


def constants():
    """Every constant the header must define."""
    values = {"LANES": CONFIG.lanes, "PACKET_LANE_SHIFT": LANE_LSB, "PACKET_MAGIC": PACKET_MAGIC,
              "PACKET_HEADER_WORDS": HEADER_WORDS, "COUNTERS": len(COUNTERS),
              "MAGIC_VALUE": MAGIC, "VERSION_VALUE": VERSION, "CONFIG_HASH_VALUE": CONFIG.hash,
              "FEATURES_VALUE": 5}
    for register in REGISTERS:
        values[register.name] = register.offset
        for field in register.fields:
            values[f"{register.name}_{field.name.upper()}_MASK"] = (2**field.width - 1) * 2**field.lsb
            values[f"{register.name}_{field.name.upper()}_SHIFT"] = field.lsb
    values |= {f"ERROR_{code.name}": code.value for code in ErrorCode}
    values |= {f"TARGET_{target.name}": target.value for target in memory_words(CONFIG)}
    values |= {f"TARGET_{target.name}_WORDS": words for target, words in memory_words(CONFIG).items()}
    return {f"FOLDENITE_{name}": value for name, value in values.items()}


def test_c_header_compiles_and_says_the_same(tmp_path):
    """Every constant is checked by the compiler; a second inclusion and a redefinition would be errors."""
    (tmp_path / "regs.h").write_text(c_header(CONFIG))
    checks = [f'_Static_assert({name} == {value}u, "{name}");' for name, value in constants().items()]
    (tmp_path / "check.c").write_text("\n".join(['#include "regs.h"', '#include "regs.h"', *checks, ""]))
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "check.c"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_c_header_defines_nothing_else():
    defined = [line.split()[1] for line in c_header(CONFIG).splitlines() if line.startswith("#define")]
    assert len(defined) == len(set(defined))
    assert set(defined) == set(constants()) | {"FOLDENITE_REGS_H"}


# Access, modifiedWriteValues and readAction of CMSIS-SVD.
SVD_ACCESS = {
    Access.RO: ("read-only", None, None),
    Access.RW: ("read-write", None, None),
    Access.WO: ("write-only", None, None),
    Access.RC: ("read-only", None, "clear"),
    Access.W1C: ("read-write", "oneToClear", None),
    Access.WC: ("read-write", "clear", None),
}


def test_svd_says_the_same():
    device = ET.fromstring(svd(CONFIG))
    assert (device.tag, device.get("schemaVersion")) == ("device", "1.3")
    found = [
        (register.findtext("name"), int(register.findtext("addressOffset"), 0), register.findtext("description"), [
            (field.findtext("name"), int(field.findtext("bitOffset")), int(field.findtext("bitWidth")),
             (field.findtext("access"), field.findtext("modifiedWriteValues"), field.findtext("readAction")),
             field.findtext("description"))
            for field in register.iter("field")
        ])
        for register in device.iter("register")
    ]
    assert found == [
        (register.name, register.offset, register.doc, [
            (field.name, field.lsb, field.width, SVD_ACCESS[field.access], field.doc) for field in register.fields
        ])
        for register in REGISTERS
    ]


# Register: value after reset, and the bits of it that are known.
RESETS = {
    "CONTROL": (0, 0x303), "ERROR": (0, 0xFF), "ERROR_INFO": (0, 0), "MODEL_HASH": (0, 0xFFFF_FFFF), "POSITION": (0, 0),
    "MAGIC": (MAGIC, 0xFFFF_FFFF), "CONFIG_HASH": (CONFIG.hash, 0xFFFF_FFFF), "PROGRAM_START": (0, 0xFFFF),
}


@pytest.mark.parametrize(("name", "reset"), RESETS.items(), ids=RESETS)
def test_svd_resets(name, reset):
    register = ET.fromstring(svd(CONFIG)).find(f".//register[name='{name}']")
    assert (int(register.findtext("resetValue"), 0), int(register.findtext("resetMask"), 0)) == reset


def test_svd_names_the_errors():
    values = ET.fromstring(svd(CONFIG)).findall(".//register[name='ERROR']//enumeratedValue")
    assert {value.findtext("name"): int(value.findtext("value")) for value in values} == ErrorCode.__members__
    assert all(len(value.findtext("description")) > 5 for value in values)


#: Children of a register and a field in the order of the CMSIS-SVD schema.
ORDER = ["name", "description", "addressOffset", "bitOffset", "bitWidth", "access", "resetValue", "resetMask",
         "modifiedWriteValues", "readAction", "fields", "enumeratedValues"]


def test_svd_children_are_in_schema_order():
    root = ET.fromstring(svd(CONFIG))
    for element in (*root.iter("register"), *root.iter("field")):
        positions = [ORDER.index(child.tag) for child in element]
        assert positions == sorted(positions)


def test_markdown_has_every_row():
    """Each table has the rows of the description, and no cell breaks its table."""
    lines = [line for line in markdown(CONFIG).splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.replace(r"\|", "!").strip("|").split("|")] for line in lines]
    for register in REGISTERS:
        assert [f"0x{register.offset:02X}", register.name, register.doc] in rows
        for field in register.fields:
            high = field.lsb + field.width - 1
            bits = f"{high}:{field.lsb}" if high > field.lsb else str(high)
            assert [f"0x{register.offset:02X}", register.name, bits, field.name, field.access.value,
                    field.doc.replace("|", "!")] in rows
    for member in (*ErrorCode, *memory_words(CONFIG)):
        assert [row for row in rows if row[:2] == [str(member.value), member.name]], member
    assert {len(row) for row in rows} == {2, 3, 4, 6}
    assert f"0x{CONFIG.hash:08X}" in markdown(CONFIG)


def test_rings_are_in_the_files_of_a_build_that_knows_them():
    built = config_for(16, ring_words=48)
    assert re.search(r"FOLDENITE_TARGET_RING_WORDS +48u", c_header(built))
    assert re.search(r"FOLDENITE_FEATURES_VALUE +0x00000007u", c_header(built))
    assert re.search(r"\| 6 +\| RING +\| 48 ", markdown(built))
    assert "TARGET_RING" not in c_header(CONFIG)
    assert "| RING" not in markdown(CONFIG)


@pytest.mark.parametrize(("lanes", "sentence"), [
    (1, "The build has one lane: addresses of X and T have 0 where others have a lane, from bit 24 on."),
    (2, "Each of the 2 lanes has X and T of its own: their addresses have the lane, from bit 24 on."),
])
def test_lanes_are_counted_as_one_counts(lanes, sentence):
    assert f" `tlast` on the last. {sentence}\n" in markdown(config_for(16 * lanes, lanes=lanes))


@pytest.mark.parametrize("write", WRITERS)
def test_deterministic_and_specific_to_the_build(write):
    """The same bytes in another process with another hash seed; other bytes for another build."""
    call = f"g.{write.__name__}(c.config_for(32, lanes=2))"
    script = f"import gen.register_files as g, spec.config as c; print({call}, end='')"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", script]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert other.stdout == write(CONFIG)
    assert write(config_for(16, commands=256)) != write(CONFIG)


@pytest.mark.parametrize("write", WRITERS)
def test_ascii_ends_with_one_newline_and_has_no_trailing_spaces(write):
    text = write(CONFIG)
    assert text.isascii()
    assert text == text.rstrip("\n") + "\n"
    assert all(line == line.rstrip() for line in text.splitlines())
