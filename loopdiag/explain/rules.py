"""The list of all rules. Reading it tells which causes can be named and where each is decided.

A rule is a pure function from a Case to findings. It may only name causes that it is listed with (a test checks it),
and must say nothing where the facts that it needs are None or Unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopdiag.explain import multicast
from loopdiag.explain.binding import connections, in_use, nowhere, privileged
from loopdiag.explain.client import ports, proxy, unspecified
from loopdiag.explain.filtering import cgroup, limits, nat, qdisc, queues, sandbox, unseen, verdicts
from loopdiag.explain.icmp import ignored, permission
from loopdiag.explain.interfaces import addresses, ipv6, loopback
from loopdiag.explain.listeners import (
    absent,
    accepting,
    other_address,
    other_family,
    other_place,
    several,
    source_ports,
    udp,
    unix_socket,
    unix_target,
)
from loopdiag.explain.names import configured, files, localhost, own_name, unresolvable
from loopdiag.explain.routing import martians, own_addresses, rejected
from loopdiag.explain.service import endings, forwarder, http, restricts, tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopdiag.model.case import Case
    from loopdiag.model.finding import Finding


class Rule(NamedTuple):
    """The causes that `check` can name, and the function that decides."""

    causes: tuple[str, ...]
    check: Callable[[Case], Iterable[Finding]]


RULES: tuple[Rule, ...] = (
    # A request that a proxy gets never comes to what follows.
    Rule(("proxy-captures-loopback",), proxy.proxy_captures_loopback),
    # Names
    Rule(("resolver-file-unreadable",), files.unreadable),
    Rule(("hosts-file-malformed",), files.malformed),
    Rule(("nsswitch-order",), files.nsswitch_order),
    Rule(("localhost-unmapped",), localhost.unmapped),
    Rule(("localhost-remapped",), localhost.remapped),
    Rule(("localhost-subdomain",), localhost.subdomain),
    Rule(("hostname-is-loopback",), own_name.hostname_is_loopback),
    Rule(("address-config-filter",), configured.address_config_filter),
    Rule(("name-unresolvable",), unresolvable.name_unresolvable),
    # Interfaces and addresses
    Rule(("loopback-down",), loopback.loopback_down),
    Rule(("loopback-address-missing",), loopback.loopback_address_missing),
    Rule(("loopback-mtu",), loopback.loopback_mtu),
    Rule(("ipv6-disabled",), ipv6.ipv6_disabled),
    Rule(("zone-missing",), addresses.zone_missing),
    Rule(("address-tentative",), addresses.address_tentative),
    Rule(("address-not-local",), addresses.address_not_local),
    Rule(("address-not-local",), addresses.source_not_local),
    Rule(("multicast-unavailable",), multicast.multicast_unavailable),
    # Routing
    Rule(("rule-before-local",), own_addresses.rule_before_local),
    Rule(("local-route-missing",), own_addresses.local_route_missing),
    Rule(("route-rejects",), rejected.route_rejects),
    Rule(("route-missing",), rejected.route_missing),
    Rule(("reverse-path-filter",), martians.reverse_path_filter),
    Rule(("martian-loopback",), martians.martian_loopback),
    Rule(("martian-loopback",), martians.martian_arrival),
    # Packet filter and its relatives
    Rule(("nat-redirects",), nat.nat_redirects),
    Rule(("filter-drops",), verdicts.filter_drops),
    Rule(("filter-rejects",), verdicts.filter_rejects),
    Rule(("queue-without-consumer",), queues.queue_without_consumer),
    Rule(("conntrack-full",), limits.connection_limit),
    Rule(("conntrack-full",), limits.table_full),
    Rule(("masquerade-on-loopback",), nat.masquerade_on_loopback),
    Rule(("qdisc-on-loopback",), qdisc.qdisc_on_loopback),
    Rule(("cgroup-denies",), cgroup.cgroup_denies),
    Rule(("sandbox-denies",), sandbox.sandbox_denies),
    Rule(("filter-rejects", "filter-drops"), unseen.filter_unseen),
    # ICMP
    Rule(("echo-ignored",), ignored.echo_ignored),
    Rule(("icmp-not-permitted",), permission.not_permitted),
    # Listeners
    Rule(("listener-address-gone",), other_address.address_gone),
    Rule(("listener-device-bound",), other_address.device_bound),
    Rule(("bound-not-listening",), absent.bound_not_listening),
    Rule(("listener-other-address",), other_address.other_address),
    Rule(("listener-other-family",), other_family.other_family),
    Rule(("listener-other-protocol",), other_place.other_protocol),
    Rule(("listener-other-namespace",), other_place.other_namespace),
    Rule(("listener-unix-socket",), unix_socket.unix_socket),
    Rule(("no-listener",), absent.no_listener),
    Rule(("no-listener",), unix_target.nobody_there),
    Rule(("listener-stopped",), accepting.stopped),
    Rule(("listener-out-of-descriptors",), accepting.out_of_descriptors),
    Rule(("accept-queue-full",), accepting.queue_full),
    Rule(("listener-not-accepting",), accepting.not_accepting),
    Rule(("listener-stopped", "listener-out-of-descriptors", "accept-queue-full"), unix_target.nobody_accepts),
    Rule(("listeners-differ",), several.differ),
    Rule(("listeners-share-port",), several.share),
    Rule(("udp-wrong-source",), udp.wrong_source),
    Rule(("udp-no-reply",), udp.no_reply),
    Rule(("ephemeral-ports-exhausted",), source_ports.exhausted),
    Rule(("self-connect",), source_ports.met_itself),
    # The service itself
    Rule(("tls-expected",), tls.tls_expected),
    Rule(("plaintext-expected",), tls.plaintext_expected),
    Rule(("certificate-rejected",), tls.certificate_rejected),
    Rule(("port-proxy-backend",), forwarder.port_proxy_backend),
    Rule(("service-restricts-peers",), restricts.restricts_peers),
    Rule(("port-taken-by-system",), http.airplay),
    Rule(("host-header-rejected",), http.host_header_rejected),
    Rule(("http-error",), http.http_error),
    Rule(("closed-without-reply",), endings.closed_without_reply),
    Rule(("reset-by-service",), endings.reset_by_service),
    Rule(("no-reply",), endings.no_reply),
    # Binding
    Rule(("port-in-use", "port-taken-by-system"), in_use.in_use),
    Rule(("port-in-time-wait", "port-held-by-connection", "self-connect", "port-in-use"),
         connections.held_by_connections),
    Rule(("port-in-time-wait",), connections.reuse_was_needed),
    Rule(("self-connect",), connections.self_connected_port),
    Rule(("port-privileged",), privileged.privileged),
    Rule(("port-excluded",), privileged.excluded),
    Rule(("address-not-local",), nowhere.bound_nowhere),
    # The client's side
    Rule(("unspecified-destination",), unspecified.unspecified_destination),
    Rule(("unsafe-port",), ports.unsafe_port),
)  # fmt: skip
