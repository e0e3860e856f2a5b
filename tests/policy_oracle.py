"""What the packs ought to say, in plain Python: an oracle that shares nothing with Cedar or the packs' files."""

from collections.abc import Callable, Mapping

from countenance.policy.vectors import Facts

SEARCHING = {"search", "search-source"}
SERVED = SEARCHING | {"examine-probe", "view-answer", "view-subject"}
FROM_SOURCE = {"search-source", "view-subject"}
ROLE = {
    "core-examiner": (SEARCHING | {"examine-probe"}, {"examiner"}),
    "core-case-work": ({"view-answer", "open-case", "close-case", "view-case"}, {"examiner", "supervisor"}),
    "core-face-work": ({"view-subject"}, {"examiner", "supervisor", "custodian"}),
    "core-supervisor": ({"approve"}, {"supervisor"}),
    "core-custodian": ({"enrol", "manage-source", "set-keeper"}, {"custodian"}),
    "core-operator": ({"manage-organisation", "manage-user", "maintain"}, {"operator"}),
    "core-auditor": ({"read-log", "read-whole-log"}, {"auditor"}),
    "core-somebody": (
        {"view-source", "read-policy"},
        {"examiner", "supervisor", "custodian", "operator", "auditor"},
    ),
}
PURPOSES = {
    "default": {
        "missing-person", "identify-deceased", "identify-incapacitated", "victim", "child-victim", "witness", "suspect",
        "wanted-person",
    },
    "archive": {"describe-collection", "reunite-family", "missing-person", "identify-deceased"},
}  # fmt: skip
OFFENCES = {
    "homicide", "sexual-assault", "robbery", "aggravated-assault", "home-invasion", "kidnapping", "human-trafficking",
    "child-abuse", "child-abuse-material", "hate-crime", "weapon-crime", "stalking", "public-threat", "terrorism",
    "fentanyl-importation", "animal-cruelty", "fraud", "theft",
}  # fmt: skip
SENSITIVE = {"child-victim", "witness"}
WITH_OFFENCE = SENSITIVE | {"victim", "suspect", "wanted-person"}
NOT_CRIMINAL = {"missing-person", "identify-deceased", "identify-incapacitated"}
PUBLIC = {"government", "law-enforcement"}
EU = {"BE", "DE", "PL", "IT"}
"""Those of its members that the tests name."""

Predicate = Callable[[Facts], bool]


def searches(facts: Facts) -> bool:
    return facts.action.value in SEARCHING


def on_source(facts: Facts, *actions: str) -> bool:
    return facts.action.value in actions


def keeps_the_house(facts: Facts) -> bool:
    return facts.action.value == "view-subject" and facts.sector.value == "house"


def within(facts: Facts, place: str) -> bool:
    return facts.place == place or facts.place.startswith(f"{place}-")


def police_in(facts: Facts, place: str) -> bool:
    return searches(facts) and facts.sector.value == "law-enforcement" and within(facts, place)


def in_eu(facts: Facts) -> bool:
    return facts.place.split("-")[0] in EU


def private_in_illinois(facts: Facts) -> bool:
    return within(facts, "US-IL") and facts.sector.value not in PUBLIC | {"house"}


def company_in_texas(facts: Facts) -> bool:
    return within(facts, "US-TX") and facts.sector.value == "company"


CORE: Mapping[str, Predicate] = {
    "core-organisation": lambda f: f.state.value != "active",
    "core-key": lambda f: f.key is not None and ("search" if searches(f) else f.action.value) not in f.key,
    **{
        rule: lambda f, actions=actions, roles=roles: (
            f.action.value in actions and not roles & {role.value for role in f.roles}
        )
        for rule, (actions, roles) in ROLE.items()
    },
    "core-house": lambda f: f.action.value == "read-whole-log" and f.sector.value != "house",
    "core-keeper": lambda f: (
        on_source(f, "enrol", "manage-source") and f.source_keeper == "another" and f.sector.value != "house"
    ),
    "core-set-keeper": lambda f: f.action.value == "set-keeper" and f.sector.value != "house",
    "core-case": lambda f: searches(f) and not f.case,
    "core-offence-required": lambda f: searches(f) and f.purpose in WITH_OFFENCE and f.offence == "",
    "core-live": lambda f: searches(f) and f.probe.value == "live",
    "core-quota-person": lambda f: searches(f) and f.person_today >= f.limit,
    "core-quota-case": lambda f: searches(f) and f.under_case >= f.limit,
    "core-quota-organisation": lambda f: searches(f) and f.organisation_today >= f.limit,
    "core-approval": lambda f: (
        searches(f) and f.purpose in SENSITIVE and not f.emergency and f.approval != "supervisor"
    ),
    "core-emergency": lambda f: searches(f) and f.emergency and f.overdue > 0,
    "core-source-active": lambda f: (
        f.source_state != "active"
        and (
            on_source(f, "search-source", "enrol")
            or (on_source(f, "view-subject") and "custodian" not in {role.value for role in f.roles})
        )
    ),
    "core-source-sector": lambda f: (
        on_source(f, *FROM_SOURCE) and not {"any", f.sector.value} & set(f.source_sectors) and not keeps_the_house(f)
    ),
    "core-source-purpose": lambda f: on_source(f, "search-source") and not {"any", f.purpose} & set(f.source_purposes),
    "core-source-place": lambda f: on_source(f, *FROM_SOURCE) and any(within(f, place) for place in f.source_excluded),
}

