"""The profile of a Firefox that may make one request, and the script by which it makes it.

In it whatever is not the target is sent to a proxy that is not there: neither a packet nor a question to a name
server comes of it.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NOWHERE = "file:///dev/null/none"  # a SOCKS proxy at a UNIX socket that cannot exist
_PREFS: dict[str, bool | int | str] = {
    # What is told over the UNIX socket is carried out by the browser itself.
    "devtools.debugger.remote-enabled": True,
    "devtools.debugger.prompt-connection": False,
    "devtools.chrome.enabled": True,
    # Everything but the target and loopback goes to the proxy that is not there, names included.
    "network.proxy.type": 1,
    "network.proxy.socks": _NOWHERE,
    "network.proxy.socks_port": 1,
    "network.proxy.socks_version": 5,
    "network.proxy.socks_remote_dns": True,
    "network.proxy.socks5_remote_dns": True,
    "network.proxy.no_proxies_on": "{host}",
    "network.proxy.failover_direct": False,
    "network.proxy.allow_bypass": False,
    # What looks up names or sends packets without a proxy.
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.trr.mode": 5,
    "network.dns.disablePrefetch": True,
    "network.dns.native_https_query": False,
    "network.http.http3.enable": False,
    "network.lna.blocking": False,
    # One request stays one, and what it is for is not changed.
    "network.http.request.max-attempts": 1,
    "network.http.speculative-parallel-limit": 0,
    "network.stricttransportsecurity.preloadlist": False,
    "network.dns.upgrade_with_https_rr": False,
    "security.OCSP.enabled": 0,
    # What would only be refused by that proxy.
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.aboutwelcome.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.predictor.enabled": False,
    "network.prefetch-next": False,
    "toolkit.telemetry.enabled": False,
}  # fmt: skip
# A HEAD request, without cookies, cache, redirect or page; what came of it is written to a file. An administrator's
# policy may lock a setting: then nothing is asked, as it could not be kept to the one request.
SCRIPT = """(([url, settings, file, patience]) => {
  const held = (name, type) => Services.prefs["get" + {boolean: "Bool", number: "Int", string: "String"}[type] + "Pref"]
    (name, null);
  const seen = {peer: null, said: "", over: true};
  let told = false;
  const tell = more => {
    if (told) return;
    told = true;
    IOUtils.writeUTF8(file, JSON.stringify({...seen, ...more}), {tmpPath: file + ".new"});
  };
  const locked = Object.entries(settings).find(([name, value]) => held(name, typeof value) !== value);
  if (locked) return tell({unable: locked[0]});
  const channel = Services.io.newChannel(url, null, null, null, Services.scriptSecurityManager.getSystemPrincipal(),
    null, Ci.nsILoadInfo.SEC_ALLOW_CROSS_ORIGIN_SEC_CONTEXT_IS_NULL, Ci.nsIContentPolicy.TYPE_OTHER);
  channel.QueryInterface(Ci.nsIHttpChannel).QueryInterface(Ci.nsIHttpChannelInternal);
  channel.requestMethod = "HEAD";
  channel.redirectionLimit = 0;
  channel.loadFlags |= Ci.nsIRequest.LOAD_ANONYMOUS | Ci.nsIRequest.INHIBIT_CACHING | Ci.nsIRequest.LOAD_BYPASS_CACHE;
  const look = () => { try { seen.peer = [channel.remoteAddress, channel.remotePort] } catch { /* not connected */ } };
  channel.notificationCallbacks = {
    QueryInterface: ChromeUtils.generateQI(["nsIInterfaceRequestor", "nsIProgressEventSink"]),
    getInterface(kind) { return this.QueryInterface(kind) }, onProgress() {}, onStatus: look };
  const end = status => {
    look();
    tell({said: Components.isSuccessCode(status) ? "" : ChromeUtils.getXPCOMErrorName(status)});
  };
  const listener = {
    QueryInterface: ChromeUtils.generateQI(["nsIStreamListener", "nsIRequestObserver"]),
    onStartRequest: look, onDataAvailable() {}, onStopRequest: (_, status) => end(status) };
  try { channel.asyncOpen(listener) } catch (fault) { end(fault.result) }
  const timer = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
  timer.initWithCallback(() => tell({over: false}), patience * 1000, Ci.nsITimer.TYPE_ONE_SHOT);
  globalThis.keptForTheRequest = [channel, timer];
})"""


def settings(host: str) -> dict[str, bool | int | str]:
    """By name, for a request to this host."""
    shown = f"[{host}]" if ":" in host else host
    return {name: value.replace("{host}", shown) if isinstance(value, str) else value for name, value in _PREFS.items()}


def write_profile(folder: Path, host: str) -> None:
    """Into the folder that is its profile."""
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings(host).items())
    (folder / "user.js").write_text("".join(lines), encoding="utf-8")
    # It looks up the host's own name for the lock of its profile. An alias that is no name keeps that from a name
    # server, where the name has no dot: hostname(7), HOSTALIASES.
    own = socket.gethostname()
    alias = f"{own} ..\n" if own and "." not in own and own.lower() != host.lower() else ""
    (folder / "aliases").write_text(alias, encoding="utf-8")
