"""Model packs: what networks to use and how to feed them, with hashes, licence and provenance. Nothing is guessed."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from countenance.core.errors import IntegrityError, InvalidInputError, NotFoundError

MANIFEST = "manifest.toml"

PREPROCESSING = 1
"""Version of our own detection, alignment and pooling. Raised when they change, so that templates made before and after
are never compared: it is part of a pack's digest."""

HexDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PackName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class NetworkSpec(BaseModel):
    """One ONNX file and how a picture becomes its input: `(pixel - mean) * scale`, channels in `colour` order.

    Attributes:
        file: Path inside the pack's folder, or inside the installed distribution.
        distribution: Name of an installed Python distribution that carries the file; None means the pack's folder.
        mean: Per channel, in grey levels, in `colour` order.
        scale: Factor after the mean was subtracted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str
    distribution: str | None = None
    sha256: HexDigest
    licence: Annotated[str, StringConstraints(min_length=1)]
    provenance: Annotated[str, StringConstraints(min_length=1)]
    colour: Literal["RGB", "BGR"]
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]
    scale: float


class DetectorSpec(NetworkSpec):
    """A face detector; `kind` says how its outputs are read."""

    kind: Literal["yunet"]


class RecogniserSpec(NetworkSpec):
    """A face recogniser: an aligned square crop in, one embedding out."""

    size: Annotated[int, Field(ge=32, le=512)]
    alignment: Literal["arcface-112"]


class Manifest(BaseModel):
    """What a pack says of itself.

    Attributes:
        dimension: Columns of a template.
        mirror: Add the mirrored crop's embedding before normalising.
        threshold: Score that a search uses when none is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: PackName
    dimension: Annotated[int, Field(ge=8, le=4096)]
    metric: Literal["cosine"]
    mirror: bool
    threshold: Annotated[float, Field(ge=-1, le=1)]
    detector: DetectorSpec
    recogniser: RecogniserSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPack:
    """A manifest and the folder that it was read from."""

    manifest: Manifest
    folder: Path

    @property
    def name(self) -> str:
        """The pack's name."""
        return self.manifest.name

    @property
    def networks(self) -> tuple[NetworkSpec, NetworkSpec]:
        """What its networks are: the detector, the recogniser."""
        return self.manifest.detector, self.manifest.recogniser

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all that makes a template what it is: networks, pre-processing, mirroring, dimension."""
        words = ("licence", "provenance", "file", "distribution")
        facts = {
            "preprocessing": PREPROCESSING,
            "dimension": self.manifest.dimension,
            "metric": self.manifest.metric,
            "mirror": self.manifest.mirror,
            "detector": self.manifest.detector.model_dump(exclude=set(words)),
            "recogniser": self.manifest.recogniser.model_dump(exclude=set(words)),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def path(self, spec: NetworkSpec) -> Path:
        """Return where a network's file should be.

        Raises:
            NotFoundError: code `model-file-missing`, with what to install.
        """
        if spec.distribution is None:
            found = self.folder / spec.file
        else:
            found = _distribution_file(spec.distribution, spec.file)
        if not found.is_file():
            raise NotFoundError(
                f"model pack {self.name}: {spec.file} is missing",
                code="model-file-missing",
                hint=f"install the pack again, or the distribution {spec.distribution}"
                if spec.distribution
                else "install the pack again with `countenance models install DIR`",
            )
        return found

    def verify(self) -> None:
        """Compare each file with its hash.

        Raises:
            IntegrityError: code `model-hash-mismatch`; the file must not be used.
            NotFoundError: code `model-file-missing`.
        """
        for spec in self.networks:
            verify_file(self.path(spec), spec.sha256)


def verify_file(path: Path, sha256: str) -> None:
    """Compare a file with its hash.

    Raises:
        IntegrityError: code `model-hash-mismatch`; the file must not be used.
    """
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        raise IntegrityError(
            f"{path.name} is not the file that its manifest names: SHA-256 {actual[:12]}…, {sha256[:12]}… expected",
            code="model-hash-mismatch",
            hint="it is damaged or was exchanged: install the pack, or the distribution that carries it, again",
        )


def _distribution_file(distribution: str, file: str) -> Path:
    """Find a file of an installed distribution without importing its code."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for entry in files:
        if entry.as_posix() == file:
            return Path(str(entry.locate()))
    raise NotFoundError(
        f"the distribution {distribution} with {file} is not installed",
        code="model-file-missing",
        hint="install Countenance's dependencies again",
    )


def read_pack(folder: Path) -> ModelPack:
    """Read and check a pack's manifest; its networks are not opened.

    Raises:
        NotFoundError: code `pack-unknown`, there is no manifest.
        InvalidInputError: code `pack-manifest-invalid`, with the first thing that is wrong.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise NotFoundError(
            f"{folder} holds no model pack", code="pack-unknown", hint=f"a pack is a folder with a {MANIFEST}"
        ) from None
    except UnicodeDecodeError:
        raise _invalid(path, "it is not UTF-8 text") from None
    try:
        manifest = Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _invalid(path, f"it is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _invalid(path, f"{where}: {first['msg']}") from None
    for spec in (manifest.detector, manifest.recogniser):
        name = PurePosixPath(spec.file)
        if name.is_absolute() or ".." in name.parts or "\\" in spec.file:
            raise _invalid(path, f"{spec.file}: a path outside the pack")
    return ModelPack(manifest=manifest, folder=folder)


def _invalid(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path}: {why}", code="pack-manifest-invalid", hint="docs/guide/model-packs.md shows a manifest"
    )


def builtin_packs() -> tuple[ModelPack, ...]:
    """Return the packs that come with Countenance."""
    root = Path(str(resources.files("countenance.vision") / "packs"))
    return tuple(read_pack(folder) for folder in sorted(root.iterdir()) if (folder / MANIFEST).is_file())


def installed_packs(folder: Path) -> tuple[ModelPack, ...]:
    """Return the packs that were installed into a folder; a folder that doesn't exist holds none.

    Raises:
        InvalidInputError: code `pack-manifest-invalid`, of the first one that is broken.
    """
    return tuple(read_pack(entry) for entry in _installed_folders(folder).values())


def find_pack(name: str, *, installed_in: Path) -> ModelPack:
    """Return a pack by name; the built-in ones come first.

    Another pack's broken manifest is no hindrance.

    Raises:
        NotFoundError: code `pack-unknown`.
        InvalidInputError: code `pack-manifest-invalid`.
    """
    for pack in builtin_packs():
        if pack.name == name:
            return pack
    folders = _installed_folders(installed_in)
    if name in folders:
        return read_pack(folders[name])
    known = ", ".join([*(pack.name for pack in builtin_packs()), *folders])
    raise NotFoundError(
        f"there is no model pack {name!r}",
        code="pack-unknown",
        hint=f"known: {known}; add one with `countenance models install DIR`",
    )


def _installed_folders(folder: Path) -> dict[str, Path]:
    """Return installed packs' folders by the packs' names; hidden folders hold packs that are being installed."""
    if not folder.is_dir():
        return {}
    entries = (entry for entry in sorted(folder.iterdir()) if not entry.name.startswith("."))
    return {entry.name: entry for entry in entries if (entry / MANIFEST).is_file()}
