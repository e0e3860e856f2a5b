"""Who does what with a home's keys: decided on and on record before it takes effect, where the gallery opens."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from countenance.access.permission import Asks
from countenance.audit.model import Acting, Entry, Outcome
from countenance.bootstrap.accounts import named
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import CountenanceError, NotPermittedError
from countenance.policy.model import SYSTEM

UNWRITABLE = "audit-unwritable"
"""Code of a log that takes no entry: then nothing is done."""


class KeyLog:
    """Implements `Record`, for one action; what can't be written yet is kept for later.

    Attributes:
        written: Whether it is in the audit log.
        closed: Code of why the gallery does not open; empty where it does.
    """

    def __init__(self, action: str) -> None:
        """Begin, for an action as the log calls it."""
        self.written = False
        self.closed = ""
        self._action = action
        self._kept: list[Mapping[str, object]] = []
        self._open: tuple[OpenGallery, Acting] | None = None

    def __call__(self, **facts: object) -> None:
        """See the port."""
        if self._open is None:
            self._kept.append(facts)
            return
        gallery, actor = self._open
        gallery.audit.record(Entry(action=self._action, outcome=Outcome.DONE, actor=actor, facts=facts))
        self.written = True

    def opened(self, gallery: OpenGallery, actor: Acting) -> None:
        """Write into a gallery's log from now on, and what was kept for it."""
        self._open = gallery, actor
        for facts in self._kept:
            self(**facts, asked=False)


@contextmanager
def keeping(settings: Settings, login: str | None, action: str, asks: Asks) -> Iterator[KeyLog]:
    """Let somebody do something with a home's keys.

    1. Where the gallery opens, the policy decides, and it is on record before it takes effect.
    2. Where it does not (keys are lost, or records damaged), nobody can be asked, and it must be possible all the same.
       It is on record afterwards if the gallery opens then, as what the policy was not asked about.

    Args:
        login: Whoever says that they do it.

    Raises:
        NotPermittedError: codes `actor-missing`, `actor-unknown`, `not-permitted`; nothing was done.
        UnavailableError: code `audit-unwritable`; nothing was done.
    """
    login = named(login)
    log = KeyLog(action)
    with ExitStack() as stack:
        try:
            gallery = stack.enter_context(open_gallery(settings))
        except CountenanceError as error:
            if error.code == UNWRITABLE:
                raise
            log.closed = error.code
        else:  # 1
            actor = gallery.accounts.acting(login)
            gallery.permission.require(asks, actor=actor)
            log.opened(gallery, actor)
        yield log
    if not log.written:  # 2
        _write_afterwards(settings, login, log)


def _write_afterwards(settings: Settings, login: str, log: KeyLog) -> None:
    """Put on record what could not be before."""
    try:
        with open_gallery(settings) as gallery:
            try:
                actor: Acting = gallery.accounts.acting(login)
            except NotPermittedError:
                actor = SYSTEM
            log.opened(gallery, actor)
    except CountenanceError as error:
        log.closed = error.code
