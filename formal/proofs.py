"""Every proof there is: what it claims, and how it is proved."""

from functools import partial

from formal.harnesses import control, core, counters, host, lane, serial, weights
from formal.proof import Proof
from spec.config import config_for
from spec.numerics import ACC_BITS_MIN, MASK_WIDTHS, RING_WIDTHS, narrowed

__all__ = ["GEOMETRIES", "PROOFS"]

#: A layer within a block, a projection, the first of a stage and a stem.
GEOMETRIES = (
    control.Geometry(kernel=3, stride=1, pad=1, width=5, blocks=2),
    control.Geometry(kernel=1, stride=2, pad=0, width=7, blocks=3),
    control.Geometry(kernel=3, stride=2, pad=1, width=8, blocks=1),
    control.Geometry(kernel=7, stride=2, pad=3, width=9, blocks=1),
)

PROOFS = (
    Proof(
        "axi-answers", host.RegisterAnswers, depth=10,
        claim="The register port answers every access once, within 3 cycles (of when the counters are there, if it "
        "needs them), and holds the answer until it is taken.",
    ),
    Proof(
        "starts", host.StartsWhenReady, depth=4, covered=12,
        claim="An inference starts when asked for, and never while one runs, a packet loads, an error is pending or "
        "the same write aborts or clears; nor does a clear begin then.",
    ),
    Proof(
        "frames", host.FramesInOrder, depth=2, covered=12,
        claim="The frame sender loses, doubles, changes and reorders no word, and holds what it offers; an abort takes "
        "back only what is not offered yet.",
    ),
    Proof(
        "frames-apart", host.FramesApart, depth=2, covered=12,
        claim="A frame that an abort cuts off is closed by a last word: nothing of it comes after the first word of "
        "the next frame, and nothing at all once the sender says that it has drained.",
    ),
    Proof(
        "counters", counters.ReadsWhatWasCounted, depth=4, covered=52, solver="boolector", quick=False,
        claim="What the host reads of a cycle counter, the total or that of a cause, is the number of its cycles from "
        "the start to the snapshot, exactly; so the causes add up to the total.",
    ),
    Proof(
        "sign-words", weights.SignWords, depth=1, covered=2,
        claim="From every state, the signs of a word and the state after it are those of 16 steps of the LFSR.",
    ),
    Proof(
        "sign-jumps", weights.SignJumps, depth=1, covered=2, quick=False,
        claim="From every state, the jump to the next row is 65521 steps of the LFSR.",
    ),
    Proof(
        "signs-rewound", weights.SignsRewound, depth=2, quick=False,
        claim="Signs are those of their row's state; a rewind goes back to the row's start, a commit moves on by its "
        "words, and nothing else moves a row.",
    ),
    Proof(
        "expander", weights.EveryWeight, depth=2, covered=3,
        claim="For every mask, code, pass and word, in every mode, a PE adds what its mask keeps, with its signs.",
    ),
    Proof(
        "chunks", weights.ChunksInOrder, depth=2, covered=12,
        claim="The queue of streamed chunks loses, doubles, changes and reorders none, and a clear empties it.",
    ),
    Proof(
        "shifts-left", lane.ShiftsLeft, depth=1, covered=2,
        claim="Biases and residuals shifted left in stages equal the shift in one, for all values and amounts.",
    ),
    Proof(
        "shifts-right", partial(lane.ShiftsRight, 33, 14), depth=1, covered=2,
        claim="The narrow shift to the right equals the low bits of the wide one, for all values and amounts.",
    ),
    Proof(
        "shifts-right-ring", partial(lane.ShiftsRight, 41, 14), depth=1, covered=2,
        claim="So does that of a build with rings, which has wider sums.",
    ),
    Proof(
        "rounded", lane.Rounded, depth=5, covered=6, quick=False,
        claim="Shift, residual, rounding and saturation give the activation of the definition, for every sum, legal "
        "shift and range.",
    ),
    Proof(
        "rounded-ring", partial(lane.Rounded, RING_WIDTHS), depth=5, covered=6, quick=False,
        claim="So they do in a build with rings.",
    ),
    Proof(
        "rounded-narrow", partial(lane.Rounded, narrowed(MASK_WIDTHS, ACC_BITS_MIN)), depth=5, covered=6, quick=False,
        claim="So they do in a build whose sums have as few bits as can be, beyond which the greatest shifts reach.",
    ),
    Proof(
        "word-queue", serial.WordsInOrder, depth=2, covered=14,
        claim="The queue of the serial line loses, doubles, changes and reorders no word, whenever its ends commit, "
        "revert, release or rewind, and shows none that is not committed.",
    ),
    Proof(
        "loader", partial(host.WritesWithin, config_for(16)), depth=2, covered=8,
        claim="Whatever the host sends, the packet loader writes nowhere beyond a memory, and nothing when it may not.",
    ),
    Proof(
        "loader-lanes", partial(host.WritesWithin, config_for(32, lanes=2, ring_words=64)), depth=2, covered=8,
        claim="The same of a build with two lanes and rings.",
    ),
    Proof(
        "program-ends", control.ProgramsEnd, depth=3, covered=44, quick=False,
        claim="Every program, of any words, ends by HALT or an error, or runs beyond index 65535; a command takes 18 "
        "cycles to come, or fewer.",
    ),
    Proof(
        "program-within", control.ProgramsWithin, depth=2, covered=24, quick=False,
        claim="A program with a HALT in its last command is not left: nothing beyond the program memory is fetched.",
    ),
    Proof(
        "loops", control.LoopsCounted, depth=3, covered=30, quick=False,
        claim="A loop's body runs as often as LOOP says, and its entries move by their step each time.",
    ),
    Proof(
        "commands", control.CommandsWhole, depth=2, covered=24, quick=False,
        claim="A command that is ready is word for word the one in the program memory.",
    ),
    *(
        Proof(
            f"map-{g.kernel}x{g.kernel}-stride{g.stride}", partial(control.WordsOfTheMap, g),
            depth=3, covered=24, quick=False,
            claim=f"A word that counts lies in the map, wherever that lies and however high it is: "
            f"{g.kernel}x{g.kernel}, stride {g.stride}, padding {g.pad}, {g.width} columns of {g.blocks} words.",
        )
        for g in GEOMETRIES
    ),
    Proof(
        "abort", core.IdleAfterAbort, depth=7, covered=18, quick=False,
        claim="From every state, the accelerator is idle 4 cycles after an abort and stays so, and at most two words "
        "come out, held until they are taken: all of them before a start is taken again.",
    ),
    Proof(
        "loader-abort", partial(host.DroppedByAbort, config_for(16)), depth=2, covered=8,
        claim="After an abort no packet is half received: the rest of one is taken at once and written nowhere.",
    ),
    Proof(
        "clear", partial(host.ClearsAll, config_for(16, x_bytes=256, t_bytes=256, psum_depth=16)), depth=2, covered=40,
        claim="A clear writes 0 to every word of every activation memory, and nothing else is written, before it is "
        "over, whatever is sent and aborted meanwhile.",
    ),
    Proof(
        "words-at-power-up", serial.WordsAtPowerUp, depth=2, covered=8,
        claim="Nothing that comes out of the queue of the serial line depends on what its memory held at power-up.",
    ),
    Proof(
        "signs-at-power-up", weights.SignsAtPowerUp, depth=2, covered=6,
        claim="No sign of a row that was started depends on what the generator's memories held at power-up.",
    ),
)
