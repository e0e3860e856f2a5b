"""What is asked of a key service by AWS KMS's API.

Source:
    AWS Key Management Service API Reference (JSON 1.1): Encrypt, Decrypt, common errors.
"""

import json
import random
import time
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from countenance.adapters.addresses import is_local
from countenance.adapters.keys.aws_signature import AwsCredentials, signed_headers
from countenance.adapters.keys.kms_refusals import PASSING, failing, refusal, unreachable
from countenance.core.clock import utc_now
from countenance.core.errors import CountenanceError

TIMEOUT: Final = httpx.Timeout(6.0, connect=3.0)
"""Seconds, for one attempt."""

WAITS_S: Final = (0.2, 0.8, 3.2)
"""Before each further attempt, at most; half of it at least, so that many who wait don't come back at once."""

CHINA: Final = "cn-"
"""Regions with a domain of their own."""


class KmsClient:
    """Asks one region of a key service. Thread-safe.

    What may be asked again (no answer, too many requests, a fault of the service) is asked four times at most.
    """

    def __init__(
        self,
        *,
        region: str,
        endpoint: str | None,
        credentials: Callable[[], AwsCredentials],
        timeout: httpx.Timeout = TIMEOUT,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Keep what is needed to ask.

        Args:
            endpoint: The service's address; None for AWS's own.
            credentials: Asked before each attempt, so that new ones count at once.
            pause: Waits, s.
        """
        self._region = region
        self._url = endpoint or f"https://kms.{region}.amazonaws.com{'.cn' if region.startswith(CHINA) else ''}"
        self._credentials = credentials
        self._pause = pause
        self._clock = clock
        self._http = httpx.Client(timeout=timeout, follow_redirects=False, trust_env=not is_local(self._url))
        weakref.finalize(self, self._http.close)

    def ask(self, action: str, message: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the answer to one request.

        Args:
            action: `Encrypt` or `Decrypt`.
            message: JSON types; `KeyId` is in it.

        Raises:
            NotFoundError: code `kms-key-unknown`.
            IntegrityError: code `key-wrong`: wrapped by another key, for another scope, or changed.
            InvalidInputError: codes `kms-key-unfit`, `kms-region-wrong`.
            UnavailableError: codes `kms-unreachable`, `kms-throttled`, `kms-unavailable`, `kms-refused`,
                `kms-key-disabled`, `kms-access-denied`, `kms-credentials-refused`, and those of the credentials.
        """
        body, key = json.dumps(message).encode(), str(message["KeyId"])
        answer = self._once(action, body, key)
        for wait in WAITS_S:
            if not isinstance(answer, CountenanceError):
                return answer
            self._pause(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads the load, hides nothing
            answer = self._once(action, body, key)
        if isinstance(answer, CountenanceError):
            raise answer
        return answer

    def _once(self, action: str, body: bytes, key: str) -> Mapping[str, Any] | CountenanceError:
        """Ask once; an error that is returned may be gone the next time.

        Raises:
            As `ask`: what no further attempt would change.
        """
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": urlsplit(self._url).netloc,
            "x-amz-target": f"TrentService.{action}",
        }
        signed = signed_headers(
            headers, body, credentials=self._credentials(), region=self._region, service="kms", at=self._clock()
        )
        try:
            answer = self._http.post(self._url, content=body, headers=signed)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return unreachable(self._url, type(error).__name__)
        if answer.status_code == httpx.codes.OK:
            return self._read(answer)
        refused = refusal(answer.status_code, answer.text, url=self._url, key=key, region=self._region)
        if refused.code in PASSING:
            return refused
        raise refused

    def _read(self, answer: httpx.Response) -> Mapping[str, Any] | CountenanceError:
        """Read a JSON object."""
        try:
            said = answer.json()
        except ValueError:
            said = None
        return said if isinstance(said, dict) else failing(self._url, "answers with something else")
