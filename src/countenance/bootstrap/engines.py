"""Wiring of the index: which engine searches a gallery."""

import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.blocks import LOCK
from countenance.adapters.exact.rotation_file import RotationFile, sweep
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.milvus.state import StateFile
from countenance.bootstrap.keyring import kept_home_id
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.index.choice import Engine, choose_engine
from countenance.index.ports import FollowingIndex, Originals
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring
from countenance.vision.pack import ModelPack

if TYPE_CHECKING:
    from countenance.adapters.milvus.server import MilvusServer

logger = logging.getLogger(__name__)


def rotation_file(settings: Settings, pack: ModelPack, keyring: Keyring) -> RotationFile:
    """Return where the rotation of a pack's indexed templates is kept, if there is one."""
    return RotationFile(settings.index / f"rotation-{pack.digest[:16]}", pack.manifest.dimension, keyring)


def exact_folder(settings: Settings, pack: ModelPack, rotation: str | None) -> Path:
    """Return where the exact engine stores its index of a pack's templates under a rotation, None for none."""
    return settings.index / (_exact(pack) if rotation is None else f"{_exact(pack)}-{rotation}")


def _exact(pack: ModelPack) -> str:
    """Return what the names of all folders begin with in which the exact engine stores a pack's templates."""
    return f"exact-{pack.digest[:16]}"


def open_index(
    settings: Settings, pack: ModelPack, *, rows: int, originals: Originals, keyring: Keyring
) -> FollowingIndex:
    """Open the index of the engine that the settings name, or that fits the gallery.

    Args:
        rows: Templates in the gallery now; an engine once chosen stays until the gallery is opened again.

    Raises:
        UnavailableError: code `engine-missing`, the engine was not built; `index-unavailable`, its server does not
            answer.
        IntegrityError: code `rotation-damaged`.
    """
    if settings.engine == "milvus":
        return _milvus(settings, pack, originals, keyring)
    _leave_milvus(settings, pack)
    file = rotation_file(settings, pack, keyring)
    kept = file.read()
    name, rotation = (None, None) if kept is None else kept
    folder = exact_folder(settings, pack, name)
    _sweep(settings, _exact(pack), keep=folder, lock=LOCK)
    dim = pack.manifest.dimension
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    chosen = choose_engine(rows=rows, dim=dim, memory=memory) if settings.engine == "auto" else Engine(settings.engine)
    index = _compact(settings, dim, originals, rotation) if chosen is Engine.COMPACT else None
    return StoredExactIndex(
        folder,
        dim,
        originals=originals,
        keyring=keyring,
        index=index,
        rotation=rotation,
        in_force=partial(file.is_in_force, name),
    )


def milvus_server(settings: Settings) -> "MilvusServer":
    """Connect to the Milvus server that the settings name.

    Raises:
        UnavailableError: codes `engine-missing`, the client is not installed; `index-unavailable`.
    """
    # Its transport would write to standard error what is raised as an error; read once, when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from countenance.adapters.milvus.server import MilvusServer  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise engine_missing("milvus", error) from None
    token = settings.milvus_token
    return MilvusServer(settings.milvus_address, token="" if token is None else token.get_secret_value())


def _milvus(settings: Settings, pack: ModelPack, originals: Originals, keyring: Keyring) -> FollowingIndex:
    """Open the gallery's collection on the Milvus server; always under a rotation, since it leaves this machine."""
    server = milvus_server(settings)
    from countenance.adapters.milvus.shared import SharedMilvusIndex  # noqa: PLC0415 - an optional extra

    dim = pack.manifest.dimension
    name, rotation = rotation_file(settings, pack, keyring).read_or_make()
    folder = settings.index / f"{_milvus_folders(pack)}-{name}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(settings, _exact(pack), keep=None, lock=LOCK)
    _sweep(settings, _milvus_folders(pack), keep=folder)
    return SharedMilvusIndex(
        StateFile(folder, keyring),
        dim,
        server=server,
        prefix=_collections(settings, pack),
        originals=originals,
        rotation=rotation,
    )


def _leave_milvus(settings: Settings, pack: ModelPack) -> None:
    """Drop what an earlier engine left on a Milvus server; its folder stays until that is done."""
    if not any(settings.index.glob(f"{_milvus_folders(pack)}-*")):
        return
    try:
        server = milvus_server(settings)
        for name in server.collections(_collections(settings, pack)):
            server.drop(name)
        server.close()
    except UnavailableError as error:
        logger.warning("the index can't be dropped from the Milvus server that held it: %s", error)
    else:
        _sweep(settings, _milvus_folders(pack), keep=None)


def _collections(settings: Settings, pack: ModelPack) -> str:
    """Return what the names of this gallery's collections begin with: its home, its pack."""
    return f"countenance_{kept_home_id(settings).replace('-', '')}_{pack.digest[:16]}_"


def _milvus_folders(pack: ModelPack) -> str:
    """Return what the names of all folders begin with that say what stands on a Milvus server."""
    return f"milvus-{pack.digest[:16]}"


def _sweep(settings: Settings, prefix: str, *, keep: Path | None, lock: str | None = None) -> None:
    """Take away what other engines or rotations left: a change that was cut short is finished here."""
    try:
        sweep(settings.index, prefix, keep, lock=lock)
    except OSError as error:
        logger.warning("an earlier index can't be taken away: %s", error.strerror)


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
