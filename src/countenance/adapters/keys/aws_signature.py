"""Requests signed as AWS and the services that speak its protocols want them.

Source:
    AWS Identity and Access Management User Guide, "Create a signed AWS API request" (Signature Version 4). ADR 0034.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from hashlib import sha256

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCredentials:
    """Who signs.

    Attributes:
        session_token: Goes with keys that last for a while only; None for keys that stay.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def signed_headers(
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: AwsCredentials,
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """Return the headers of a POST to the path `/`, without a query, with what signs all of them and the body.

    1. The canonical request: headers by name in lower case, and the body's hash.
    2. What is signed: the time, the scope, and the canonical request's hash.
    3. The key: derived from the secret, for this day, region and service alone.

    Args:
        headers: Names in lower case; `host` is one of them. Not modified.
        at: UTC; a service takes what is some minutes old at most.
    """
    time = at.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "x-amz-date": time}
    if credentials.session_token is not None:
        sent["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(sent))  # 1
    lines = "".join(f"{name}:{' '.join(sent[name].split())}\n" for name in sorted(sent))
    canonical = "\n".join(("POST", "/", "", lines, names, sha256(body).hexdigest()))
    scope = f"{time[:8]}/{region}/{service}/aws4_request"  # 2
    signed = "\n".join((ALGORITHM, time, scope, sha256(canonical.encode()).hexdigest()))
    key = reduce(_digest, scope.split("/"), f"AWS4{credentials.secret_access_key}".encode())  # 3
    parts = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}",
        f"SignedHeaders={names}",
        f"Signature={_digest(key, signed).hex()}",
    )
    return {**sent, "authorization": ", ".join(parts)}


def _digest(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
