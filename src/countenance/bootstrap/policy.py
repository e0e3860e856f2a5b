"""The policy in force, as the settings name its packs."""

from countenance.adapters.cedar import CedarRules
from countenance.bootstrap.settings import Settings
from countenance.core.errors import InvalidInputError
from countenance.policy.pack import CORE, LawPack, find_law_pack, law_packs
from countenance.policy.service import Policy, check_signers
from countenance.policy.vectors import Outcome, run_vectors

DEFAULT = "default"


def pack_names(value: str) -> tuple[str, ...]:
    """Read a list of packs' names, separated by commas.

    Raises:
        InvalidInputError: code `law-packs-invalid`.
    """
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if len(set(names)) != len(names) or CORE in names:
        raise InvalidInputError(
            f"{value!r} is no list of law packs",
            code="law-packs-invalid",
            hint="names, each once, separated by commas; the core is in force anyway, e.g. default,us-md-cp-2-501",
        )
    return names


def open_policy(settings: Settings, names: tuple[str, ...] | None = None) -> Policy:
    """Load the policy in force.

    Args:
        settings: Which packs, and whose signatures count.
        names: Other packs than the settings'; None takes theirs.

    Raises:
        NotFoundError: code `law-pack-unknown`.
        InvalidInputError: code `law-packs-invalid`.
        IntegrityError: codes `law-pack-invalid`, `law-pack-changed`, `law-pack-unsigned`, `policy-invalid`.
            In each case nothing may be permitted.
    """
    chosen = pack_names(settings.policy_packs) if names is None else names
    packs = [find_law_pack(name, installed_in=settings.packs) for name in chosen]
    check_signers(packs, trusted=frozenset(key for key in settings.policy_keys.split(",") if key))
    return Policy(core_pack(settings), packs, load=CedarRules)


def core_pack(settings: Settings) -> LawPack:
    """Return the pack that is always in force."""
    return find_law_pack(CORE, installed_in=settings.packs)


def known_packs(settings: Settings) -> tuple[LawPack, ...]:
    """Return all packs, those that come with Countenance and those in the home."""
    return law_packs(installed_in=settings.packs)


def check_vectors(settings: Settings, pack: LawPack) -> tuple[Outcome, ...]:
    """Decide a pack's vectors: see `policy.vectors.run_vectors`."""
    default = find_law_pack(DEFAULT, installed_in=settings.packs)
    return run_vectors(pack, core=core_pack(settings), default=default, load=CedarRules)