PACKS: Mapping[str, Mapping[str, Predicate]] = {
    "default": {
        "default-sector": lambda f: (
            f.action.value in SERVED and f.sector.value not in PUBLIC and not keeps_the_house(f)
        ),
        "default-us-il": lambda f: f.action.value in SERVED and within(f, "US-IL"),
    },
    "archive": {
        "archive-consent": lambda f: (
            on_source(f, "enrol", *FROM_SOURCE) and f.source_basis != "consent" and not keeps_the_house(f)
        ),
        "archive-sector": lambda f: f.action.value in SERVED and f.sector.value == "company",
        "archive-us-il": lambda f: f.action.value in SERVED and within(f, "US-IL"),
    },
    "us-il-bipa": {
        "us-il-bipa-release": lambda f: (
            on_source(f, "enrol", *FROM_SOURCE)
            and private_in_illinois(f)
            and not (f.source_basis == "consent" and f.source_releases)
        ),
        "us-il-bipa-probe": lambda f: f.action.value in {"search", "examine-probe"} and private_in_illinois(f),
    },
    "us-md-cp-2-501": {
        "us-md-offence": lambda f: (
            police_in(f, "US-MD") and f.purpose not in NOT_CRIMINAL and f.offence not in OFFENCES - {"fraud", "theft"}
        ),
        "us-md-training": lambda f: police_in(f, "US-MD") and not f.trained,
        "us-md-sketch": lambda f: police_in(f, "US-MD") and f.probe.value in {"sketch", "altered"},
    },
    "us-wa-rcw-43.386": {
        "us-wa-training": lambda f: searches(f) and within(f, "US-WA") and f.sector.value in PUBLIC and not f.trained,
        "us-wa-probe": lambda f: police_in(f, "US-WA") and f.probe.value in {"sketch", "altered"},
    },
    "us-mi-detroit-307.5": {
        "us-mi-detroit-offence": lambda f: (
            police_in(f, "US-MI")
            and f.offence not in {"homicide", "sexual-assault", "robbery", "aggravated-assault", "home-invasion"}
        ),
        "us-mi-detroit-still": lambda f: police_in(f, "US-MI") and f.probe.value != "photograph",
        "us-mi-detroit-training": lambda f: police_in(f, "US-MI") and not f.trained,
    },
    "us-tx-cubi": {
        "us-tx-cubi-consent": lambda f: (
            on_source(f, "enrol", *FROM_SOURCE) and company_in_texas(f) and f.source_basis != "consent"
        ),
        "us-tx-cubi-disclosure": lambda f: on_source(f, *FROM_SOURCE) and company_in_texas(f) and not f.source_releases,
    },
    "eu-ai-act": {
        "eu-ai-act-authorisation": lambda f: (
            searches(f)
            and f.sector.value == "law-enforcement"
            and in_eu(f)
            and f.purpose in {"suspect", "wanted-person"}
            and not (f.authorised or f.emergency)
        ),
        "eu-ai-act-targeted": lambda f: (
            searches(f)
            and f.sector.value == "law-enforcement"
            and in_eu(f)
            and f.offence == ""
            and f.purpose not in NOT_CRIMINAL
        ),
        "eu-ai-act-competence": lambda f: searches(f) and in_eu(f) and not f.trained,
    },
}


def forbids(facts: Facts, packs: tuple[str, ...]) -> set[str]:
    """Return the ids of all rules that forbid a request under packs; empty means allowed."""
    rules = {**CORE, **{rule: holds for pack in packs for rule, holds in PACKS[pack].items()}}
    found = {rule for rule, holds in rules.items() if holds(facts)}
    if "default" not in packs:
        # No other pack lists a purpose that is sensitive or needs an offence.
        found -= {"core-approval", "core-offence-required"}
    lists = [PURPOSES[pack] for pack in packs if pack in PURPOSES]
    purposes = set.intersection(*lists) if lists else set()
    if searches(facts) and facts.purpose not in purposes:
        found.add("core-purpose")
    if (
        on_source(facts, "view-subject")
        and not ({"any"} | purposes) & set(facts.source_purposes)
        and not keeps_the_house(facts)
    ):
        found.add("core-source-no-purpose")
    if searches(facts) and facts.offence not in ({""} | OFFENCES if "default" in packs else {""}):
        found.add("core-offence")
    return found
