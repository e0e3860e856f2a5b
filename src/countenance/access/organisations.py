"""Organisations: they apply, two operators review, and every change says who, when and why."""

import hashlib
from dataclasses import replace
from datetime import datetime

from countenance.access.model import Action, Application, Change, Document, Organisation
from countenance.access.ports import DirectoryChange, DirectoryView
from countenance.access.words import checked_words
from countenance.core.errors import ConflictError, InvalidInputError, NotPermittedError
from countenance.core.ids import new_id
from countenance.core.places import checked_place
from countenance.policy.model import HOUSE, Actor, OrganisationState, Role, Sector

REVIEWERS = 2
"""How many different operators have to agree before an organisation may do anything."""

SUSPENDABLE = frozenset({OrganisationState.ACTIVE, OrganisationState.APPLIED})


def apply_for(directory: DirectoryChange, application: Application, *, actor: Actor, at: datetime) -> Organisation:
    """Put an application on record; the organisation may do nothing until two operators reviewed it.

    The caller stores the documents under `document_key`.

    Raises:
        NotPermittedError: code `operator-needed`. Nothing was written in this case or any other:
        InvalidInputError: codes `words-invalid`, `country-unknown`, `region-unknown`, `document-missing`,
            `sector-invalid`.
        ConflictError: code `organisation-exists`.
    """
    require_operator(actor)
    if application.sector is Sector.HOUSE:
        raise InvalidInputError(
            "only the organisation that runs this installation is the house",
            code="sector-invalid",
            hint="say what kind",
        )
    if not application.documents or not all(data for _, data in application.documents):
        raise InvalidInputError(
            "an application needs a document that is not empty",
            code="document-missing",
            hint="hand over what shows that the organisation is what it says",
        )
    country, region = checked_place(application.country, application.region)
    organisation = Organisation(
        org_id=new_id(),
        name=checked_words(application.name, "the organisation's name"),
        sector=application.sector,
        country=country,
        region=region,
        contact=checked_words(application.contact, "the organisation's contact"),
        documents=tuple(
            Document(name=checked_words(name, "a document's name"), sha256=hashlib.sha256(data).hexdigest())
            for name, data in application.documents
        ),
        state=OrganisationState.APPLIED,
        applied_at=at,
    )
    directory.add_organisation(organisation)
    directory.record([_change(organisation, Action.APPLIED, "applied", actor=actor, at=at)])
    return organisation


def document_key(org_id: str, document: Document) -> str:
    """Return where the bytes of a document are kept."""
    return f"organisations/{org_id}/{document.sha256}"


def review(
    directory: DirectoryChange, org_id: str, *, admit: bool, reason: str, actor: Actor, at: datetime
) -> Organisation:
    """Say whether an organisation that applied, or was suspended, may be active.

    Steps:
        1. Only an operator reviews, and only an organisation that waits for it.
        2. One refusal ends it: the organisation is cancelled, with its people's access.
        3. An operator counts once since it began to wait; the second who admits makes it active.

    Raises:
        NotPermittedError: code `operator-needed`.
        ConflictError: codes `organisation-not-waiting`, `reviewed-already`.
        InvalidInputError: code `words-invalid`. Nothing was written in any of these cases.
    """
    require_operator(actor)  # 1
    organisation = directory.organisation(org_id)
    words = checked_words(reason, "the reason")
    if organisation.state not in {OrganisationState.APPLIED, OrganisationState.SUSPENDED}:
        raise ConflictError(
            f"the organisation is {organisation.state.value}; nobody waits for a review",
            code="organisation-not-waiting",
            hint="one that was cancelled has to apply again",
        )
    if not admit:  # 2
        return _end(directory, organisation, OrganisationState.CANCELLED, Action.REFUSED, words, actor=actor, at=at)
    before = admitted_by(directory, organisation)
    if actor.user_id in before:  # 3
        raise ConflictError(
            "you reviewed it already", code="reviewed-already", hint="another operator has to review it too"
        )
    directory.record([_change(organisation, Action.ADMITTED, words, actor=actor, at=at)])
    if len(before) + 1 < REVIEWERS:
        return organisation
    active = replace(organisation, state=OrganisationState.ACTIVE)
    directory.put_organisation(active)
    return active


