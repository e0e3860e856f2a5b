"""Certificates of what was destroyed: exact bytes, an Ed25519 signature, and the same for people to read."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Protocol

from countenance.core.errors import IntegrityError, InvalidInputError


class Signer(Protocol):
    """Signs with a key of this installation, Ed25519 (RFC 8032)."""

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""

    def holds(self, message: bytes, signature: bytes, public_key: bytes) -> bool:
        """Return whether a signature is that of a public key over a message."""


def make_certificate(facts: Mapping[str, Any], signer: Signer) -> bytes:
    """Return a signed certificate: JSON with the statement as the exact text that was signed, signature and public key.

    Source:
        Detached signature over exact bytes, so that nobody has to write JSON again in the same way; ADR 0035.
    """
    statement = json.dumps(facts, indent=1, ensure_ascii=True, allow_nan=False)
    signed = {
        "statement": statement,
        "signature": b64encode(signer.sign(statement.encode("ascii"))).decode("ascii"),
        "public_key": b64encode(signer.public_key).decode("ascii"),
    }
    return json.dumps(signed, indent=1).encode("ascii") + b"\n"


def read_certificate(certificate: bytes, signer: Signer, *, public_key: bytes | None = None) -> dict[str, Any]:
    """Return what a certificate says, once its signature was checked.

    Args:
        public_key: Whose signature it must be; None takes that of this installation.

    Raises:
        InvalidInputError: code `certificate-malformed`.
        IntegrityError: code `certificate-false`: changed, or signed by somebody else.
    """
    try:
        signed = json.loads(certificate)
        statement, signature = signed["statement"], b64decode(signed["signature"], validate=True)
        by = b64decode(signed["public_key"], validate=True)
        facts: dict[str, Any] = json.loads(statement)
        exact = statement.encode("ascii")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidInputError(
            "this is no certificate of Countenance", code="certificate-malformed", hint="hand over the file as it came"
        ) from None
    expected = signer.public_key if public_key is None else public_key
    if by != expected or not signer.holds(exact, signature, by):
        raise IntegrityError(
            "the certificate was changed, or is not signed by this installation",
            code="certificate-false",
            hint="compare its public key with the one that the installation publishes",
        )
    return facts


def certificate_text(certificate: bytes) -> str:
    """Return a certificate for people to read."""
    signed = json.loads(certificate)
    facts = json.loads(signed["statement"])
    destroyed, source = facts["destroyed"], facts.get("source") or {}
    lines = [
        "CERTIFICATE OF DESTRUCTION",
        "",
        f"Certificate   {facts['id']}",
        f"What          {facts['kind']}",
        f"Source        {source.get('name', '-')} (owner: {source.get('owner', '-')})",
        f"Reason        {facts['reason']}",
        f"Not searched since  {facts['not_eligible_since']}",
        f"Finished            {facts['finished_at']}",
        "Destroyed     " + ", ".join(f"{count:,} {what}" for what, count in destroyed.items()),
    ]
    if facts.get("erased"):
        lines.append(f"Erased        {facts['erased']['id']}")
    if facts.get("photographs_staying"):
        lines.append(f"Stay          {facts['photographs_staying']:,} photographs of others, without the face")
    if facts.get("key"):
        lines.append(f"Key           {facts['key']['scope']}, destroyed {facts['key']['destroyed_at']}")
    before = facts["handed_out_before"]
    lines += ["", f"Handed out before: {len(before)} searches" + (":" if before else "")]
    lines += [f"  {one['searched_at']}  search {one['search']}, {one['candidates']} candidates" for one in before]
    lines += ["", f"Kept: {facts['kept']}."]
    lines += [f"Not reached: {facts['not_reached']}."] if facts.get("not_reached") else []
    lines += ["", f"Signed with Ed25519 key {signed['public_key']}"]
    return "\n".join(lines) + "\n"
