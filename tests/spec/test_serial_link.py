"""Frames of the serial link: nothing is taken for another frame, whatever happens to it on the way."""

import random

import pytest

from spec.serial_link import (
    CRC_GOOD,
    CRC_START,
    ESCAPE,
    FLAG,
    FRAME_WORDS,
    LEAST_BYTES,
    LINK_VERSION,
    STATUS_BITS,
    Flag,
    Request,
    Response,
    Status,
    crc16,
    encode,
    payload_bytes,
    request,
    response,
    unescape,
)


def test_crc_is_that_of_rfc_1662():
    """The published check value, and the state after a frame that RFC 1662 (C.2) calls good."""
    assert crc16(b"123456789") == 0x906E
    assert crc16(b"") == 0xFFFF ^ CRC_START
    for content in (b"", b"a", b"123456789"):
        assert crc16(content + crc16(content).to_bytes(2, "little")) ^ 0xFFFF == CRC_GOOD


@pytest.mark.parametrize("content", [b"ab", bytes([FLAG, ESCAPE] * 5), bytes(range(256)), b"\0" * 256])
def test_a_frame_is_taken_apart_again(content):
    frame = encode(content)
    assert (frame[0], frame[-1]) == (FLAG, FLAG)
    assert FLAG not in frame[1:-1]
    assert unescape(frame[1:-1]) == content


def test_a_crc_of_flags_is_escaped():
    contents = (number.to_bytes(3, "little") for number in range(1 << 16))
    content = next(c for c in contents if {FLAG, ESCAPE} & set(crc16(c).to_bytes(2, "little")))
    body = encode(content)[1:-1]
    assert FLAG not in body
    assert unescape(body) == content


@pytest.mark.parametrize("body", [b"", b"a", b"abc", b"ab\x00\x00", encode(b"a")[1:-1], bytes([ESCAPE])])
def test_what_is_no_frame_is_none(body):
    assert unescape(body) is None


def test_every_wrong_bit_and_every_lost_byte_is_noticed():
    rng = random.Random(1)
    content = rng.randbytes(40)
    body = encode(content)[1:-1]
    for place in range(len(body)):
        assert unescape(body[:place] + body[place + 1 :]) is None
        for bit in range(8):
            wrong = bytearray(body)
            wrong[place] ^= 1 << bit
            assert unescape(bytes(wrong)) is None, (place, bit)


def test_a_frame_that_ends_in_an_escape_is_corrupt():
    assert unescape(encode(b"abc")[1:-1] + bytes([ESCAPE])) is None


def test_the_link_is_that_of_its_version():
    """Literally, so that whoever changes what crosses the wire changes the version too."""
    assert LINK_VERSION == 0x0001_0000
    assert encode(bytes.fromhex("7e7d5e00")) == bytes.fromhex("7e 7d 5e 7d 5d 5e 00 99 3e 7e")
    assert {kind.name: int(kind) for kind in Request} == {
        "RESET": 0, "POLL": 1, "READ": 2, "WRITE": 3, "SEND": 4, "SEND_LAST": 5, "FETCH": 6,
    }
    assert {status.name: int(status) for status in Status} == {
        "OK": 0, "CORRUPT": 1, "INVALID": 2, "REFUSED": 3, "FULL": 4,
    }
    assert {flag.name: int(flag) for flag in Flag} == {"IRQ": 16, "TAKEN": 32, "LAST": 64}
    assert (FRAME_WORDS, LEAST_BYTES, STATUS_BITS) == (64, 2, 3)


def test_requests():
    assert unescape(request(7, Request.READ, b"\x10")[1:-1]) == b"\x07\x02\x10"
    assert unescape(request(255, Request.POLL)[1:-1]) == b"\xff\x01"


@pytest.mark.parametrize(("kind", "lengths"), [
    (Request.RESET, [0]), (Request.POLL, [0]), (Request.READ, [1]), (Request.WRITE, [5]), (Request.FETCH, [0]),
    (Request.SEND, [4 * n for n in range(1, FRAME_WORDS + 1)]),
    (Request.SEND_LAST, [4 * n for n in range(1, FRAME_WORDS + 1)]),
])
def test_lengths_of_payloads(kind, lengths):
    assert list(payload_bytes(kind)) == lengths
    with pytest.raises(ValueError, match=f"A request {kind.name} cannot have a payload of {lengths[-1] + 1} bytes"):
        request(0, kind, bytes(lengths[-1] + 1))


def test_responses():
    assert response(b"\x09abcd\x53") == Response(9, Status.REFUSED, Flag.IRQ | Flag.LAST, b"abcd")
    assert response(bytes([0, 0])) == Response(0, Status.OK, Flag(0), b"")


@pytest.mark.parametrize("last", [5, 7, 8, 0x80, 0x88])
def test_what_is_no_response_is_none(last):
    assert response(bytes([0, last])) is None
