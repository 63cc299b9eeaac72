"""Whatever :mod:`sim.moves` draws is done to the accelerator; then a clean inference is right, to the bit and cycle."""

import json
import logging
from collections import Counter
from pathlib import Path
from random import Random

import cocotb
from cocotbext.axi import AxiResp

from gen.compile import Program
from gen.cycles import predict
from sim.bench.harness import Harness, SmallModel, current_job, subject
from sim.bench.misbehaviour import bad_packets_of
from sim.compare import expected_counters
from sim.driver import bit
from sim.errors import AcceleratorError
from sim.moves import LASTING, Access, Move, Sequence, accesses, cut, draw, is_refused
from spec.packets import PACKET_MAGIC, PER_LANE, Target, chunk_packet, memory_words, packet
from spec.registers import ErrorCode, offset_of

SEQUENCES = 30  #: Of one run, unless ``+sequences=`` says otherwise.
START, ABORT, CLEAR = (bit("CONTROL", name) for name in ("start", "abort", "clear"))


class Host:
    """Does the moves, and counts what they come upon in ``seen``."""

    def __init__(self, harness: Harness, dut):
        self.harness = harness
        self.transport, self.driver = harness.transport, harness.driver
        self.dut = dut
        self.seen = Counter()
        self.stalled = False
        self.program: Program | None = None
        self.of: SmallModel | None = None

    async def perform(self, sequence: Sequence) -> None:
        """All moves of ``sequence``, the way back, and the clean inference."""
        of = subject("tiny", sequence.mode)
        program, first = of.program(trace=True), sequence.number
        if of is not self.of:
            await self.harness.call(self.driver.load, program)
        self.of, self.program = of, program
        for move in sequence.moves:
            before = int(self.dut.started.value)
            await self.do(move)
            self.seen["moves with a start that was taken"] += int(self.dut.started.value) != before
        await self.recover(sequence.recovery)
        if any(move.name in LASTING for move in sequence.moves):
            await self.harness.call(self.driver.load, program)
        else:
            await self.harness.call(self.driver.select, program)
        result = await self.harness.check_inference(of, first)
        if not program.stream_packets:  # which may come late
            expected = expected_counters(predict(program))
            assert result.counters == expected, f"Counters are {result.counters}, not {expected}"
        await self.harness.finish()

    async def recover(self, how: str) -> None:
        """What a host does that has lost track: all runs again, what was begun ends, and an abort or a reset."""
        self.transport.stall(0, seed=0)
        self.stalled = self.transport.sink.pause = self.transport.source.pause = False
        self.seen[f"{ErrorCode(await self.harness.call(self.driver.read, 'ERROR')).name} pending at the end"] += 1
        control = await self.harness.call(self.driver.read, "CONTROL")
        self.seen[f"{how} while an inference runs"] += not control & bit("CONTROL", "idle")
        if how == "reset":
            await self.transport.reset()
        else:
            await self.transport.withdraw_async()
            try:
                await self.abort(how)
            except AcceleratorError as error:  # of a packet that was on its way
                self.seen["abort meets the error of a packet on its way"] += 1
                self.dut._log.info("on the way: %s", error)
            await self.transport.sent_async()
            await self.abort(how)
        await self.harness.call(self.driver.identify)
        await self.harness.call(self.driver.watch, None)  # whatever a move wrote there
        await self.harness.call(self.driver.raise_error)

    async def abort(self, how: str) -> None:
        """The driver's abort, or one that knows of the frames only what the registers and ``tlast`` say."""
        if how == "abort":
            await self.harness.call(self.driver.abort)
            return
        await self.access(_write("CONTROL", ABORT))
        await self.harness.call(self.driver.clear_error)
        await self.harness.call(self.driver.wait_ready)
        self.seen["whole frames forgotten"] += self.transport.sink.count()
        self.transport.sink.clear()

    async def do(self, move: Move) -> None:
        """One move; it may go on after this."""
        rng = Random(move.seed)
        match move.name:
            case "start storm":
                await self.storm(rng, START, ())
            case "abort storm":
                await self.storm(rng, ABORT, (0, 0, START, CLEAR, START | CLEAR))
            case "clear":
                await self.access(_write("CONTROL", CLEAR))
            case "clear error":
                await self.access(_write("ERROR", 0))
            case "inference":
                await self.begin_inference(rng)
            case "pause sink":
                self.transport.sink.pause = not self.transport.sink.pause
            case "pause source":
                self.transport.source.pause = not self.transport.source.pause
            case "stalls":
                self.stalled = not self.stalled
                self.transport.stall(rng.choice((0.2, 0.8)) if self.stalled else 0, seed=move.seed)
            case "reset":
                await self.transport.reset()
            case "wait":
                await self.transport.cycles(rng.choice((rng.randint(1, 30), rng.randint(1, 3000))))
            case "read" | "write" | "partial access" | "unaligned access" | "unknown register" | "parallel accesses":
                tasks = [cocotb.start_soon(self.access(access)) for access in accesses(move.name, rng)]
                for task in tasks:
                    await task
            case _:
                await self.transport.send_later_async([self.packet(move.name, rng)])
        await self.transport.cycles(rng.choice((0, 0, 1, rng.randint(2, 60))))

    async def access(self, access: Access) -> None:
        """One access; its answer must be the right one."""
        registers = self.transport.registers
        if access.data is None:
            operation = registers.read(access.address, access.count)
        else:
            operation = registers.write(access.address, access.data)
        answer = await self.transport.bounded(operation, f"{access}")
        expected = AxiResp.SLVERR if is_refused(access) else AxiResp.OKAY
        assert answer.resp == expected, f"{access} was answered {answer.resp.name}, not {expected.name}"

    async def storm(self, rng: Random, meant: int, more: tuple[int, ...]) -> None:
        """Writes of CONTROL, few cycles apart."""
        for _ in range(rng.randint(2, 8)):
            await self.access(_write("CONTROL", meant | (rng.choice(more) if more else 0)))
            await self.transport.cycles(rng.choice((0, 0, rng.randint(1, 40))))

    async def begin_inference(self, rng: Random) -> None:
        """An image is queued, and a start written, whatever is going on."""
        await self.transport.send_later_async(self.of.image_packets(self.program, rng.randrange(4)))
        await self.transport.cycles(rng.choice((0, 500)))
        if rng.random() < 0.8:
            await self.access(_write("ERROR", 0))
        await self.access(_write("PROGRAM_START", self.program.start))
        await self.access(_write("CONTROL", START))
        await self.transport.send_later_async(self.program.stream_packets)
        await self.transport.cycles(rng.choice((0, rng.randint(1, 200), rng.randint(1, predict(self.program).total))))

    def packet(self, kind: str, rng: Random) -> bytes:
        """A packet that no host should send, or not now."""
        config = current_job().config
        known = memory_words(config)
        whole = rng.choice((*self.program.packets, *self.of.image_packets(self.program, 0)))
        target = rng.choice(list(known))
        match kind:
            case "garbage packet":
                header = (PACKET_MAGIC | rng.randrange(len(known) + 1)).to_bytes(4, "little") * rng.randint(0, 1)
                return header + rng.randbytes(4 * rng.randint(1, 40))
            case "bad packet":
                return rng.choice([content for content, _ in bad_packets_of(config).values()])
            case "cut packet":
                return cut(whole, rng)
            case "long packet":
                return whole + bytes(4 * rng.randint(1, 40))
            case "chunk":
                return chunk_packet(rng.randrange(4), rng.randrange(64), rng.randbytes(4 * rng.randint(1, 40)))
        words = rng.randint(1, 60)
        lane = rng.randrange(config.lanes) if target in PER_LANE else 0
        return packet(Target(target), rng.randrange(known[target] - words), rng.randbytes(4 * words), lane)


def _write(register: str, value: int) -> Access:
    return Access(offset_of(register), 4, value.to_bytes(4, "little"))


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def protocol(dut):
    """``+sequences=`` of them from number ``+first=`` on; what they came upon is left in ``seen.json``."""
    harness, names = await Harness.start(dut), cocotb.plusargs
    for bus in ("s_axi", "s_axis"):  # a reset prints what it flushes
        logging.getLogger(f"cocotb.{dut._name}.{bus}").setLevel(logging.ERROR)
    host = Host(harness, dut)
    seed, first = int(names.get("draws", 1)), int(names.get("first", 0))
    for number in range(first, first + int(names.get("sequences", SEQUENCES))):
        sequence = draw(seed, number)
        what = f"sequence {number} of seed {seed}: {', '.join(move.name for move in sequence.moves)}"
        dut._log.info("%s", what)
        try:
            await host.perform(sequence)
        except Exception as error:
            raise AssertionError(f"{what}; recovery by {sequence.recovery}: {type(error).__name__}: {error}") from error
    Path("seen.json").write_text(json.dumps(dict(host.seen), indent=2, sort_keys=True) + "\n")
