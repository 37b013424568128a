"""ICMP echo over raw or datagram sockets, with the kernel's own time stamps.

`probe.py` is the way in; `engine.py` paces and waits; `ledger.py` keeps the books; `sockets.py` is the only file that
sends; `packet.py`, `filter.py`, `stamps.py` and `problems.py` each know one format of the kernel's or the wire's.
"""
