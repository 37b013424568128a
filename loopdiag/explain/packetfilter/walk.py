"""One packet's way through chains and hooks: which rule decides, and whether that is certain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopdiag.explain.packetfilter import hooks, nat
from loopdiag.explain.packetfilter.effects import NAT, TERMINAL, Effect
from loopdiag.explain.packetfilter.nft_statements import nft_effects
from loopdiag.explain.packetfilter.place import Place
from loopdiag.explain.packetfilter.queues import read_by
from loopdiag.explain.packetfilter.xt_targets import xt_effects
from loopdiag.model.packetfilter import FilterPath, FilterStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopdiag.explain.packetfilter.place import Connection, World
    from loopdiag.model.packetfilter import Chain, FilterRule, Packet, Ruleset

DEEPEST = 32  # the kernel's own limit of nested jumps is 16
MOST_RULES = 200_000  # what a map with an unknown key could multiply


class Rules:
    """A ruleset made ready to be walked through many times."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.chains = {(chain.tool, chain.family, chain.table, chain.name): chain for chain in ruleset.chains}
        self.changing = changing_sets(ruleset)


class Walk:
    """A packet on its way. `steps` collects what was decided; `certain` ends with the first thing that is not."""

    def __init__(self, rules: Rules, world: World, connection: Connection, packet: Packet) -> None:
        self._ruleset = rules.ruleset
        self._chains = rules.chains
        self._first = packet
        self._seen = 0
        self.place = Place(packet=packet, connection=connection, world=world, sets=rules.ruleset.sets,
                           changing=rules.changing)  # fmt: skip
        self.steps: list[FilterStep] = []
        self.certain = True

    def send(self, of: str) -> FilterPath:
        """Send the packet from this host; where it is for an own address, receive it through lo, too."""
        self.place.input, self.place.output = (
            "",
            "lo" if nat.is_own(self._first.destination, self.place.world) else None,
        )
        verdict = self._hooks(hooks.SENT)
        if verdict == "accept" and self.place.output == "lo":
            self.place.input, self.place.output = "lo", ""
            verdict = self._hooks(hooks.RECEIVED)
        return self._path(verdict, of)

    def receive(self, of: str) -> FilterPath:
        """Receive the packet from another host, through a device that is not known."""
        self.place.input, self.place.output = None, ""
        return self._path(self._hooks(hooks.RECEIVED), of)

    def _path(self, verdict: str, of: str) -> FilterPath:
        changed = self.place.packet
        return FilterPath(
            packet=self._first,
            verdict="drop" if verdict == "stolen" else verdict,
            steps=tuple(self.steps),
            certain=self.certain,
            rewritten=None if changed == self._first else changed,
            of=of,
        )

    def _hooks(self, names: Iterable[str]) -> str:
        for hook in names:
            self.place.hook = hook
            verdict = self._hook(hook)
            if verdict != "accept":
                return verdict
        return "accept"

    def _hook(self, hook: str) -> str:
        """All base chains of a hook, conntrack and nat at their places among them."""
        place = self.place
        device = place.output if hook == "egress" else place.input
        chains = hooks.base_chains(self._ruleset, hook, place.packet.family, device)
        events: list[tuple[int, int, Sequence[Chain]]] = [
            (chain.priority or 0, 2, (chain,)) for chain in chains if chain.type != "nat"
        ]
        if hook in hooks.NAT:
            events.append((hooks.NAT[hook], 1, [chain for chain in chains if chain.type == "nat"]))
        if hook in ("output", "prerouting"):
            events.append((hooks.CONNTRACK, 0, ()))
        for _, kind, group in sorted(events, key=lambda event: event[:2]):
            verdict = self._event(kind, group)
            if verdict != "accept":
                return verdict
        return "accept"

    def _event(self, kind: int, group: Sequence[Chain]) -> str:
        if kind == 0:
            self.place.tracked = True
            return "accept"
        return self._nat(group) if kind == 1 else self._base(group[0])

    def _nat(self, chains: Sequence[Chain]) -> str:
        """The first packet decides the nat of its connection, once for each end; all others follow it."""
        place = self.place
        if place.connection.untracked:
            return "accept"
        first = place.packet.state == "new" and not place.packet.answer
        if not first:
            place.packet = nat.translate(place.packet, place.hook, place.connection)
            if place.packet.answer and place.hook == "output":
                place.output = "lo" if nat.is_own(place.packet.destination, place.world) else None
            return "accept"
        if place.hook not in ("output", "postrouting"):
            return "accept"  # on lo, both ends were settled when the packet was sent
        for chain in chains:
            verdict = self._base(chain)
            if verdict != "accept":
                return verdict if hooks.tracks(self._ruleset) else "accept"
            if place.connection.destination if place.hook == "output" else place.connection.source:
                break
        return "accept"

    def _base(self, chain: Chain) -> str:
        verdict = self._chain(chain, sure=True, depth=0)
        if verdict is not None:
            return verdict
        if chain.policy != "drop":
            return "accept"
        if chain.policy_packets == 0 and chain.tool.endswith("legacy"):
            self.certain = False  # its counter was read after the probe: nothing ever met this policy
            return "accept"
        self._note("drop", None, chain, "policy")
        return "drop"

    def _chain(self, chain: Chain, *, sure: bool, depth: int) -> str | None:
        """The verdict of a chain; None where the packet comes to its end or returns. `sure`: it surely got here."""
        for rule in chain.rules:
            self._seen += 1
            if self._seen > MOST_RULES or depth > DEEPEST:
                self.certain = False
                return None
            for effect in self._effects(rule):
                ends, verdict = self._apply(effect, rule, chain, sure=sure and effect.sure, depth=depth)
                if ends and effect.sure:
                    return verdict
        return None

    def _effects(self, rule: FilterRule) -> list[Effect]:
        """What the rule does; a rule that is not what its tool documents cannot be decided."""
        try:
            return list(nft_effects(rule, self.place) if rule.tool == "nft" else xt_effects(rule, self.place))
        except (LookupError, TypeError, ValueError, AttributeError):
            self.certain = False
            return []

    def _apply(
        self, effect: Effect, rule: FilterRule, chain: Chain, *, sure: bool, depth: int
    ) -> tuple[bool, str | None]:
        """Do one effect: whether it ends the chain, and with which verdict."""
        if effect.kind in ("jump", "goto"):
            target = self._chains.get((rule.tool, rule.family, rule.table, effect.target))
            verdict = self._chain(target, sure=sure, depth=depth + 1) if target else None
            return verdict is not None or effect.kind == "goto", verdict
        if effect.kind == "return":
            return True, None
        if effect.kind == "queue":
            return self._queue(effect, rule, chain, sure)
        if effect.kind in TERMINAL:
            self._note(effect.kind, rule, chain, effect.target, effect, sure)
            return True, effect.kind
        if effect.kind in NAT:
            return self._translate(effect, rule, chain, sure)
        self._change(effect, rule, chain, sure)
        return False, None

    def _queue(self, effect: Effect, rule: FilterRule, chain: Chain, sure: bool) -> tuple[bool, str | None]:
        read = read_by(effect.target, self.place.world.queues)
        if read is False and effect.bypass:
            return True, "accept"
        surely = sure and read is False
        self._note("queue", rule, chain, effect.target, effect, surely)
        return True, "queue" if read is False else "accept"

    def _translate(self, effect: Effect, rule: FilterRule, chain: Chain, sure: bool) -> tuple[bool, str | None]:
        if not sure:
            self._note(effect.kind, rule, chain, effect.address or effect.target, effect, sure)
            return True, "accept"
        if effect.kind in ("dnat", "redirect"):
            self._note(effect.kind, rule, chain, nat.aim(effect, self.place), effect, sure)
            return True, "accept"
        detail = nat.disguise(effect, self.place)
        if detail and nat.is_own(detail, self.place.world) is not True:
            self.certain = False  # its answers need a route to there before they are changed back
        self._note(effect.kind, rule, chain, "no address to use" if detail is None else detail, effect, sure)
        return True, "drop" if detail is None else "accept"

    def _change(self, effect: Effect, rule: FilterRule, chain: Chain, sure: bool) -> None:
        place = self.place
        if effect.kind == "mark":
            place.packet = _marked(place.packet, effect.value if sure else None)
            if self.place.world.mark_rules and place.hook == "output":
                self.certain = False  # it may be routed anew, by its mark
        elif effect.kind == "connmark":
            place.connection.mark = effect.value if sure else None
        elif effect.kind == "notrack":
            place.connection.untracked = place.connection.untracked or sure
            self._note("notrack", rule, chain, "", effect, sure, decides=False)
        elif effect.kind == "rewrite":
            self._rewrite(effect, rule, chain, sure)
        else:
            self._note(effect.kind, rule, chain, effect.target, effect, False)

    def _rewrite(self, effect: Effect, rule: FilterRule, chain: Chain, sure: bool) -> None:
        """A header field is overwritten without nat: the answer is not changed back."""
        packet, name = self.place.packet, effect.field
        value = int(effect.target) if name.endswith("port") and effect.target.isdecimal() else effect.target
        known = sure and (isinstance(value, int) or not name.endswith("port")) and " " not in effect.target
        if known:
            self.place.packet = replace(packet, **{name: value})  # type: ignore[arg-type]
        else:
            self.place.packet = replace(packet, unknown=packet.unknown | {name})
        self._note("rewrite", rule, chain, f"{name.replace('_', ' ')} {effect.target}", effect, sure)

    def _note(
        self, action: str, rule: FilterRule | None, chain: Chain, detail: str, effect: Effect | None = None,
        sure: bool = True, *, decides: bool = True,
    ) -> None:  # fmt: skip
        if action == "accept":
            if sure:
                return
            action, detail = "undecided", "accept"
        if not sure and decides:
            self.certain = False
        self.steps.append(
            FilterStep(action=action, rule=rule, chain=chain, hook=self.place.hook, detail=detail, certain=sure,
                       depends_on=effect.depends_on if effect else "")
        )  # fmt: skip


def _marked(packet: Packet, value: int | None) -> Packet:
    if value is None:
        return replace(packet, unknown=packet.unknown | {"mark"})
    return replace(packet, mark=value, unknown=packet.unknown - {"mark"})


def changing_sets(ruleset: Ruleset) -> frozenset[tuple[str, str, str]]:
    """The named sets that rules add to while packets pass."""
    found = set()
    for chain in ruleset.chains:
        for rule in chain.rules:
            for part in rule.expressions:
                inside = part.get("set") if isinstance(part, dict) else None
                if isinstance(inside, dict):
                    found.add((rule.family, rule.table, str(inside.get("set", "")).removeprefix("@")))
    return frozenset(found)
