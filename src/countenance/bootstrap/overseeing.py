"""Wiring of oversight: where alerts go."""

import json
from pathlib import Path

from countenance.adapters.durable import replace_synced
from countenance.audit.ports import AuditReader
from countenance.audit.proving import prove_entry
from countenance.bootstrap.auditing import known_verifiers
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.oversight.service import Recorded


def deliver(settings: Settings, log: AuditReader, alerts: tuple[Recorded, ...]) -> int:
    """Write alerts, each with the proof that it stands in the log, into the officer's folder, where there is one.

    One that is there already is left.

    Returns:
        How many were written.

    Raises:
        UnavailableError: code `oversight-folder-unwritable`; the alerts are on record, run it again.
    """
    folder, written = settings.oversight_folder, 0
    if folder is None:
        return 0
    try:
        for one in alerts:
            path = folder / f"alert-{one.entry}.json"
            if not path.exists():
                receipt = prove_entry(log, one.entry, verifiers=known_verifiers(settings))
                _write(path, {**one.to_json(), "receipt": receipt.to_json()})
                written += 1
    except OSError as error:
        raise UnavailableError(
            f"{folder} can't be written: {error.strerror}",
            code="oversight-folder-unwritable",
            hint="the alerts are in the audit log; mend the folder and run it again",
        ) from None
    return written


def _write(path: Path, document: dict[str, object]) -> None:
    replace_synced(path, json.dumps(document, indent=1).encode())
