"""Law packs: rules as tested data, with where they come from and when they end. Not legal advice."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from countenance.core.errors import IntegrityError, NotFoundError
from countenance.policy.ports import Lists, RuleText
from countenance.policy.signing import pack_digest, signer_of

CORE = "core"
"""Name of the pack that is always in force; its rules hold beside those of every other."""

MANIFEST, RULES, VECTORS, SCHEMA = "manifest.toml", "policies.cedar", "vectors.toml", "schema.cedarschema"

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,49}$")]
PackName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Purpose(_Part):
    """One purpose that a search may have.

    Attributes:
        sensitive: Whether a supervisor has to approve each search.
        offence: Whether an offence has to be stated.
    """

    code: Code
    says: Words
    sensitive: bool = False
    offence: bool = False


class Offence(_Part):
    """One offence that a search may be for."""

    code: Code
    says: Words


class Quota(_Part):
    """Most searches: of one person a day, under one case, of one organisation a day."""

    person_day: Annotated[int, Field(ge=0)]
    case: Annotated[int, Field(ge=0)]
    organisation_day: Annotated[int, Field(ge=0)]


class Manifest(_Part):
    """What a pack says of itself.

    Attributes:
        kind: `base` packs say who is admitted at all, and one must be in force; `law` packs restrict further; `core` is
            Countenance's own.
        prefix: What the id of each of its rules begins with.
        jurisdiction: ISO 3166 code, `EU`, or `*` for everywhere.
        effective: First day that it is in force.
        expires: First day that it is not relied on any more: whoever keeps it has to look at the law again by then.
        reviewed_by: The role of whoever did.
        limits: What of the law it does not express.
    """

    name: PackName
    title: Words
    kind: Literal["core", "base", "law"]
    prefix: Code
    citation: Words
    jurisdiction: Words
    effective: date
    expires: date
    reviewed_by: Words
    limits: Words
    quota: Quota | None = None
    purposes: tuple[Purpose, ...] = ()
    offences: tuple[Offence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LawPack:
    """One pack as it was read.

    Attributes:
        folder: Where it stands.
        built_in: Whether it came with Countenance.
        rules: The text of its rules.
        vectors: Its vectors as they stand in the file: see `vectors.py`.
        digest: Hex SHA-256 of all its files but the signature.
        signed_by: The public key, hex, whose signature over the digest holds; None where there is none.
    """

    manifest: Manifest
    folder: Path
    built_in: bool
    rules: str
    vectors: tuple[dict[str, Any], ...]
    digest: str
    signed_by: str | None

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.manifest.name

    def text(self) -> RuleText:
        """Return its rules for loading."""
        manifest = self.manifest
        return RuleText(
            pack=manifest.name, prefix=manifest.prefix, rules=self.rules, may_permit=manifest.kind == "core"
        )


def built_in_folder() -> Path:
    """Return the folder of the packs that come with Countenance."""
    return Path(str(resources.files("countenance.policy") / "packs"))


def find_law_pack(name: str, *, installed_in: Path) -> LawPack:
    """Return a pack by its name: one that comes with Countenance, or one in a folder of the home.

    Raises:
        NotFoundError: code `law-pack-unknown`.
        IntegrityError: codes `law-pack-invalid`, `law-pack-changed`; nothing may be decided by it.
    """
    for folder, built_in in ((built_in_folder(), True), (installed_in, False)):
        if name in _names(folder):
            return read_law_pack(folder / name, built_in=built_in)
    raise NotFoundError(
        f"there is no law pack {name!r}",
        code="law-pack-unknown",
        hint="see `countenance policy list` for those there are",
    )


def law_packs(*, installed_in: Path) -> tuple[LawPack, ...]:
    """Return all packs by name, the core first.

    Raises:
        IntegrityError: codes `law-pack-invalid`, `law-pack-changed`.
    """
    names = _names(built_in_folder()) | _names(installed_in)
    ordered = sorted(names, key=lambda name: (name != CORE, name))
    return tuple(find_law_pack(name, installed_in=installed_in) for name in ordered)


def read_law_pack(folder: Path, *, built_in: bool = False, signed: bool = True) -> LawPack:
    """Read one pack and check its signature, where it has one.

    Args:
        folder: Of its name.
        built_in: Whether it came with Countenance.
        signed: False passes over its signature, to sign it anew.

    Raises:
        IntegrityError: codes `law-pack-invalid`: a file is missing or wrong; `law-pack-changed`: it is not what was
            signed.
    """
    try:
        manifest = Manifest.model_validate(tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8")), strict=False)
        rules = (folder / RULES).read_text(encoding="utf-8")
        vectors = tomllib.loads((folder / VECTORS).read_text(encoding="utf-8"))["vectors"]
    except (OSError, KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise invalid_pack(folder.name, _first_line(error)) from None
    if manifest.name != folder.name:
        raise invalid_pack(folder.name, f"its manifest calls it {manifest.name}")
    if (manifest.kind == CORE) != (manifest.name == CORE) or manifest.effective >= manifest.expires:
        raise invalid_pack(folder.name, "its kind or its dates can't be")
    return LawPack(
        manifest=manifest,
        folder=folder,
        built_in=built_in,
        rules=rules,
        vectors=tuple(vectors),
        digest=pack_digest(folder),
        signed_by=signer_of(folder) if signed else None,
    )


def lists_of(packs: Sequence[LawPack]) -> Lists:
    """Join the packs' lists: what each pack that has a list knows, as strictly as the strictest says."""
    purposes = [{one.code for one in pack.manifest.purposes} for pack in packs if pack.manifest.purposes]
    offences = [{one.code for one in pack.manifest.offences} for pack in packs if pack.manifest.offences]
    every = [one for pack in packs for one in pack.manifest.purposes]
    return Lists(
        purposes=frozenset(set.intersection(*purposes) if purposes else ()),
        offences=frozenset(set.intersection(*offences) if offences else ()),
        sensitive=frozenset(one.code for one in every if one.sensitive),
        offence_required=frozenset(one.code for one in every if one.offence),
    )


def quota_of(packs: Sequence[LawPack]) -> Quota:
    """Return the tightest quota of the packs; nothing may be searched where none has one."""
    quotas = [pack.manifest.quota for pack in packs if pack.manifest.quota is not None]
    return Quota(
        person_day=min((quota.person_day for quota in quotas), default=0),
        case=min((quota.case for quota in quotas), default=0),
        organisation_day=min((quota.organisation_day for quota in quotas), default=0),
    )


def invalid_pack(name: str, why: str) -> IntegrityError:
    """Return the error for a pack that can't be used."""
    return IntegrityError(
        f"the law pack {name} can't be used: {why}",
        code="law-pack-invalid",
        hint="mend it, or take it out of COUNTENANCE_POLICY_PACKS; until then nothing is permitted",
    )


def _names(folder: Path) -> frozenset[str]:
    """Return the names of the packs in a folder, which need not exist."""
    return frozenset(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))


def _first_line(error: Exception) -> str:
    """Say what is wrong in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return f"{type(error).__name__}: {error}".splitlines()[0]