def admitted_by(directory: DirectoryView, organisation: Organisation) -> frozenset[str]:
    """Return who admitted an organisation since it last applied or was suspended."""
    admitted: set[str] = set()
    for change in directory.changes(organisation.org_id):
        if change.action in {Action.APPLIED, Action.SUSPENDED}:
            admitted.clear()
        elif change.action is Action.ADMITTED:
            admitted.add(change.by)
    return frozenset(admitted)


def suspend(directory: DirectoryChange, org_id: str, *, reason: str, actor: Actor, at: datetime) -> Organisation:
    """Stop an organisation at once; two reviews bring it back. Its people's sessions end, their keys stay unusable.

    Raises:
        NotPermittedError: codes `operator-needed`, `house-stays`.
        ConflictError: code `organisation-state`, it is suspended or cancelled already.
        InvalidInputError: code `words-invalid`. Nothing was written in any of these cases.
    """
    organisation = _to_end(directory, org_id, actor=actor, possible=SUSPENDABLE)
    words = checked_words(reason, "the reason")
    return _end(directory, organisation, OrganisationState.SUSPENDED, Action.SUSPENDED, words, actor=actor, at=at)


def cancel(directory: DirectoryChange, org_id: str, *, reason: str, actor: Actor, at: datetime) -> Organisation:
    """End an organisation for good, with its people's sessions, keys and passwords.

    Raises:
        NotPermittedError: codes `operator-needed`, `house-stays`.
        ConflictError: code `organisation-state`, it is cancelled already.
        InvalidInputError: code `words-invalid`. Nothing was written in any of these cases.
    """
    possible = SUSPENDABLE | {OrganisationState.SUSPENDED}
    organisation = _to_end(directory, org_id, actor=actor, possible=possible)
    words = checked_words(reason, "the reason")
    return _end(directory, organisation, OrganisationState.CANCELLED, Action.CANCELLED, words, actor=actor, at=at)


def require_operator(actor: Actor) -> None:
    """Let operators of the house pass, whose API key, if they came with one, is not narrowed to something else.

    Raises:
        NotPermittedError: code `operator-needed`.
    """
    if Role.OPERATOR not in actor.roles or actor.org_id != HOUSE or actor.actions is not None:
        raise NotPermittedError(
            "only an operator may do this", code="operator-needed", hint="ask one of the operators of this installation"
        )


def _to_end(
    directory: DirectoryView, org_id: str, *, actor: Actor, possible: frozenset[OrganisationState]
) -> Organisation:
    """Return an organisation that may be stopped."""
    require_operator(actor)
    organisation = directory.organisation(org_id)
    if org_id == HOUSE:
        raise NotPermittedError("the organisation that runs this installation can't be stopped", code="house-stays")
    if organisation.state not in possible:
        raise ConflictError(f"the organisation is {organisation.state.value} already", code="organisation-state")
    return organisation


def _end(
    directory: DirectoryChange,
    organisation: Organisation,
    state: OrganisationState,
    action: Action,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
) -> Organisation:
    """Take an organisation out of service with all access of its people."""
    ended = replace(organisation, state=state)
    directory.put_organisation(ended)
    directory.record([_change(organisation, action, reason, actor=actor, at=at)])
    people = [user.user_id for user in directory.users(organisation.org_id)]
    directory.end_access(people, for_good=state is OrganisationState.CANCELLED)
    return ended


def _change(organisation: Organisation, action: Action, reason: str, *, actor: Actor, at: datetime) -> Change:
    return Change(at=at, by=actor.user_id, action=action, org_id=organisation.org_id, user_id=None, reason=reason)
