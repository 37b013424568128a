"""The names that nft and iptables use for numbers: nft(8), the protocols' IANA registries."""

from __future__ import annotations

PROTOCOLS = {
    "ip": 0, "icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50,
    "ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "ipcomp": 108, "comp": 108, "sctp": 132, "udplite": 136, "mptcp": 262,
}  # fmt: skip
ICMP_TYPES = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMP_CODES = {
    "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
    "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
}  # fmt: skip
ICMPV6_TYPES = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128,
    "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132,
    "mld-listener-reduction": 132, "nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135,
    "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138, "ind-neighbor-solicit": 141,
    "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip
ICMPV6_CODES = {
    "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
    "reject-route": 6,
}  # fmt: skip
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
CT_STATES = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
CT_STATUS = {
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
}  # fmt: skip
CT_DIRECTIONS = {"original": 0, "reply": 1}
ADDRESS_TYPES = {
    "unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6,
    "unreachable": 7, "prohibit": 8, "throw": 9, "nat": 10, "xresolve": 11,
}  # fmt: skip
PACKET_TYPES = {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3}
NF_PROTOCOLS = {"ipv4": 2, "ipv6": 10}
ETHER_TYPES = {"ip": 0x0800, "arp": 0x0806, "vlan": 0x8100, "8021q": 0x8100, "ip6": 0x86DD}
DEVICE_TYPES = {"ether": 1, "ppp": 512, "ipip": 768, "ipip6": 769, "loopback": 772, "sit": 776, "ipgre": 778}

# kind of value -> its names
SYMBOLS = {
    "protocol": PROTOCOLS,
    "icmp_type": ICMP_TYPES,
    "icmp_code": ICMP_CODES,
    "icmpv6_type": ICMPV6_TYPES,
    "icmpv6_code": ICMPV6_CODES,
    "tcp_flags": TCP_FLAGS,
    "ct_state": CT_STATES,
    "ct_status": CT_STATUS,
    "ct_direction": CT_DIRECTIONS,
    "address_type": ADDRESS_TYPES,
    "packet_type": PACKET_TYPES,
    "nf_protocol": NF_PROTOCOLS,
    "ether_type": ETHER_TYPES,
    "device_type": DEVICE_TYPES,
    "group": {"default": 0},
}

# What a program sees when a rule rejects with this kind: icmp(7), net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c
REJECT_ERRNO = {
    ("icmp", "net-unreachable"): "ENETUNREACH", ("icmp", "host-unreachable"): "EHOSTUNREACH",
    ("icmp", "prot-unreachable"): "ENOPROTOOPT", ("icmp", "port-unreachable"): "ECONNREFUSED",
    ("icmp", "net-prohibited"): "ENETUNREACH", ("icmp", "host-prohibited"): "EHOSTUNREACH",
    ("icmp", "admin-prohibited"): "EHOSTUNREACH", ("icmpv6", "no-route"): "ENETUNREACH",
    ("icmpv6", "admin-prohibited"): "EACCES", ("icmpv6", "addr-unreachable"): "EHOSTUNREACH",
    ("icmpv6", "port-unreachable"): "ECONNREFUSED", ("icmpv6", "policy-fail"): "EACCES",
    ("icmpv6", "reject-route"): "EACCES", ("tcp", "reset"): "ECONNREFUSED",
}  # fmt: skip
