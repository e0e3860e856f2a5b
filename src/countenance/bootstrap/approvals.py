"""Approvals wired: what an open gallery offers supervisors, and the clock of emergencies."""

from collections.abc import Mapping
from typing import Any

from countenance.access.passkeys import Passkeys
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, NotPermittedError
from countenance.policy.model import Actor
from countenance.search.approval import QUARANTINE, ApprovalRegister, ApprovalRequest, decided


class Approvals:
    """The requests for approval of one open gallery. Thread-safe."""

    def __init__(self, register: ApprovalRegister, passkeys: Passkeys) -> None:
        """Join the parts."""
        self._register = register
        self._passkeys = passkeys

    def all(self, *, actor: Actor) -> tuple[ApprovalRequest, ...]:
        """Return the requests of the actor's organisation, newest first."""
        return self._register.approvals(actor.org_id)

    def decide(self, approval_id: str, *, grant: bool, reason: str, actor: Actor) -> ApprovalRequest:
        """Decide a request of the actor's organisation: see `search.approval.decided`.

        Raises:
            NotFoundError: code `approval-unknown`.
        """
        asked = self._register.approval(actor.org_id, approval_id)
        made, entry = decided(asked, grant=grant, reason=reason, actor=actor, at=utc_now())
        self._register.decide(made, entry)
        return made

    def options(self, approval_id: str, *, actor: Actor, origin: str) -> Mapping[str, Any] | None:
        """Return what the browser needs to sign a request's hash with a passkey; None where the actor has none.

        Raises:
            NotFoundError: code `approval-unknown`.
        """
        asked = self._register.approval(actor.org_id, approval_id)
        try:
            return self._passkeys.approval_options(actor.user_id, asked.request_hash.encode(), origin=origin)
        except NotFoundError:
            return None

    def decide_signed(
        self,
        approval_id: str,
        *,
        grant: bool,
        reason: str,
        signature: Mapping[str, Any] | None,
        actor: Actor,
        origin: str,
    ) -> ApprovalRequest:
        """Decide on the page: whoever has a passkey signs the request's hash with it to approve.

        Raises:
            NotPermittedError: codes `approval-invalid`, `approval-unsigned`, `approval-own`; nothing was decided.
            NotFoundError: code `approval-unknown`.
        """
        asked = self._register.approval(actor.org_id, approval_id)
        made, entry = decided(asked, grant=grant, reason=reason, actor=actor, at=utc_now())
        if grant and signature is None and self.options(approval_id, actor=actor, origin=origin) is not None:
            raise NotPermittedError(
                "you have a passkey, so an approval is signed with it", code="approval-unsigned", hint="sign it"
            )
        if grant and signature is not None:
            signed = self._passkeys.approve(actor.user_id, asked.request_hash.encode(), signature, origin=origin)
            kept = {"credential": signed.credential_id, "key": signed.public_key, "assertion": dict(signed.assertion)}
            made, entry = decided(asked, grant=grant, reason=reason, actor=actor, at=utc_now(), signature=kept)
        self._register.decide(made, entry)
        return made

    def require_shown(self, search_id: str) -> None:
        """Refuse an answer of an emergency that nobody decided on in time.

        Raises:
            NotPermittedError: code `search-quarantined`.
        """
        waiting = self._register.of_search(search_id)
        if waiting is not None and waiting.deleted_at is None and waiting.overdue(utc_now()):
            raise NotPermittedError(
                "no supervisor decided on this emergency search within 48 hours, so its answer is out of sight",
                code="search-quarantined",
                hint="a supervisor can still decide: `countenance approval list`; after a week it is deleted",
            )

    def sweep(self) -> tuple[ApprovalRequest, ...]:
        """Put overdue emergencies out of sight, and delete the answers of those that were due a week ago."""
        at = utc_now()
        return self._register.sweep(at, deletes_before=at - QUARANTINE)
