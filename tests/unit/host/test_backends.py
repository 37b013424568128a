"""Which connections were begun whenever ours was served: from lines as the kernel writes them."""

from __future__ import annotations

from loopdiag.host.linux.trace.backends import connects_in

US, THEM = "python-100", "socat-200"


def mark(text: str) -> str:
    return f"          {US}    [001] .....  1.0: tracing_mark_write: loopdiag: {text}"


def state(task: str, to: str, old: str, new: str) -> str:
    address, _, port = to.rpartition(":")
    return (f"          {task}    [001] ..s1.  1.0: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=0 "
            f"dport={port} saddr=127.0.0.1 daddr={address} saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:{address} "
            f"oldstate=TCP_{old} newstate=TCP_{new}")  # fmt: skip


OURS = state(US, "127.0.0.1:8080", "CLOSE", "SYN_SENT")
BEGUN = state(THEM, "10.0.0.2:80", "CLOSE", "SYN_SENT")
REFUSED = state("ksoftirqd/1-20", "10.0.0.2:80", "SYN_SENT", "CLOSE")


def text(*rounds: list[str], pause: tuple[str, ...] = ()) -> str:
    lines = [line for each in rounds for line in (mark("round"), OURS, *each, mark("pause"), *pause)]
    return "\n".join([*lines, mark("end")])


def test_what_happens_each_time_is_told_with_its_end() -> None:
    (found,) = connects_in(text([BEGUN, REFUSED], [BEGUN, REFUSED]))
    assert (found.process, found.to, found.outcome) == ("socat", "10.0.0.2:80", "refused")
    (waiting,) = connects_in(text([BEGUN], [BEGUN]))
    assert waiting.outcome == "pending"
    (reached,) = connects_in(text(*[[BEGUN, state(THEM, "10.0.0.2:80", "SYN_SENT", "ESTABLISHED")]] * 2))
    assert reached.outcome == "connected"


def test_an_earlier_round_may_be_tried_again_in_a_pause() -> None:
    once = "\n".join([mark("round"), BEGUN, REFUSED, mark("pause"), mark("round"), BEGUN, REFUSED, mark("pause"), BEGUN,
                      mark("end")])  # fmt: skip
    assert [one.to for one in connects_in(once)] == ["10.0.0.2:80"]


def test_what_happens_once_or_at_other_times_too_has_nothing_to_do_with_us() -> None:
    assert connects_in(text([BEGUN, REFUSED], [])) == ()
    assert connects_in(text([BEGUN, REFUSED], [BEGUN, REFUSED], pause=(BEGUN,))) == ()
    assert connects_in(text([], [])) == ()
    assert connects_in("") == ()
