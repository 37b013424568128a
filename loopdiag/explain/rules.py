"""The list of all rules. Reading it tells which causes can be named, where each is decided, and when it can bear.

A rule is a pure function from a Case to findings. It may only name causes that it is listed with (a test checks it),
and must say nothing where the facts that it needs are None or Unknown. Its module is loaded when the rule is first
asked: `when` keeps rules that could say nothing about a case from being loaded for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain import when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding


class Rule(NamedTuple):
    """The causes that it can name, the function that decides (`module:function` below explain), and when it bears."""

    causes: tuple[str, ...]
    where: str
    bears: Callable[[Case], bool]

    def check(self, case: Case) -> Iterable[Finding]:
        """What the rule finds."""
        if not self.bears(case):
            return ()
        module, _, function = self.where.partition(":")
        found: Iterable[Finding] = getattr(import_module(f"loopdiag.explain.{module}"), function)(case)
        return found


# What keeps packets from a name server on this host: then that is the cause, from which the missing name follows.
CUTS_OFF_SERVER = (
    "loopback-down", "loopback-address-missing", "ipv6-disabled", "rule-before-local", "local-route-missing",
    "route-rejects", "reverse-path-filter", "filter-drops", "filter-rejects", "nat-redirects",
    "masquerade-on-loopback", "queue-without-consumer", "conntrack-full", "qdisc-on-loopback", "cgroup-denies",
    "sandbox-denies",
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    # A request that a proxy gets never comes to what follows.
    Rule(("proxy-captures-loopback",), "client.proxy:proxy_captures_loopback", when.always),
    # Names
    Rule(("resolver-file-unreadable",), "names.files:unreadable", when.named),
    Rule(("hosts-file-malformed",), "names.files:malformed", when.named),
    Rule(("nsswitch-order",), "names.files:nsswitch_order", when.named),
    Rule(("localhost-unmapped",), "names.localhost:unmapped", when.named),
    Rule(("localhost-remapped",), "names.localhost:remapped", when.named),
    Rule(("localhost-subdomain",), "names.localhost:subdomain", when.named),
    Rule(("hostname-is-loopback",), "names.own_name:hostname_is_loopback", when.named),
    Rule(("address-config-filter",), "names.configured:address_config_filter", when.named),
    Rule(("name-unresolvable", *CUTS_OFF_SERVER), "names.unresolvable:name_unresolvable", when.named),
    # Interfaces and addresses
    Rule(("loopback-down",), "interfaces.loopback:loopback_down", when.troubled),
    Rule(("loopback-address-missing",), "interfaces.loopback:loopback_address_missing", when.troubled),
    Rule(("loopback-mtu",), "interfaces.loopback:loopback_mtu", when.troubled),
    Rule(("ipv6-disabled",), "interfaces.ipv6:ipv6_disabled", when.troubled),
    Rule(("zone-missing",), "interfaces.addresses:zone_missing", when.troubled),
    Rule(("address-tentative",), "interfaces.addresses:address_tentative", when.troubled),
    Rule(("address-not-local",), "interfaces.addresses:address_not_local", when.troubled),
    Rule(("address-not-local",), "interfaces.addresses:source_not_local", when.troubled),
    Rule(("multicast-unavailable",), "multicast:multicast_unavailable", when.troubled),
    # Routing
    Rule(("rule-before-local",), "routing.own_addresses:rule_before_local", when.troubled),
    Rule(("local-route-missing",), "routing.own_addresses:local_route_missing", when.troubled),
    Rule(("route-rejects",), "routing.rejected:route_rejects", when.troubled),
    Rule(("route-missing",), "routing.rejected:route_missing", when.troubled),
    Rule(("reverse-path-filter",), "routing.martians:reverse_path_filter", when.troubled),
    Rule(("martian-loopback",), "routing.martians:martian_loopback", when.troubled),
    Rule(("martian-loopback",), "routing.martians:martian_arrival", when.troubled),
    # Packet filter and its relatives
    Rule(("nat-redirects",), "filtering.nat:nat_redirects", when.filtered),
    Rule(("filter-drops",), "filtering.verdicts:filter_drops", when.filtered),
    Rule(("filter-rejects",), "filtering.verdicts:filter_rejects", when.filtered),
    Rule(("filter-drops", "filter-rejects"), "filtering.standing:stands_and_stops", when.filtered),
    Rule(("filter-drops", "filter-rejects"), "filtering.standing:by_chance", when.filtered),
    Rule(("queue-without-consumer",), "filtering.queues:queue_without_consumer", when.filtered),
    Rule(("conntrack-full",), "filtering.limits:connection_limit", when.filtered),
    Rule(("conntrack-full",), "filtering.limits:table_full", when.filtered),
    Rule(("masquerade-on-loopback",), "filtering.nat:masquerade_on_loopback", when.filtered),
    Rule(("qdisc-on-loopback",), "filtering.qdisc:qdisc_on_loopback", when.queued),
    Rule(("cgroup-denies",), "filtering.cgroup:cgroup_denies", when.confined),
    Rule(("sandbox-denies",), "filtering.sandbox:sandbox_denies", when.confined),
    Rule(("filter-rejects", "filter-drops"), "filtering.unseen:filter_unseen", when.filtered),
    # ICMP
    Rule(("echo-ignored",), "icmp.ignored:echo_ignored", when.echoed),
    Rule(("icmp-not-permitted",), "icmp.permission:not_permitted", when.echoed),
    # Listeners
    Rule(("listener-address-gone",), "listeners.other_address:address_gone", when.has_port),
    Rule(("listener-device-bound",), "listeners.other_address:device_bound", when.has_port),
    Rule(("bound-not-listening",), "listeners.absent:bound_not_listening", when.has_port),
    Rule(("listener-other-address",), "listeners.other_address:other_address", when.has_port),
    Rule(("listener-other-family",), "listeners.other_family:other_family", when.has_port),
    Rule(("listener-other-protocol",), "listeners.other_place:other_protocol", when.has_port),
    Rule(("listener-other-namespace",), "listeners.other_place:other_namespace", when.has_port),
    Rule(("listener-unix-socket",), "listeners.unix_socket:unix_socket", when.has_port),
    Rule(("no-listener",), "listeners.absent:no_listener", when.has_port),
    Rule(("no-listener", "bound-not-listening"), "listeners.unix_target:nobody_there", when.has_port),
    Rule(("listener-stopped",), "listeners.accepting:stopped", when.has_port),
    Rule(("listener-out-of-descriptors",), "listeners.accepting:out_of_descriptors", when.has_port),
    Rule(("accept-queue-full",), "listeners.accepting:queue_full", when.has_port),
    Rule(("listener-not-accepting",), "listeners.accepting:not_accepting", when.has_port),
    Rule(
        ("listener-stopped", "listener-out-of-descriptors", "accept-queue-full", "listener-not-accepting"),
        "listeners.unix_target:nobody_accepts",
        when.has_port,
    ),
    Rule(("listeners-differ",), "listeners.several:differ", when.has_port),
    Rule(("listeners-share-port",), "listeners.several:share", when.has_port),
    Rule(("udp-wrong-source",), "listeners.udp:wrong_source", when.has_port),
    Rule(("udp-no-reply",), "listeners.udp:no_reply", when.has_port),
    Rule(("ephemeral-ports-exhausted",), "listeners.source_ports:exhausted", when.has_port),
    Rule(("self-connect",), "listeners.source_ports:met_itself", when.has_port),
    # The service itself
    Rule(("tls-expected",), "service.tls:tls_expected", when.spoken),
    Rule(("tls-expected",), "service.tls:answered_in_tls", when.spoken),
    Rule(("host-header-rejected",), "service.tls:name_not_served", when.spoken),
    Rule(("plaintext-expected",), "service.tls:plaintext_expected", when.spoken),
    Rule(("certificate-rejected",), "service.tls:certificate_rejected", when.spoken),
    Rule(("port-proxy-backend",), "service.forwarder:port_proxy_backend", when.spoken),
    Rule(("service-restricts-peers",), "service.restricts:restricts_peers", when.spoken),
    Rule(("port-taken-by-system",), "service.http:airplay", when.spoken),
    Rule(("host-header-rejected",), "service.http:host_header_rejected", when.spoken),
    Rule(("http-error",), "service.http:http_error", when.spoken),
    Rule(("closed-without-reply",), "service.endings:closed_without_reply", when.spoken),
    Rule(("reset-by-service",), "service.endings:reset_by_service", when.spoken),
    Rule(("no-reply",), "service.endings:no_reply", when.spoken),
    # Binding
    Rule(("port-in-use", "port-taken-by-system"), "binding.in_use:in_use", when.bound),
    Rule(
        ("port-in-time-wait", "port-held-by-connection", "self-connect", "port-in-use"),
        "binding.connections:held_by_connections",
        when.bound,
    ),
    Rule(("port-in-time-wait",), "binding.connections:reuse_was_needed", when.bound),
    Rule(("self-connect",), "binding.connections:self_connected_port", when.met_itself),
    Rule(("port-privileged",), "binding.privileged:privileged", when.bound),
    Rule(("port-excluded",), "binding.privileged:excluded", when.bound),
    Rule(("address-not-local",), "binding.nowhere:bound_nowhere", when.bound),
    # The client's side
    Rule(("unspecified-destination",), "client.unspecified:unspecified_destination", when.always),
    Rule(("unsafe-port",), "client.ports:unsafe_port", when.always),
)
