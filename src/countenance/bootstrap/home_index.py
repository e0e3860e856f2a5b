"""Wiring of an open gallery's index: opened at first need, stored, and turned by another rotation."""

from collections.abc import Callable, Collection

from countenance.adapters.exact.blocks import BlockStore
from countenance.bootstrap.engines import exact_folder, open_index, rotation_file
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.gallery.indexing import IndexedGallery, originals_of
from countenance.gallery.model import Snapshot
from countenance.gallery.ports import Records
from countenance.index.model import IndexState, index_unwritable
from countenance.index.ports import FollowingIndex
from countenance.index.rotation import Rotation
from countenance.keys.ports import Keyring


class HomeIndex:
    """The index of one open gallery. Thread-safe, but for `rekey`."""

    def __init__(self, settings: Settings, records: Records, keyring: Keyring) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._records = records
        self._keyring = keyring
        self._index: FollowingIndex | None = None
        self.gallery = IndexedGallery(records, self._open)

    def settle(self, gone: Collection[int] = ()) -> str:
        """Leave nothing of what went, in memory and on disk: see `gallery.indexing.IndexedGallery.settle`."""
        return self.gallery.settle(gone)

    def close(self) -> None:
        """Store what the index took in since it was stored last, and overwrite on disk what it lost."""
        if self._index is not None:
            self._index.close()

    def stored(self) -> IndexState:
        """Say what of the index is stored: on disk, without opening it, or on its server."""
        if self._settings.engine == "milvus":
            return self.gallery.index.state()
        pack = model_pack(self._settings)
        folder = exact_folder(self._settings, pack, self.rotation())
        return BlockStore(folder, pack.manifest.dimension, self._keyring).state()

    def rotation(self) -> str | None:
        """Say which rotation indexed templates are under; None for none.

        Raises:
            IntegrityError: code `rotation-damaged`.
        """
        kept = rotation_file(self._settings, model_pack(self._settings), self._keyring).read()
        return None if kept is None else kept[0]

    def rekey(self, *, on_progress: Callable[[int], None] = lambda _: None) -> tuple[str, Snapshot]:
        """Give indexed templates another rotation, and make the index anew from the records.

        Steps, each of which may be the last before a crash: another rotation takes the old one's place; whoever opens
        the index next fills it under the new one from the records, and takes the old one's away, as is done here.

        Args:
            on_progress: Called with the number of templates that were indexed since the last call.

        Returns:
            The rotation's identifier, and what the index holds.

        Raises:
            UnavailableError: code `index-unwritable`; the old rotation is still there.
            IntegrityError: those of `IndexedGallery.refresh`.
        """
        pack = model_pack(self._settings)
        try:
            kept = rotation_file(self._settings, pack, self._keyring)
            name = kept.replace(Rotation.random(pack.manifest.dimension))
        except OSError as error:
            raise index_unwritable(error) from None
        self.close()
        self.gallery = IndexedGallery(self._records, self._open)
        return name, self.gallery.rebuild(on_progress=on_progress)

    def _open(self) -> FollowingIndex:
        """Open the index as it was left."""
        self._index = open_index(
            self._settings,
            model_pack(self._settings),
            rows=self._records.snapshot().subjects,
            originals=originals_of(self._records),
            keyring=self._keyring,
        )
        return self._index
