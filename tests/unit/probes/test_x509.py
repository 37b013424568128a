"""Certificates taken apart by hand, compared with what openssl(1) made."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from loopdiag.lab.certificates import make
from loopdiag.probes.x509 import covers, faults, parse_certificate

if TYPE_CHECKING:
    from pathlib import Path


def der(folder: Path, kind: str) -> bytes:
    make(kind, folder)
    return ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())


@pytest.mark.needs("openssl")
def test_names_and_dates(tmp_path: Path) -> None:
    found = parse_certificate(der(tmp_path, "expired"))
    assert found is not None
    assert (found.subject, found.issuer, found.self_signed) == ("localhost", "localhost", True)
    assert found.names == ("localhost", "127.0.0.1", "::1")
    assert (found.not_before, found.not_after) == ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
    assert faults(found, "localhost", datetime(2020, 6, 1, tzinfo=UTC)) == ()
    assert faults(found, "127.0.0.2", datetime(2021, 6, 1, tzinfo=UTC)) == ("expired", "wrong-name")
    assert faults(found, "::1", datetime(2019, 6, 1, tzinfo=UTC)) == ("not-yet-valid",)


@pytest.mark.needs("openssl")
def test_the_issuer(tmp_path: Path) -> None:
    found = parse_certificate(der(tmp_path, "unknown-ca"))
    assert found is not None
    assert (found.issuer, found.self_signed) == ("an authority of the lab", False)


@pytest.mark.needs("openssl")
def test_what_is_cut_or_changed_is_not_read_wrong(tmp_path: Path) -> None:
    whole = der(tmp_path, "self-signed")
    for length in range(0, len(whole), 7):
        assert parse_certificate(whole[:length]) is None
    for at in range(len(whole)):
        parse_certificate(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


@pytest.mark.parametrize(
    ("pattern", "name", "is_so"),
    [("localhost", "LOCALHOST.", True), ("*.app.test", "a.app.test", True), ("*.app.test", "app.test", False),
     ("*.app.test", "a.b.app.test", False), ("127.0.0.1", "127.0.0.1", True), ("*", "localhost", False)],
)  # fmt: skip
def test_which_names_a_certificate_is_for(pattern: str, name: str, is_so: bool) -> None:
    assert covers(pattern, name) is is_so
