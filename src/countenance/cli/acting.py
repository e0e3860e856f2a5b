"""Who acts on the command line, and what each command asks the policy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from countenance.access.permission import Asks, Exempt
from countenance.bootstrap.keeping import KeyLog, keeping
from countenance.bootstrap.settings import Settings, load_settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.erasure import Erased
from countenance.policy.model import Actor
from countenance.policy.request import Action

MANAGE_SOURCE, VIEW_SOURCE = Asks(Action.MANAGE_SOURCE), Asks(Action.VIEW_SOURCE)
LOOK_FOR_REQUESTER = Asks(Action.MANAGE_SOURCE, also=Action.VIEW_SUBJECT)
READ_PERSON = Asks(Action.MANAGE_SOURCE, entry=True)
MAINTAIN = Asks(Action.MAINTAIN)
MANAGE_ORGANISATION, MANAGE_USER = Asks(Action.MANAGE_ORGANISATION), Asks(Action.MANAGE_USER)
READ_WHOLE_LOG = Asks(Action.READ_WHOLE_LOG, entry=True)

COMMANDS: Mapping[str, Asks | Exempt] = MappingProxyType(
    {
        "api-key list": Exempt.OWN,
        "api-key make": Exempt.OWN,
        "api-key revoke": Exempt.OWN,
        "approval grant": Asks(Action.APPROVE),
        "approval list": Asks(Action.VIEW_CASE),
        "approval refuse": Asks(Action.APPROVE),
        "approval sweep": Exempt.HOST,
        "audit checkpoint": Asks(Action.MAINTAIN, entry=True),
        "audit export": Asks(Action.READ_WHOLE_LOG),
        "audit prove": READ_WHOLE_LOG,
        "audit rotate-key": MAINTAIN,
        "audit show": Asks(Action.READ_LOG, entry=True),
        "audit verify": Exempt.PUBLIC,
        "audit witness": Exempt.PUBLIC,
        "audit witness-key": Exempt.PUBLIC,
        "bench search": Exempt.HOST,
        "calibrate": Exempt.HOST,
        "calibration show": Exempt.HOST,
        "case close": Asks(Action.CLOSE_CASE),
        "case list": Asks(Action.VIEW_CASE),
        "case open": Asks(Action.OPEN_CASE),
        "case show": Asks(Action.VIEW_CASE),
        "certificate list": VIEW_SOURCE,
        "certificate verify": Exempt.PUBLIC,
        "doctor": Exempt.HOST,
        "enrol": Asks(Action.ENROL),
        "erase face": MANAGE_SOURCE,
        "erase finish": Exempt.HOST,
        "erase image": MANAGE_SOURCE,
        "erase subject": MANAGE_SOURCE,
        "evaluate identification": Exempt.HOST,
        "evaluate verification": Exempt.HOST,
        "faces": Asks(Action.EXAMINE_PROBE, entry=True),
        "import": Asks(Action.ENROL),
        "index rebuild": Exempt.HOST,
        "index status": Exempt.HOST,
        "index verify": Exempt.HOST,
        "init": Exempt.HOST,
        "keys backup": MAINTAIN,
        "keys escrow": MAINTAIN,
        "keys restore": MAINTAIN,
        "keys rotate": MAINTAIN,
        "keys status": Exempt.HOST,
        "migrate compreface": Asks(Action.ENROL),
        "migrate csv": Asks(Action.ENROL),
        "migrate deepface": Asks(Action.ENROL),
        "models install": Exempt.HOST,
        "models list": Exempt.HOST,
        "models show": Exempt.HOST,
        "models verify": Exempt.HOST,
        "org apply": MANAGE_ORGANISATION,
        "org cancel": MANAGE_ORGANISATION,
        "org list": MANAGE_ORGANISATION,
        "org review": MANAGE_ORGANISATION,
        "org show": MANAGE_ORGANISATION,
        "org suspend": MANAGE_ORGANISATION,
        "oversight alerts": READ_WHOLE_LOG,
        "oversight run": READ_WHOLE_LOG,
        "policy check": Exempt.PUBLIC,
        "policy diff": Exempt.PUBLIC,
        "policy explain": Exempt.PUBLIC,
        "policy list": Exempt.PUBLIC,
        "policy sign": Exempt.PUBLIC,
        "policy test": Exempt.PUBLIC,
        "report customers": MANAGE_ORGANISATION,
        "report transparency": READ_WHOLE_LOG,
        "retention plan": VIEW_SOURCE,
        "retention rules": Exempt.HOST,
        "retention run": Exempt.HOST,
        "retention set": MANAGE_SOURCE,
        "rights close": MANAGE_SOURCE,
        "rights consent": LOOK_FOR_REQUESTER,
        "rights decide": MANAGE_SOURCE,
        "rights find": LOOK_FOR_REQUESTER,
        "rights identify": MANAGE_SOURCE,
        "rights letter": READ_PERSON,
        "rights list": MANAGE_SOURCE,
        "rights receive": MANAGE_SOURCE,
        "rights release": MANAGE_SOURCE,
        "rights return": MANAGE_SOURCE,
        "rights show": READ_PERSON,
        "rights stay-out end": MANAGE_SOURCE,
        "rights stay-out list": MANAGE_SOURCE,
        "search": Exempt.SEARCH,
        "search-group": Exempt.SEARCH,
        "serve": Exempt.HOST,
        "source activate": MANAGE_SOURCE,
        "source keeper": Asks(Action.SET_KEEPER),
        "source list": VIEW_SOURCE,
        "source register": MANAGE_SOURCE,
        "source releases add": MANAGE_SOURCE,
        "source releases list": READ_PERSON,
        "source releases revoke": MANAGE_SOURCE,
        "source resume": MANAGE_SOURCE,
        "source show": VIEW_SOURCE,
        "source suspend": MANAGE_SOURCE,
        "source withdraw": MANAGE_SOURCE,
        "status": Exempt.HOST,
        "subjects list": Asks(Action.VIEW_SUBJECT, entry=True),
        "subjects show": Asks(Action.VIEW_SUBJECT, entry=True),
        "templates rekey": MAINTAIN,
        "user add": MANAGE_USER,
        "user bind": MANAGE_USER,
        "user confirm": MANAGE_USER,
        "user deactivate": MANAGE_USER,
        "user invite": MANAGE_USER,
        "user list": MANAGE_USER,
        "user roles": MANAGE_USER,
        "user show": MANAGE_USER,
        "user train": MANAGE_USER,
        "verify-search": Asks(Action.VIEW_ANSWER),
    }
)
"""Every command, and what it asks before it does anything; one without a row here asks for nothing and is refused."""


@contextmanager
def open_acting(
    home: Path | None, login: str | None, command: str, *, about: str | Erased | None = None
) -> Iterator[tuple[OpenGallery, Actor]]:
    """Open the gallery for the person that `--as` or COUNTENANCE_USER names, where they may run this command.

    Args:
        home: As `--home` has it.
        login: As `--as` has it.
        command: Its name in COMMANDS.
        about: The source that something is done to, by its name, or what is to be erased from one.

    Raises:
        NotPermittedError: codes `actor-missing`, `actor-unknown`, `not-permitted`; and what `open_gallery` raises.
        NotFoundError: codes `source-unknown`, `subject-unknown`, `image-unknown`, `face-unknown`.
    """
    row = COMMANDS[command]
    settings = load_settings(home)
    with open_gallery(settings) as gallery:
        actor = gallery.accounts.acting(login or settings.user)
        if isinstance(row, Asks):
            gallery.custody.require(row, actor=actor, about=about)
        yield gallery, actor


@contextmanager
def open_keeping(home: Path | None, login: str | None, command: str) -> Iterator[tuple[Settings, KeyLog]]:
    """Let somebody run a command on the home's keys, which has to work where the gallery can't be opened too.

    Raises:
        As `keeping.keeping`.
    """
    row = COMMANDS[command]
    if not isinstance(row, Asks):
        raise TypeError(f"{command} asks nothing")
    settings = load_settings(home)
    with keeping(settings, login or settings.user, command.replace(" ", "-"), row) as log:
        yield settings, log
