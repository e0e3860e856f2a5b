"""Settings: read once, from `COUNTENANCE_` environment variables and the command line."""

import os
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from countenance.core.errors import InvalidInputError
from countenance.core.text import is_text

PREFIX = "COUNTENANCE_"

OTHERS = frozenset({"COUNTENANCE_TEST_DATA", "COUNTENANCE_TEST_MILVUS"})
"""Variables with our prefix that are not settings: the tests' optional data folder and server."""


class Settings(BaseSettings):
    """All settings. Each may be set as an environment variable: `COUNTENANCE_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Annotated[Path, Field(description="Folder of the gallery: records, pictures, installed model packs.")] = (
        Field(default_factory=lambda: user_data_path("countenance"))
    )
    cache: Annotated[Path, Field(description="Folder of what can be made again: folded networks.")] = Field(
        default_factory=lambda: user_cache_path("countenance")
    )
    key_file: Annotated[
        Path | None,
        Field(
            description="File of the key that wraps the gallery's keys, outside the home; unset: in the user's "
            "configuration folder."
        ),
    ] = None
    keyring: Annotated[
        Path | None,
        Field(
            description="File of the gallery's wrapped keys, outside the home; unset: in the user's "
            "configuration folder."
        ),
    ] = None
    erasure_list: Annotated[
        Path | None,
        Field(
            description="File of the list of what was erased, outside the home; unset: in the user's "
            "configuration folder."
        ),
    ] = None
    key_kind: Annotated[
        Literal["file", "pkcs11", "kms"],
        Field(
            description="What wraps the keys of a gallery that is made: the key file, a key in a PKCS#11 token, or one "
            "in a key service. One that is there is moved with `countenance keys rotate --to`."
        ),
    ] = "file"
    pkcs11_module: Annotated[
        Path | None, Field(description="The token's PKCS#11 library, e.g. `/usr/lib/softhsm/libsofthsm2.so`.")
    ] = None
    pkcs11_token: Annotated[str, Field(description="The token's label.")] = "countenance"  # noqa: S105 - a label
    pkcs11_key: Annotated[
        str | None,
        Field(description="Label of the keys in the token; unset: one of this home's own, from its identifier."),
    ] = None
    pkcs11_pin: Annotated[
        SecretStr | None, Field(description="The token's user PIN; a file is better, others can't see it.")
    ] = None
    pkcs11_pin_file: Annotated[Path | None, Field(description="File with the token's user PIN, outside the home.")] = (
        None
    )
    kms_key: Annotated[
        str | None,
        Field(
            description="Key in a key service that speaks AWS KMS's API: its ARN, or `alias/NAME` in the region "
            "`AWS_REGION`."
        ),
    ] = None
    kms_endpoint: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/@?#]+/?$",
            description="The key service's address; unset: AWS's own of the key's region.",
        ),
    ] = None
    kms_access_key_id: Annotated[
        str | None, Field(description="Who asks the key service; unset: `AWS_ACCESS_KEY_ID`, with what goes with it.")
    ] = None
    kms_secret_access_key: Annotated[SecretStr | None, Field(description="Secret that goes with it.")] = None
    user: Annotated[str | None, Field(description="Who acts on the command line, by login; `--as` wins over it.")] = (
        None
    )
    audit_key: Annotated[
        Path | None,
        Field(
            description="File of the key that signs the audit log, outside the home; unset: in the user's "
            "configuration folder."
        ),
    ] = None
    keep_answers_days: Annotated[
        int | None,
        Field(ge=1, le=36_525, description="Days that answers to searches are kept; unset keeps them without end."),
    ] = None
    keep_requests_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=36_525,
            description="Days that requests of people are kept after they were closed; unset keeps them without end.",
        ),
    ] = None
    keep_cases_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=36_525,
            description="Days that cases, and the answers of their searches, are kept after they were closed; unset "
            "keeps them without end.",
        ),
    ] = None
    rights_contact: Annotated[
        str, Field(max_length=200, description="Whom people ask about their rights; the page /retention shows it.")
    ] = ""
    oversight_folder: Annotated[
        Path | None,
        Field(
            description="Folder outside the chain of command that each alert of oversight is written to; unset: none."
        ),
    ] = None
    model_pack: Annotated[str, Field(description="Name of the model pack to use.")] = "opencv-sface"
    policy_packs: Annotated[
        str, Field(description="Law packs in force beside the core, separated by commas; one has to be a base pack.")
    ] = "default"
    policy_keys: Annotated[
        str,
        Field(
            description="Public keys, hex, separated by commas: packs from elsewhere must be signed by one. "
            "Empty asks for no signature; a wrong one is refused all the same."
        ),
    ] = ""
    runtime: Annotated[Literal["openvino", "onnxruntime"], Field(description="What runs the networks.")] = "openvino"
    engine: Annotated[
        Literal["auto", "exact", "compact", "milvus"],
        Field(
            description="What searches: `auto` is exact, or compact where the gallery is too large for it; `milvus` is "
            "a Milvus server."
        ),
    ] = "auto"
    compact_folder: Annotated[
        Path | None,
        Field(description="Folder that the compact engine maps its int8 rows from; unset keeps them in memory."),
    ] = None
    records_database: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL database of the records, `postgresql://user:password@host/database`, instead of "
            "the home's SQLite file; needs countenance[postgresql]."
        ),
    ] = None
    objects_bucket: Annotated[
        str | None,
        Field(
            description="Bucket of photographs, crops and documents, `s3://bucket/prefix`, instead of the home's "
            "folder; where and with which key stands in `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, "
            "`AWS_SECRET_ACCESS_KEY`."
        ),
    ] = None
    milvus_address: Annotated[
        str,
        Field(
            pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9_]+)?$",
            description="Milvus server of the engine `milvus`, and the one that `countenance bench search` measures; "
            "with `https` its certificate is checked.",
        ),
    ] = "http://127.0.0.1:19530"
    milvus_token: Annotated[
        SecretStr | None,
        Field(description="What the Milvus server asks for: `user:password`, or a token; unset: nothing."),
    ] = None
    workers: Annotated[
        int, Field(ge=0, le=256, description="Processes that read photographs in bulk; 0 means one a core.")
    ] = 0
    max_image_bytes: Annotated[int, Field(gt=0, description="Largest photograph file, bytes.")] = 64 * 1024 * 1024
    max_image_pixels: Annotated[int, Field(gt=0, description="Largest photograph, width x height.")] = 100_000_000
    origin: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$",
            description="How browsers reach the server through a reverse proxy, e.g. `https://faces.example.org`; "
            "unset: `http://localhost` with the port.",
        ),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[!-~]+$",
            description="Identity provider (OpenID Connect) that people on record may sign in with, by its issuer; "
            "unset: none.",
        ),
    ] = None
    oidc_client_id: Annotated[str, Field(description="What the identity provider knows this installation by.")] = ""
    oidc_client_secret: Annotated[
        SecretStr | None, Field(description="Secret that goes with it; unset: the provider asks for none.")
    ] = None
    oidc_name: Annotated[str, Field(max_length=60, description="What the page calls the identity provider.")] = (
        "your organisation's account"
    )
    oidc_match_email: Annotated[
        bool,
        Field(
            description="Whether an address that the provider verified, and that is somebody's login, binds the two "
            "at the first sign-in. Otherwise an operator does, with `countenance user bind`."
        ),
    ] = False
    port: Annotated[int, Field(ge=0, le=65535, description="Port that `countenance serve` listens on.")] = 8000
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="Least level that is logged.")
    ] = "WARNING"

    @property
    def database(self) -> Path:
        """The records' SQLite file."""
        return self.home / "records.sqlite3"

    @property
    def objects(self) -> Path:
        """The folder of pictures."""
        return self.home / "objects"

    @property
    def objects_place(self) -> Path:
        """The file that says where the objects are kept, as a fingerprint."""
        return self.home / "objects-place"

    @property
    def models(self) -> Path:
        """The folder of installed model packs."""
        return self.home / "models"

    @property
    def packs(self) -> Path:
        """The folder of law packs that did not come with Countenance."""
        return self.home / "packs"

    @property
    def index(self) -> Path:
        """The folder of the stored index, made from the records."""
        return self.home / "index"

    @property
    def home_id(self) -> Path:
        """The file that says which keyring is this home's."""
        return self.home / "home-id"

    @property
    def audit_vkeys(self) -> Path:
        """The file with the audit log's public keys, a line each, oldest first."""
        return self.home / "audit-vkeys"

    @property
    def worker_count(self) -> int:
        """How many processes read photographs in bulk."""
        return self.workers or len(os.sched_getaffinity(0))


def load_settings(home: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        home: Wins over `COUNTENANCE_HOME`; None leaves it.

    Raises:
        InvalidInputError: codes `setting-unknown` (a misspelt variable would else be passed over), `setting-invalid`.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHERS
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise InvalidInputError(
                f"there is no setting {name}", code="setting-unknown", hint="docs/reference/settings.md lists them all"
            )
    try:
        settings = Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid("_".join(str(part) for part in first["loc"]), first["msg"]) from None
    for name, value in settings:
        if isinstance(value, str) and not is_text(value):
            raise _invalid(name, f"{value!a} is no text in UTF-8")
    if not str(settings.home).isprintable():
        raise _invalid("home", f"{str(settings.home)!a} can't be a gallery's path: printable characters only")
    return settings.model_copy(update={"home": settings.home.expanduser(), "cache": settings.cache.expanduser()})


def _invalid(name: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{PREFIX}{name.upper()}: {why}", code="setting-invalid", hint="docs/reference/settings.md lists them all"
    )
