"""What a key service refuses, and what that means.

Source:
    AWS Key Management Service API Reference: Encrypt, Decrypt, common errors.
"""

import json
import re
from http import HTTPStatus
from typing import Final

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError, UnavailableError
from countenance.keys.model import key_wrong

BUSY: Final = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "LimitExceededException"})
FOREIGN: Final = frozenset({"IncorrectKeyException", "InvalidCiphertextException"})
DISABLED: Final = frozenset({"DisabledException", "KMSInvalidStateException"})
DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
UNFIT: Final = frozenset({"InvalidKeyUsageException", "ValidationException", "InvalidArnException"})
STRANGER: Final = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
OTHER_REGION: Final = re.compile(r"scoped to a valid region|Invalid arn|Region in .*does not match", re.IGNORECASE)
"""How AWS says that a key, or a signature, is of another region than the one that was asked."""

PASSING: Final = frozenset({"kms-throttled", "kms-unavailable"})
"""Codes of what may be gone a moment later."""

AGAIN: Final = "check the network and COUNTENANCE_KMS_ENDPOINT, then run the same command again"


def refusal(status: int, body: str, *, url: str, key: str, region: str) -> CountenanceError:
    """Return the error for an answer that is a refusal.

    Args:
        url: The service's address.
        key: The key that was named.
        region: Where it was looked for.
    """
    name, says = _said(body)
    if name in BUSY or status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnavailableError(f"the key service {url} is asked too much", code="kms-throttled", hint=AGAIN)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return failing(url, f"fails ({name or status})")
    if OTHER_REGION.search(says):
        return InvalidInputError(
            f"the key {key} is not in the region {region}, or {url} is not",
            code="kms-region-wrong",
            hint="name the key by its ARN in COUNTENANCE_KMS_KEY, or set AWS_REGION and COUNTENANCE_KMS_ENDPOINT",
        )
    if name in FOREIGN:
        return key_wrong(f"kms:{key}")
    if name in STRANGER:
        return UnavailableError(
            f"the key service refuses the credentials ({name})",
            code="kms-credentials-refused",
            hint="check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or COUNTENANCE_KMS_...), that they have not "
            "ended, and this machine's clock",
        )
    return _of_key(name, key) or UnavailableError(
        f"the key service {url} refuses ({name or status})", code="kms-refused", hint=AGAIN
    )


def unreachable(url: str, why: str) -> UnavailableError:
    """Return the error for a service that gives no answer."""
    return UnavailableError(f"the key service {url} can't be reached ({why})", code="kms-unreachable", hint=AGAIN)


def failing(url: str, why: str) -> UnavailableError:
    """Return the error for a service that does something else than it should."""
    return UnavailableError(f"the key service {url} {why}", code="kms-unavailable", hint=AGAIN)


def _of_key(name: str, key: str) -> CountenanceError | None:
    """Return what a refusal says of the key; None where it is about something else."""
    if name == "NotFoundException":
        return NotFoundError(
            f"the key service has no key {key}",
            code="kms-key-unknown",
            hint="name another in COUNTENANCE_KMS_KEY; without the one that wrapped it a keyring can't be opened",
        )
    if name in UNFIT:
        return InvalidInputError(
            f"the key {key} can't wrap keys ({name})",
            code="kms-key-unfit",
            hint="make a symmetric key for encryption and decryption, and name it in COUNTENANCE_KMS_KEY",
        )
    if name in DISABLED:
        return UnavailableError(
            f"the key {key} is disabled, or waits for its deletion",
            code="kms-key-disabled",
            hint="enable it again, or cancel its deletion; until then nothing can be opened",
        )
    if name in DENIED:
        return UnavailableError(
            f"the key service denies the use of {key}",
            code="kms-access-denied",
            hint="allow kms:Encrypt and kms:Decrypt with this key to whoever these credentials are of",
        )
    return None


def _said(body: str) -> tuple[str, str]:
    """Return a refusal's name and what it says; some services and gateways answer in XML."""
    try:
        said = json.loads(body)
        name, says = str(said.get("__type", "")), str(said.get("message") or said.get("Message") or "")
    except (ValueError, AttributeError):
        found = re.search(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*))?", body)
        name, says = (found[1], found[2] or "") if found else ("", "")
    return name.rpartition("#")[2], says
