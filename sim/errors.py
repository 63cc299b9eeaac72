"""What the accelerator complains about, in words for the person at the host."""

from spec.registers import ErrorCode

__all__ = ["MEANINGS", "AcceleratorError", "RegisterAccessFailed"]

#: What each error code tells the person at the host, and what to do.
MEANINGS = {
    ErrorCode.NONE: "no error",
    ErrorCode.PACKET_MAGIC: "the first word of a packet was no packet header; send whole packets, one per stream frame",
    ErrorCode.PACKET_TARGET: "a packet was for a memory this build does not have; compile for this configuration",
    ErrorCode.PACKET_RANGE: "a packet reached beyond its memory; compile for this configuration",
    ErrorCode.PACKET_SHORT: "a packet ended before its announced length; send it again whole",
    ErrorCode.PACKET_LONG: "a packet went on after its announced length, which was dropped; send it again as announced",
    ErrorCode.START_BUSY: "start or clear was ignored, because an inference, a packet or a clear was in progress, or "
    "the rest of an aborted frame was not taken; wait for ready",
    ErrorCode.REGISTER: "an unknown register was accessed or a register was written in part; use whole 32-bit accesses",
    ErrorCode.STREAM_ORDER: "a chunk of streamed masks came out of turn, or another packet where one was needed, and "
    "the inference was stopped; send all of stream_packets, in order, in every inference",
    ErrorCode.STREAM_LENGTH: "a chunk of streamed masks was not as long as its m-tile, and the inference was stopped; "
    "send the stream_packets of the program that is selected",
    ErrorCode.MEMORY: "a word of a memory was not the one that was written, and the inference was stopped; load the "
    "program again",
    ErrorCode.WATCHDOG: "an inference took longer than the watchdog allows and was stopped; send all the masks that it "
    "waits for, take its frames sooner, or set register WATCHDOG higher",
    ErrorCode.COMMAND: "the program held an unknown command and was stopped; load the program again",
}


class AcceleratorError(RuntimeError):
    """The accelerator reported an error.

    ``code`` is what ERROR says, ``info`` what ERROR_INFO says about it.
    """

    def __init__(self, code: int, info: int):
        try:
            self.code = ErrorCode(code)
            meaning = f"{self.code.name}: {MEANINGS[self.code]}"
        except ValueError:
            self.code = code
            meaning = f"code {code}, which this driver does not know; use the driver of the build"
        self.info = info
        super().__init__(f"Accelerator reported {meaning} (error info {info:#010x})")


class RegisterAccessFailed(RuntimeError):
    """A register access was answered with an AXI error."""
