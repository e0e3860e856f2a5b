"""Documents: JSON values sealed as one, the way a table keeps what is personal in a row."""

import json
from typing import Any

from countenance.keys.ports import Keyring


def seal_document(keyring: Keyring, scope: str, document: object, *, record: str, column: str) -> bytes:
    """Seal a JSON value: keys sorted, no spaces, UTF-8.

    Raises:
        ValueError: it is no JSON value (a NaN, a date, ...).
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # File names may hold surrogates, which stand for bytes that are no UTF-8.
    return keyring.seal(scope, text.encode(errors="surrogatepass"), record=record, column=column)


def open_document(keyring: Keyring, scope: str, sealed: bytes, *, record: str, column: str) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON value that was sealed.

    Raises:
        NotFoundError, IntegrityError: as `Keyring.open`.
    """
    return json.loads(keyring.open(scope, sealed, record=record, column=column).decode(errors="surrogatepass"))
