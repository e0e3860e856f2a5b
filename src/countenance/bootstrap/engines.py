"""Wiring of the index: which engine searches a gallery."""

import os
from pathlib import Path

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.index.choice import Engine, choose_engine
from countenance.index.ports import FollowingIndex, Originals
from countenance.keys.ports import Keyring
from countenance.vision.pack import ModelPack


def exact_folder(settings: Settings, pack: ModelPack) -> Path:
    """Return where the exact engine stores its index of a pack's templates."""
    return settings.index / f"exact-{pack.digest[:16]}"


def open_index(
    settings: Settings, pack: ModelPack, *, rows: int, originals: Originals, keyring: Keyring
) -> FollowingIndex:
    """Open the index of the engine that the settings name, or that fits the gallery.

    Args:
        rows: Templates in the gallery now; an engine once chosen stays until the gallery is opened again.

    Raises:
        UnavailableError: code `engine-missing`, the engine was not built.
    """
    dim = pack.manifest.dimension
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    chosen = choose_engine(rows=rows, dim=dim, memory=memory) if settings.engine == "auto" else Engine(settings.engine)
    index = _compact(settings, dim, originals) if chosen is Engine.COMPACT else None
    return StoredExactIndex(exact_folder(settings, pack), dim, originals=originals, keyring=keyring, index=index)


def _compact(settings: Settings, dim: int, originals: Originals) -> CompactIndex:
    try:
        return CompactIndex(dim, originals, folder=settings.compact_folder)
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
