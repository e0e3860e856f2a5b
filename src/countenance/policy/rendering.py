"""What the policy in force lets anybody search for, as plain JSON types."""

from datetime import date
from typing import Any

from countenance.policy.decision import NOT_LEGAL_ADVICE
from countenance.policy.service import Policy


def lists_json(policy: Policy, on: date) -> dict[str, Any]:
    """Return a day's purposes and offences: each in the words of the first pack that lists it, as strict as any."""
    packs, lists = policy.in_force(on), policy.lists(on)
    purposes = {one.code: one for pack in reversed(packs) for one in pack.manifest.purposes}
    offences = {one.code: one for pack in reversed(packs) for one in pack.manifest.offences}
    return {
        "purposes": [
            {
                "code": code,
                "says": one.says,
                "sensitive": code in lists.sensitive,
                "offence": code in lists.offence_required,
            }
            for code, one in purposes.items()
            if code in lists.purposes
        ],
        "offences": [{"code": code, "says": one.says} for code, one in offences.items() if code in lists.offences],
        "policy": policy.digest(),
        "note": NOT_LEGAL_ADVICE,
    }
