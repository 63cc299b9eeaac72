"""The accelerator behind a serial line: bytes, frames, queues, a bridge to its registers and streams."""
