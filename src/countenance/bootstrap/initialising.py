"""Making a home: keys, records, object store, the first operators."""

from collections.abc import Collection

from countenance.access.founding import FIRST_OPERATORS
from countenance.bootstrap.accounts import found_house
from countenance.bootstrap.auditing import make_audit_key, open_audit
from countenance.bootstrap.keyring import make_keys, open_keyring
from countenance.bootstrap.older_homes import bring_up_to_date
from countenance.bootstrap.records import is_made, open_records, require_own
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError


def initialise(settings: Settings, *, operators: Collection[str] = FIRST_OPERATORS) -> bool:
    """Make a home: keys, records, object store, operators. What is there already is left as it is.

    Args:
        settings: Where it is made.
        operators: Logins of the first operators, two at least, where there are none yet.

    Returns:
        True where the home is new.

    Raises:
        UnavailableError: code `home-unwritable`; run again once it is writable. Those of `keyring.make_keys` too.
        InvalidInputError: code `key-inside-home`, nothing was written; code `operators-invalid`, run it again.
        ConflictError: codes `records-newer`, `records-elsewhere`; nothing was changed. Those of `open_records` too.
        IntegrityError: code `records-unreadable`; nothing was changed.
    """
    try:
        new = not is_made(settings)
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.objects.mkdir(exist_ok=True, mode=0o700)
        settings.models.mkdir(exist_ok=True, mode=0o700)
        make_keys(settings)
        make_audit_key(settings)
        engine = open_records(settings)
        try:
            with open_keyring(settings) as keyring:
                require_own(settings, engine, empty=True)
                bring_up_to_date(settings, engine, keyring)
                if settings.database.exists():
                    settings.database.chmod(0o600)
                found_house(engine, keyring, open_audit(settings, engine, keyring), operators)
        finally:
            engine.dispose()
    except OSError as error:
        raise UnavailableError(
            f"{settings.home} can't be written: {error.strerror}", code="home-unwritable", hint="choose another --home"
        ) from None
    return new
