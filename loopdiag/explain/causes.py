"""All causes by section, each with when it is the root cause. A cause is a stable name: users script against it."""

from __future__ import annotations

from typing import NamedTuple


class Cause(NamedTuple):
    """`when` goes on after "it is the root cause when"; `platform` is set where only that one can show it."""

    name: str
    when: str
    platform: str | None = None


SECTIONS: dict[str, tuple[Cause, ...]] = {
    "Names": (
        Cause("name-unresolvable", "no source of this host gives any address for the name"),
        Cause(
            "localhost-unmapped",
            "localhost itself has no usable entry in the hosts file and no other source supplies it",
        ),
        Cause(
            "localhost-remapped",
            "localhost resolves (first) to something other than 127.0.0.1 or ::1, so the server on the true loopback "
            "address is missed",
        ),
        Cause(
            "localhost-subdomain",
            "a *.localhost name works in browsers and curl, which hard-wire it, but not through this host's resolver",
        ),
        Cause(
            "nsswitch-order",
            "nsswitch.conf leaves out files or asks another source first, so the hosts file does not decide",
        ),
        Cause(
            "resolver-file-unreadable",
            "the hosts file, nsswitch.conf or resolv.conf cannot be read by this user",
        ),
        Cause(
            "hosts-file-malformed",
            "a line of the hosts file that was meant to count does not (byte order mark, broken address)",
        ),
        Cause("address-config-filter", "AI_ADDRCONFIG hides the answer because only loopback is configured"),
        Cause(
            "hostname-is-loopback",
            "the host's own name maps to 127.0.1.1 or the like, so what binds to that name cannot be reached on the "
            "host's other addresses",
        ),
    ),
    "Interfaces and addresses": (
        Cause("loopback-down", "lo is not up"),
        Cause("loopback-address-missing", "lo is up without the loopback address that is asked for"),
        Cause(
            "loopback-mtu",
            "the MTU of lo was lowered so far that it breaks something (below 1280 the kernel takes IPv6 away)",
        ),
        Cause(
            "ipv6-disabled",
            "IPv6 is switched off (sysctl, or no support) while the name or the target needs it",
        ),
        Cause(
            "address-not-local",
            "the address to connect or bind to is on no interface of this host, though it was meant to be its own",
        ),
        Cause("address-tentative", "duplicate address detection has not finished, or has failed"),
        Cause("zone-missing", "a link-local address is used without its zone"),
        Cause("multicast-unavailable", "there is no multicast on lo and no route for it"),
    ),
    "Routing": (
        Cause("rule-before-local", "a policy rule ahead of the local table takes packets for an own address away"),
        Cause("local-route-missing", "the address is on an interface, but its local route is gone"),
        Cause("route-rejects", "a blackhole, unreachable or prohibit route or rule covers the target"),
        Cause("route-missing", "there is no route for the target at all"),
        Cause("reverse-path-filter", "strict reverse path filtering drops the packet"),
        Cause(
            "martian-loopback",
            "a packet rewritten to or from 127/8 crosses another interface and route_localnet is off",
        ),
    ),
    "Packet filter and its relatives": (
        Cause("filter-drops", "a netfilter rule or policy discards the packet or its answer; the rule is named"),
        Cause("filter-rejects", 'a rule rejects it, which can look exactly like "nothing listens"'),
        Cause("nat-redirects", "a nat rule sends it to another address or port than the one asked for"),
        Cause("masquerade-on-loopback", "source nat on lo makes the server see another peer than 127.0.0.1"),
        Cause("queue-without-consumer", "an NFQUEUE rule applies with nobody reading the queue"),
        Cause("conntrack-full", "the connection tracking table (or a rule's connection limit) is full"),
        Cause("qdisc-on-loopback", "a traffic-control discipline on lo drops or delays"),
        Cause("cgroup-denies", "a BPF program on the process's cgroup refuses it"),
        Cause("sandbox-denies", "seccomp, Landlock or an LSM refuses it to this process"),
        Cause("echo-ignored", "the kernel is told not to answer echo requests"),
    ),
    "Listeners": (
        Cause("no-listener", "nothing listens on that port in any form below"),
        Cause("listener-other-address", "something listens on the port, same family, on another address"),
        Cause(
            "listener-other-family",
            "something listens on the port on the other IP version only (IPV6_V6ONLY included)",
        ),
        Cause("listener-other-protocol", "there is UDP where TCP is asked for, or the reverse"),
        Cause(
            "listener-other-namespace",
            "it listens in another network namespace of this machine (a container's)",
        ),
        Cause("listener-unix-socket", "the service listens on a UNIX socket only"),
        Cause(
            "listener-device-bound",
            "the listener is bound to a device that these packets do not come through",
        ),
        Cause("listener-address-gone", "it listens on an address that this host no longer has"),
        Cause(
            "listeners-differ",
            "different processes answer the same port on different addresses, so the answer depends on the name used",
        ),
        Cause(
            "listeners-share-port",
            "several processes share address and port by SO_REUSEPORT, and connections are split among them",
        ),
        Cause("accept-queue-full", "the accept queue is full: connections hang or are refused"),
        Cause("listener-stopped", "the process is stopped (signal or debugger)"),
        Cause(
            "listener-out-of-descriptors",
            "the process has reached its limit of open files and cannot accept",
        ),
        Cause(
            "listener-not-accepting",
            "the process (or a child that inherited the socket) never accepts, for none of the reasons above",
        ),
        Cause("bound-not-listening", "a socket is bound to the port but listen was never called"),
        Cause("port-proxy-backend", "a port forwarder accepts, but what it forwards to refuses"),
    ),
    "Binding": (
        Cause(
            "port-in-use",
            "another socket owns the port for that address (a dual-stack :: owns IPv4 too)",
        ),
        Cause("port-in-time-wait", "only connections in TIME-WAIT hold the port; SO_REUSEADDR would do"),
        Cause("port-held-by-connection", "an outgoing connection has the port as its source port"),
        Cause("self-connect", "a client has connected to itself on the port"),
        Cause(
            "port-privileged",
            "the port is below ip_unprivileged_port_start and the right is missing (in the user namespace that owns "
            "the network namespace)",
        ),
        Cause("port-excluded", "the port is in a range that Windows keeps for itself", "Windows"),
        Cause("port-taken-by-system", "a service of the system itself has the port (AirPlay on macOS)", "macOS"),
    ),
    "The client's side": (
        Cause("icmp-not-permitted", "neither a raw nor a datagram ICMP socket may be opened"),
        Cause("ephemeral-ports-exhausted", "no source port is left for that destination"),
        Cause(
            "proxy-captures-loopback",
            "proxy variables send loopback requests to a proxy (NO_PROXY missing, or not matching the form used)",
        ),
        Cause(
            "unspecified-destination",
            "0.0.0.0 or :: is used as a destination: it works here, not everywhere",
        ),
        Cause("unsafe-port", "browsers and fetch refuse that port number"),
    ),
    "The service itself": (
        Cause("tls-expected", "the service speaks TLS and was spoken to in plaintext"),
        Cause("plaintext-expected", "the service speaks plaintext and was spoken to in TLS"),
        Cause("certificate-rejected", "the TLS certificate is not accepted; the reason is named"),
        Cause("host-header-rejected", "HTTP works with another Host header than the one used"),
        Cause("http-error", "the service answers with an HTTP status of 400 or above"),
        Cause("closed-without-reply", "the service is alive, accepts, and closes without a reply"),
        Cause("reset-by-service", "the service is alive, accepts, and resets the connection"),
        Cause("no-reply", "the service is alive, accepts, and never replies"),
        Cause("service-restricts-peers", "the service says itself that it serves other peers only"),
        Cause("udp-wrong-source", "a UDP answer came from another address than the one asked"),
        Cause(
            "udp-no-reply",
            "UDP was taken in, and nothing came back (which proves neither open nor closed)",
        ),
    ),
}

CAUSES: dict[str, Cause] = {cause.name: cause for causes in SECTIONS.values() for cause in causes}
NAMES = tuple(CAUSES)


def section_of(name: str) -> str:
    """The section that the cause stands in."""
    return next(section for section, causes in SECTIONS.items() if any(cause.name == name for cause in causes))
