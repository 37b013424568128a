"""Throw-away certificates for the lab's TLS server, made by openssl(1).

Kinds: self-signed (for localhost, 127.0.0.1 and ::1), expired, early (not yet valid), wrong-name, unknown-ca (signed
by an authority that nobody knows).
"""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from pathlib import Path

_OWN_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
_DATES = {"expired": ("20200101000000Z", "20210101000000Z"), "early": ("20900101000000Z", "20910101000000Z")}
KINDS = ("self-signed", "wrong-name", "unknown-ca", *_DATES)

# What `openssl ca` wants to be told: a signing authority is a folder with a database.
_AUTHORITY = """
[ca]
default_ca = lab
[lab]
new_certs_dir = {folder}
database = {folder}/index
serial = {folder}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = {names}
"""


def server_context(kind: str, authority: str | None = None) -> ssl.SSLContext:
    """A server's TLS context with a fresh certificate of that kind; its issuer is copied to the file `authority`."""
    folder = Path(tempfile.mkdtemp(prefix="certificate-"))
    make(kind, folder)
    if authority:
        Path(authority).write_bytes((folder / "ca.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def make(kind: str, folder: Path) -> None:
    """Write cert.pem, key.pem and ca.pem (its issuer) to `folder`; raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"'{kind}' is no kind of certificate: {', '.join(KINDS)}")
    if kind in _DATES:
        _dated(folder, *_DATES[kind])
    else:
        _today(kind, folder)
    if kind != "unknown-ca":
        (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())


def _today(kind: str, folder: Path) -> None:
    name = "other.test" if kind == "wrong-name" else "localhost"
    names = "DNS:other.test" if kind == "wrong-name" else _OWN_NAMES
    words = [*_request(folder, "key.pem", name), "-x509", "-days", "2", "-addext", f"subjectAltName={names}",
             "-out", str(folder / "cert.pem")]  # fmt: skip
    if kind == "unknown-ca":
        authority = _request(folder, "ca-key.pem", "an authority of the lab")
        # openssl makes the two authorities both, and a strict verifier (Python's from 3.13 on) wants an authority to
        # say that it may sign: RFC 5280, 4.2.1.3.
        may_sign = ("-addext", "keyUsage=critical,digitalSignature,keyCertSign")
        _openssl(*authority, "-x509", "-days", "2", *may_sign, "-out", str(folder / "ca.pem"))
        words += [*may_sign, "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca-key.pem")]
    _openssl(*words)


def _dated(folder: Path, start: str, end: str) -> None:
    """Between two dates: `openssl req` takes them from version 3.4 on only, `openssl ca` in every version."""
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    (folder / "authority.cnf").write_text(_AUTHORITY.format(folder=folder, names=_OWN_NAMES))
    _openssl(*_request(folder, "key.pem", "localhost"), "-out", str(folder / "request.pem"))
    _openssl("ca", "-batch", "-notext", "-selfsign", "-config", str(folder / "authority.cnf"), "-extensions", "names",
             "-keyfile", str(folder / "key.pem"), "-in", str(folder / "request.pem"), "-startdate", start,
             "-enddate", end, "-out", str(folder / "cert.pem"))  # fmt: skip


def _request(folder: Path, key: str, name: str) -> list[str]:
    return ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", str(folder / key)]  # fmt: skip


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
