"""What software needs to know of a build, for C, for debuggers and for people: all of it from ``spec.registers``."""

import enum
import inspect
import re
import xml.etree.ElementTree as ET

from spec.config import AcceleratorConfig
from spec.packets import HEADER_WORDS, LANE_LSB, PACKET_BYTES, PACKET_MAGIC, PER_LANE, Target, memory_words
from spec.registers import (
    OFFSET_BITS,
    VERSION,
    Access,
    ErrorCode,
    Field,
    Register,
    counter_names,
    identity,
    registers_of,
)

__all__ = ["c_header", "markdown", "svd"]

_PREFIX = "FOLDENITE"
_REGISTER_BITS = 32

#: CMSIS-SVD spelling of an access: the access itself, then what else to say.
_SVD_ACCESS = {
    Access.RO: ("read-only", {}),
    Access.RW: ("read-write", {}),
    Access.WO: ("write-only", {}),
    Access.RC: ("read-only", {"readAction": "clear"}),
    Access.W1C: ("read-write", {"modifiedWriteValues": "oneToClear"}),
    Access.WC: ("read-write", {"modifiedWriteValues": "clear"}),
}


def _mask(field: Field) -> int:
    return (1 << field.width) - 1 << field.lsb


def _described(kind: type[enum.Enum]) -> list[tuple[enum.Enum, str]]:
    """Every member and its ``#:`` sentence, from the source."""
    sentences = dict(re.findall(r"^ +(\w+) = .*?#: (.*)$", inspect.getsource(kind), re.MULTILINE))
    return [(member, sentences[member.name]) for member in kind]


def _targets(config: AcceleratorConfig) -> list[tuple[Target, int, str]]:
    """Every memory of the build that packets fill, its size in 32-bit words, and its sentence."""
    sizes = memory_words(config)
    return [(target, sizes[target], doc) for target, doc in _described(Target) if target in sizes]


def _describe(config: AcceleratorConfig) -> str:
    return f"{config.pe} PEs, Tg x Tm x L = {config.groups} x {config.rows} x {config.lanes}"


def _per_lane() -> str:
    """The memories that every lane has one of."""
    return " and ".join(target.name for target in PER_LANE)


def _lanes(config: AcceleratorConfig) -> str:
    """How many of those memories there are, up to where in an address the lane is."""
    if config.lanes == 1:
        return f"The build has one lane: addresses of {_per_lane()} have 0 where others have a lane"
    return f"Each of the {config.lanes} lanes has {_per_lane()} of its own: their addresses have the lane"


def _known_after_reset(register: Register, config: AcceleratorConfig) -> int:
    """Bits whose reset value is a constant: all but status that hardware drives."""
    if register.name in identity(config):
        return sum(_mask(field) for field in register.fields)
    return sum(_mask(field) for field in register.fields if field.access is not Access.RO)


def c_header(config: AcceleratorConfig) -> str:
    """C header: offsets, masks and shifts of every field, error codes, packets and the identity of the build."""
    rows = []

    def define(name: str, value: str, doc: str) -> None:
        rows.append(f"#define {f'{_PREFIX}_{name}':<40} {value:<12} /* {doc} */")

    rows += ["/* Registers: byte offsets; per field its mask in place and its lowest bit. */"]
    for register in registers_of(config):
        rows.append("")
        define(register.name, f"0x{register.offset:02X}u", register.doc)
        for field in register.fields:
            name = f"{register.name}_{field.name.upper()}"
            define(f"{name}_MASK", f"0x{_mask(field):08X}u", f"{field.access.value}: {field.doc}")
            define(f"{name}_SHIFT", f"{field.lsb}", f"{field.width} bit")
    rows += ["", "/* What the identity registers of this build read. */"]
    for name, value in identity(config).items():
        define(f"{name}_VALUE", f"0x{value:08X}u", name)
    rows += ["", "/* Error codes. */"]
    for code, doc in _described(ErrorCode):
        define(f"ERROR_{code.name}", f"{code.value}u", doc)
    rows += ["", "/* Packets: magic | target, address, length (in 32-bit words), then the words. */"]
    define("PACKET_MAGIC", f"0x{PACKET_MAGIC:08X}u", "or the target into it")
    define("PACKET_HEADER_WORDS", f"{HEADER_WORDS}u", "words before the payload")
    define("LANES", f"{config.lanes}u", "images at a time")
    define("PACKET_LANE_SHIFT", f"{LANE_LSB}", f"where the address of {_per_lane()} has its lane")
    for target, words, doc in _targets(config):
        define(f"TARGET_{target.name}", f"{target.value}u", doc)
        define(f"TARGET_{target.name}_WORDS", f"{words}u", "size of that memory")
    rows += ["", "/* Counters: 64 bits each, LOW then HIGH; the first is the sum of any others. */"]
    define("COUNTERS", f"{len(counter_names(config))}u", "how many")

    guard = f"{_PREFIX}_REGS_H"
    return "\n".join([
        f"/* Foldenite, {_describe(config)}. Generated; do not edit. */",
        f"#ifndef {guard}", f"#define {guard}", "", *rows, "", f"#endif /* {guard} */", "",
    ])


