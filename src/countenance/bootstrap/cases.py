"""Cases wired: what an open gallery offers of them, each person within their own organisation."""

from countenance.cases import service
from countenance.cases.model import Case
from countenance.cases.ports import CaseRegister
from countenance.core.clock import utc_now
from countenance.gallery.ports import Objects
from countenance.policy.model import Actor


class Cases:
    """The cases of one open gallery. Thread-safe."""

    def __init__(self, register: CaseRegister, objects: Objects) -> None:
        """Join the parts."""
        self._register = register
        self._objects = objects

    def open(self, reference: str, *, actor: Actor, authorised_by: str = "", document: bytes = b"") -> Case:
        """Open a case: see `cases.service.open_case`."""
        return service.open_case(
            self._register,
            self._objects.put,
            reference,
            authorised_by=authorised_by,
            document=document,
            actor=actor,
            at=utc_now(),
        )

    def close(self, name: str, *, actor: Actor) -> Case:
        """Close a case: see `cases.service.close_case`."""
        return service.close_case(self._register, name, actor=actor, at=utc_now())

    def all(self, *, actor: Actor) -> tuple[Case, ...]:
        """Return the cases of the actor's organisation, newest first."""
        return self._register.cases(actor.org_id)

    def case(self, name: str, *, actor: Actor) -> Case:
        """Return a case of the actor's organisation: see the port."""
        return self._register.case(actor.org_id, name)
