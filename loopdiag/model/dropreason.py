"""The kernel's drop reasons, in plain words (include/net/dropreason-core.h). A reason not listed passes by its name."""

from __future__ import annotations

MEANINGS = {
    "NO_SOCKET": "no socket wants it: nothing listens on that address and port",
    "SOCKET_FILTER": "the filter that the receiving process put on its socket refused it",
    "SOCKET_RCVBUFF": "the receiving socket's buffer is full: the process reads too slowly or not at all",
    "SOCKET_BACKLOG": "the receiving socket's backlog is full",
    "PROTO_MEM": "the memory limit of the protocol is reached",
    "NETFILTER_DROP": "netfilter threw it away: by a rule or policy, or as its address could not be translated",
    "XFRM_POLICY": "an IPsec policy does not allow it",
    "SECURITY_HOOK": "a security module (SELinux, AppArmor, ...) refused it",
    "BPF_CGROUP_EGRESS": "a BPF program on the sending process's cgroup refused it",
    "XDP": "an XDP program on the interface threw it away",
    "TC_INGRESS": "a traffic control filter on the receiving side threw it away",
    "TC_EGRESS": "a traffic control filter on the sending side threw it away",
    "QDISC_DROP": "the queueing discipline of the interface threw it away",
    "QDISC_OVERLIMIT": "the queueing discipline of the interface is full",
    "QDISC_CONGESTED": "the queueing discipline of the interface is congested",
    "CPU_BACKLOG": "the input queue of the CPU is full (net.core.netdev_max_backlog)",
    "FULL_RING": "the queue of the interface is full",
    "DEV_READY": "the interface is not ready",
    "IP_RPFILTER": "reverse path filter: the way back to its source leads through another interface",
    "IP_LOCALNET": "a 127.0.0.0/8 address on an interface that is not loopback (route_localnet is off)",
    "IP_LOCAL_SOURCE": "its source is an address of this host, though it came from outside",
    "IP_INVALID_SOURCE": "its source address cannot be one",
    "IP_INVALID_DEST": "its destination address cannot be one",
    "IP_INADDRERRORS": "its destination is no address of this host",
    "IP_INNOROUTES": "no route leads on from here for it",
    "IP_OUTNOROUTES": "no route leads to its destination",
    "IP_INHDR": "its IP header is broken",
    "IP_CSUM": "its IP checksum is wrong",
    "IP_NOPROTO": "no protocol wants it",
    "OTHERHOST": "it is addressed to another host on the link",
    "IPV6DISABLED": "IPv6 is switched off on the interface",
    "NEIGH_FAILED": "the neighbour did not answer (ARP or neighbour discovery)",
    "NEIGH_QUEUEFULL": "too many packets wait for the neighbour's answer",
    "PKT_TOO_BIG": "it is larger than the MTU of the way and may not be cut up",
    "NOMEM": "the kernel has no memory for it",
    "TCP_LISTEN_OVERFLOW": "the accept queue of the listener is full",
    "TCP_FLAGS": "its TCP flags do not fit the state of the connection",
    "TCP_CSUM": "its TCP checksum is wrong",
    "UDP_CSUM": "its UDP checksum is wrong",
    "ICMP_CSUM": "its ICMP checksum is wrong",
    "TCP_INVALID_SYN": "a SYN where the connection expects none",
    "TCP_INVALID_SEQUENCE": "its TCP sequence number does not fit the connection",
    "TCP_INVALID_ACK_SEQUENCE": "its TCP acknowledgement does not fit the connection",
    "TCP_RESET": "it is a reset that was taken in",
    "TCP_RFC7323_PAWS": "its TCP time stamp is older than one already seen",
    "TCP_CLOSE": "the connection is closed",
    "UNHANDLED_PROTO": "no protocol of this kernel handles it",
}

# Frees that belong to ordinary life: the socket was closed or the packet was used up.
ORDINARY = frozenset(
    {"QUEUE_PURGE", "SOCKET_CLOSE", "SKB_CONSUMED", "CONSUMED", "TCP_RESET", "TCP_OLD_DATA", "TCP_OLD_ACK",
     "TCP_OFOMERGE"}
)  # fmt: skip

# Kernel functions that free without a loss: a reply is offered to datagram ping sockets after the raw ones.
ORDINARY_PLACES = frozenset(
    {"ping_rcv", "sk_stream_kill_queues", "skb_queue_purge", "skb_queue_purge_reason", "inet_sock_destruct",
     "tcp_v4_destroy_sock", "unix_release_sock"}
)  # fmt: skip


def meaning(reason: str | None) -> str:
    """The reason in plain words; an unknown one by its name, none as what it is."""
    if reason is None:
        return "the kernel gives no reason"
    return MEANINGS.get(reason, f"the kernel calls it {reason}")


# Who calls ping_rcv() frees what it did not want (seen up to Linux 6.12), and an answered echo request (IPv6, 6.1).
# ICMP looks for no other socket, and what it refuses for a fault has another reason.
_ICMP, _OF_ICMP = frozenset({"icmp_rcv", "icmpv6_rcv"}), frozenset({None, "NO_SOCKET"})


def ordinary(reason: str | None, place: str) -> bool:
    """Whether this free is no loss of a packet."""
    return reason in ORDINARY or place in ORDINARY_PLACES or (place in _ICMP and reason in _OF_ICMP)