def svd(config: AcceleratorConfig) -> str:
    """CMSIS-SVD 1.3 description: one device with one peripheral at address 0."""
    device = ET.Element("device", {
        "schemaVersion": "1.3",
        "xmlns:xs": "http://www.w3.org/2001/XMLSchema-instance",
        "xs:noNamespaceSchemaLocation": "CMSIS-SVD.xsd",
    })
    _leaves(device, {
        "name": "Foldenite", "version": f"{VERSION >> 16}.{VERSION & 0xFFFF}", "description": _describe(config),
        "addressUnitBits": 8, "width": _REGISTER_BITS, "size": _REGISTER_BITS,
    })
    peripheral = ET.SubElement(ET.SubElement(device, "peripherals"), "peripheral")
    _leaves(peripheral, {"name": _PREFIX, "description": "Hidden-network accelerator", "baseAddress": "0x0"})
    block = ET.SubElement(peripheral, "addressBlock")
    _leaves(block, {"offset": "0x0", "size": 1 << OFFSET_BITS, "usage": "registers"})
    registers = ET.SubElement(peripheral, "registers")
    for register in registers_of(config):
        element = ET.SubElement(registers, "register")
        _leaves(element, {
            "name": register.name, "description": register.doc, "addressOffset": f"0x{register.offset:02X}",
            "resetValue": f"0x{identity(config).get(register.name, 0):08X}",
            "resetMask": f"0x{_known_after_reset(register, config):08X}",
        })
        fields = ET.SubElement(element, "fields")
        for field in register.fields:
            _svd_field(ET.SubElement(fields, "field"), register, field)
    ET.indent(device)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(device, encoding="unicode") + "\n"


def _svd_field(element: ET.Element, register: Register, field: Field) -> None:
    access, action = _SVD_ACCESS[field.access]
    _leaves(element, {
        "name": field.name, "description": field.doc, "bitOffset": field.lsb, "bitWidth": field.width, "access": access,
    } | action)
    if (register.name, field.name) == ("ERROR", "code"):
        values = ET.SubElement(element, "enumeratedValues")
        for code, doc in _described(ErrorCode):
            _leaves(ET.SubElement(values, "enumeratedValue"),
                    {"name": code.name, "description": doc, "value": code.value})


def _leaves(parent: ET.Element, texts: dict[str, object]) -> None:
    """Add one child per entry, in order (the schema has one)."""
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = str(text)


def markdown(config: AcceleratorConfig) -> str:
    """Register map for people: one table per topic."""
    fields = [
        (f"0x{register.offset:02X}", register.name, _bits(field), field.name, field.access.value, field.doc)
        for register in registers_of(config) for field in register.fields
    ]
    docs = [(f"0x{register.offset:02X}", register.name, register.doc) for register in registers_of(config)]
    errors = [(code.value, code.name, doc) for code, doc in _described(ErrorCode)]
    targets = [(target.value, target.name, words, doc) for target, words, doc in _targets(config)]
    return "\n".join([
        f"# Foldenite registers: {_describe(config)}", "",
        "AXI4-Lite, 32-bit registers at these byte offsets. Anything else, and a partial write, is answered SLVERR.",
        "",
        *_table(("offset", "register", "purpose"), docs),
        "## Fields", "", *_table(("offset", "register", "bits", "field", "access", "meaning"), fields),
        "## Identity of this build", "",
        *_table(("register", "value"), [(name, f"0x{value:08X}") for name, value in identity(config).items()]),
        "## Errors", "", *_table(("code", "name", "meaning"), errors),
        "## Packets", "",
        f"A packet is 0x{PACKET_MAGIC:08X} with the target in its low half, the address, the length (both in 32-bit "
        "words of that memory), then that many words, `tlast` on the last. "
        f"{_lanes(config)}, from bit {LANE_LSB} on.", "",
        "All but chunks may be cut between words into several, each with a header of its own; those in `image.bin` "
        f"have at most {PACKET_BYTES:,} bytes, for a DMA whose length has 14 bits.", "",
        *_table(("target", "memory", "32-bit words", "holds"), targets),
    ])


def _bits(field: Field) -> str:
    return str(field.lsb) if field.width == 1 else f"{field.lsb + field.width - 1}:{field.lsb}"


def _table(head: tuple[str, ...], rows: list[tuple]) -> list[str]:
    """Markdown table and the empty line after it."""
    lines = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines] + [""]
