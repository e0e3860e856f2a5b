"""Installing a model pack from a folder: checked, then there whole, or not there at all."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countenance.core.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from countenance.vision.pack import MANIFEST, ModelPack, builtin_packs, read_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What became of a pack.

    Attributes:
        new: False where the same pack was installed already.
    """

    pack: ModelPack
    new: bool


def install_pack(folder: Path, *, into: Path, check: Callable[[ModelPack], None]) -> Installation:
    """Install a pack.

    1. The manifest is read; its name is neither a built-in pack's nor taken by another pack.
    2. The manifest and the files that it names are copied into a hidden folder beside the installed packs.
    3. The copy is checked, not the original: hashes, that the networks load, that they do what the manifest says.
    4. The hidden folder gets its name, in one step.

    Args:
        folder: Holds the manifest and the networks; not modified.
        into: The folder of installed packs; made where missing.
        check: Raises when a pack can't be used.

    Raises:
        NotFoundError: codes `pack-unknown`, `model-file-missing`.
        InvalidInputError: code `pack-manifest-invalid`.
        ConflictError: codes `pack-name-builtin`, `pack-exists`.
        IntegrityError: codes `model-hash-mismatch`, `model-unreadable`, `model-dimension-wrong`.
        UnavailableError: code `pack-not-copied`. Nothing was installed in any of these cases.
    """
    # 1. Name.
    pack = read_pack(folder)
    if any(pack.name == builtin.name for builtin in builtin_packs()):
        raise ConflictError(
            f"{pack.name} is the name of a pack that comes with Countenance",
            code="pack-name-builtin",
            hint="give it another `name` in its manifest",
        )
    target = into / pack.name
    if (target / MANIFEST).is_file() and _is_the_same(pack, target):
        return Installation(pack=read_pack(target), new=False)
    try:
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=into, prefix=".") as place:
            # 2. Copy.
            copy = _copied(pack, Path(place) / "new")
            # 3. Check.
            check(copy)
            # 4. Name it; what was damaged under that name goes with the hidden folder.
            if target.exists():
                target.rename(Path(place) / "damaged")
            copy.folder.rename(target)
    except OSError as error:
        raise UnavailableError(
            f"model pack {pack.name} can't be copied to {into}: {error.strerror}",
            code="pack-not-copied",
            hint="nothing was installed; check permissions and free space, then try again",
        ) from None
    return Installation(pack=read_pack(target), new=True)


def _is_the_same(pack: ModelPack, target: Path) -> bool:
    """Return whether the pack is installed and whole; False where it is, but damaged, and should be put in order.

    Raises:
        ConflictError: code `pack-exists`: it is another one.
    """
    installed = read_pack(target)
    if installed.digest != pack.digest:
        raise ConflictError(
            f"another model pack named {pack.name} is installed: {installed.digest[:12]}, not {pack.digest[:12]}",
            code="pack-exists",
            hint="give the new one another `name`: galleries may hold templates of the installed one",
        )
    try:
        installed.verify()
    except (IntegrityError, NotFoundError):
        return False
    return True


def _copied(pack: ModelPack, place: Path) -> ModelPack:
    """Copy a pack's manifest and its own files, each to the disk and not only into its cache."""
    own = [pack.path(spec) for spec in pack.networks if spec.distribution is None]
    for path in (*own, pack.folder / MANIFEST):
        copy = place / path.relative_to(pack.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as original, copy.open("wb") as written:
            shutil.copyfileobj(original, written)
            written.flush()
            os.fsync(written.fileno())
    return read_pack(place)
