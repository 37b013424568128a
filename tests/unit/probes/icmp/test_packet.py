"""Echo messages as written and as read."""

from __future__ import annotations

import pytest

from loopdiag.probes.icmp.packet import HEADER, Dialect, checksum

PAYLOAD = bytes(range(56))


def reply_to(request: bytes, *, version: int = 4, payload: bytes | None = None) -> bytes:
    """The answer that a kernel gives, its checksum made anew over all of it."""
    _, _, _, identifier, sequence = HEADER.unpack_from(request)
    body = request[8:] if payload is None else payload
    bare = HEADER.pack(0 if version == 4 else 129, 0, 0, identifier, sequence) + body
    return bare[:2] + checksum(bare).to_bytes(2, "big") + bare[4:]


def in_ip(message: bytes, *, ttl: int = 64, options: bytes = b"") -> bytes:
    """A raw IPv4 socket is given the IP header too, options included."""
    return bytes([0x45 + len(options) // 4, *([0] * 7), ttl, *([0] * 11)]) + options + message


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xff\xff", bytes(range(255))])
def test_a_message_with_its_checksum_sums_to_nothing(data: bytes) -> None:
    even = data + b"\0" * (len(data) % 2)
    assert checksum(even + checksum(data).to_bytes(2, "big")) == 0


def test_rfc_1071_example() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@pytest.mark.parametrize("size", [0, 1, 7, 56, 1471])
@pytest.mark.parametrize("sequence", [0, 1, 0x8000, 0xFFFF])
def test_requests_carry_a_right_checksum(size: int, sequence: int) -> None:
    request = Dialect(4, 0xBEEF, PAYLOAD * 30 if size > 56 else PAYLOAD[:size]).request(sequence)
    assert checksum(request) == 0
    assert HEADER.unpack_from(request)[0:2] == (8, 0)
    assert HEADER.unpack_from(request)[3:] == (0xBEEF, sequence)


def test_scapy_reads_the_same_request() -> None:
    """An independent witness."""
    from scapy.layers.inet import ICMP

    request = Dialect(4, 4711, PAYLOAD).request(7)
    read = ICMP(request)
    assert (read.type, read.code, read.id, read.seq, bytes(read.payload)) == (8, 0, 4711, 7, PAYLOAD)
    written = bytes(ICMP(type=8, id=4711, seq=7) / PAYLOAD)
    assert written == request


def test_a_sound_reply() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    message = dialect.reply(in_ip(reply_to(dialect.request(9)), ttl=63), None, ip_header=True)
    assert message is not None
    assert (message.sequence, message.size, message.ttl) == (9, 64, 63)
    assert (message.damage, message.bad_checksum) == (None, False)


def test_the_ip_header_may_hold_options() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    message = dialect.reply(in_ip(reply_to(dialect.request(9)), options=bytes(40)), None, ip_header=True)
    assert message is not None
    assert message.sequence == 9


def test_what_is_no_reply_of_ours() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    other = Dialect(4, 4712, PAYLOAD)
    assert dialect.reply(in_ip(dialect.request(1)), None, ip_header=True) is None  # the request itself, on lo
    assert dialect.reply(in_ip(reply_to(other.request(1))), None, ip_header=True) is None
    for cut in range(28):
        assert dialect.reply(in_ip(reply_to(dialect.request(1)))[:cut], None, ip_header=True) is None


def test_a_wrong_checksum() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    sound = reply_to(dialect.request(1))
    broken = sound[:2] + bytes([sound[2] ^ 0x40]) + sound[3:]
    message = dialect.reply(in_ip(broken), None, ip_header=True)
    assert message is not None
    assert message.bad_checksum
    assert message.damage == "wrong checksum"


def test_altered_data_is_told_by_its_first_byte() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    altered = PAYLOAD[:10] + b"\xaa" + PAYLOAD[11:]
    message = dialect.reply(in_ip(reply_to(dialect.request(1), payload=altered)), None, ip_header=True)
    assert message is not None
    assert not message.bad_checksum
    assert message.damage == "wrong data byte #10 should be 0xa but was 0xaa"


@pytest.mark.parametrize("payload", [PAYLOAD[:20], PAYLOAD + b"more"])
def test_another_length_is_told(payload: bytes) -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    message = dialect.reply(in_ip(reply_to(dialect.request(1), payload=payload)), None, ip_header=True)
    assert message is not None
    assert message.damage == f"{len(payload)} bytes of data came back of the 56 sent"


def test_a_datagram_socket_gives_no_header_and_ipv6_no_checksum() -> None:
    four, six = Dialect(4, 4711, PAYLOAD), Dialect(6, 4711, PAYLOAD)
    assert six.request(1)[:4] == bytes([128, 0, 0, 0])
    for dialect, version in ((four, 4), (six, 6)):
        message = dialect.reply(reply_to(dialect.request(3), version=version), 61, ip_header=False)
        assert message is not None
        assert (message.sequence, message.ttl, message.damage) == (3, 61, None)


def test_the_request_inside_an_icmp_error() -> None:
    dialect = Dialect(4, 4711, PAYLOAD)
    assert dialect.sequence_in(dialect.request(12)[:8]) == 12
    assert dialect.sequence_in(Dialect(4, 4712, PAYLOAD).request(12)) is None
    assert dialect.sequence_in(b"\x08") is None
