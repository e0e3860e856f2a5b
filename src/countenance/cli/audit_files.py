"""What the `countenance audit` commands read and write: receipts, checkpoints, proofs and keys, one a file."""

import json
from collections.abc import Sequence
from pathlib import Path

from countenance.audit.model import Receipt, parse_receipt
from countenance.audit.note import Verifier, parse_vkey
from countenance.audit.proving import Consistency, parse_consistency
from countenance.core.errors import InvalidInputError, NotFoundError

LARGEST_FILE = 64 * 1024 * 1024
"""Most bytes that are read of a receipt, checkpoint or key."""


def read_receipt(path: Path) -> Receipt:
    """Read a receipt's file, or the answer of a search that carries one.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
        InvalidInputError: code `receipt-unreadable`.
    """
    try:
        return parse_receipt(json.loads(read_text(path)))
    except (ValueError, RecursionError):
        raise InvalidInputError(
            f"{path} is neither a receipt nor an answer with one",
            code="receipt-unreadable",
            hint="save what `countenance search --json` prints, or what stands in a report as its receipt",
        ) from None


def keys_of(files: Sequence[Path] | None) -> tuple[Verifier, ...]:
    """Read public keys from files; none where no file is named.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
        InvalidInputError: code `vkey-invalid`.
    """
    return tuple(parse_vkey(line) for path in files or () for line in read_text(path).splitlines() if line.strip())


def read_text(path: Path) -> str:
    """Read a small text file.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE).decode(errors="replace")
    except OSError as error:
        raise NotFoundError(
            f"{path} can't be read: {error.strerror}", code="audit-file-unreadable", hint="name another file"
        ) from None


def read_consistency(path: Path) -> Consistency:
    """Read a proof that a log only grew.

    Raises:
        NotFoundError: code `audit-file-unreadable`.
        InvalidInputError: code `proof-unreadable`.
    """
    try:
        return parse_consistency(json.loads(read_text(path)))
    except (ValueError, RecursionError):
        raise InvalidInputError(
            f"{path} is no proof that a log grew",
            code="proof-unreadable",
            hint="save what `countenance audit prove --since FILE --json` prints",
        ) from None
