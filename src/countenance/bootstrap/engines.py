"""Wiring of the index: which engine searches a gallery."""

import logging
import os
from pathlib import Path

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.rotation_file import RotationFile, sweep
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.index.choice import Engine, choose_engine
from countenance.index.ports import FollowingIndex, Originals
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring
from countenance.vision.pack import ModelPack

logger = logging.getLogger(__name__)


def rotation_file(settings: Settings, pack: ModelPack, keyring: Keyring) -> RotationFile:
    """Return where the rotation of a pack's indexed templates is kept, if there is one."""
    return RotationFile(settings.index / f"rotation-{pack.digest[:16]}", pack.manifest.dimension, keyring)


def exact_folder(settings: Settings, pack: ModelPack, rotation: str | None) -> Path:
    """Return where the exact engine stores its index of a pack's templates under a rotation, None for none."""
    return settings.index / (_prefix(pack) if rotation is None else f"{_prefix(pack)}-{rotation}")


def _prefix(pack: ModelPack) -> str:
    """Return what the names of all stored indexes of a pack's templates begin with."""
    return f"exact-{pack.digest[:16]}"


def open_index(
    settings: Settings, pack: ModelPack, *, rows: int, originals: Originals, keyring: Keyring
) -> FollowingIndex:
    """Open the index of the engine that the settings name, or that fits the gallery.

    Args:
        rows: Templates in the gallery now; an engine once chosen stays until the gallery is opened again.

    Raises:
        UnavailableError: code `engine-missing`, the engine was not built.
        IntegrityError: code `rotation-damaged`.
    """
    kept = rotation_file(settings, pack, keyring).read()
    name, rotation = (None, None) if kept is None else kept
    folder = exact_folder(settings, pack, name)
    _sweep(settings, pack, folder)
    dim = pack.manifest.dimension
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    chosen = choose_engine(rows=rows, dim=dim, memory=memory) if settings.engine == "auto" else Engine(settings.engine)
    index = _compact(settings, dim, originals, rotation) if chosen is Engine.COMPACT else None
    return StoredExactIndex(folder, dim, originals=originals, keyring=keyring, index=index, rotation=rotation)


def _sweep(settings: Settings, pack: ModelPack, keep: Path) -> None:
    """Take away what was stored under other rotations: a renewal that was cut short is finished here."""
    try:
        sweep(settings.index, _prefix(pack), keep.name)
    except OSError as error:
        logger.warning("the index under an earlier rotation can't be taken away: %s", error.strerror)


def _compact(settings: Settings, dim: int, originals: Originals, rotation: Rotation | None) -> CompactIndex:
    try:
        return CompactIndex(dim, originals, folder=settings.compact_folder, rotation=rotation)
    except FileNotFoundError as error:
        raise UnavailableError(
            f"the compact engine can't run: {error}",
            code="engine-missing",
            hint="or choose the exact engine: COUNTENANCE_ENGINE=exact",
        ) from None


def engine_missing(engine: str, error: ModuleNotFoundError) -> UnavailableError:
    """Say which extra an engine needs."""
    return UnavailableError(
        f"the engine {engine} is not installed: {error.name} is missing",
        code="engine-missing",
        hint=f"install countenance[{engine.split('-', maxsplit=1)[0]}]",
    )
