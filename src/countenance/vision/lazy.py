"""An analyser that is loaded at first need: what ends before that (a file that is no picture) does not wait for it."""

from collections.abc import Callable, Sequence
from threading import Lock

from countenance.core.arrays import Pixels, Templates
from countenance.vision.model import Face
from countenance.vision.pack import ModelPack
from countenance.vision.ports import FaceAnalyser
from countenance.vision.quality import Gate


class LazyAnalyser:
    """Implements `FaceAnalyser` over a pack that is loaded once, by whoever needs it first. Thread-safe."""

    def __init__(self, pack: ModelPack, load: Callable[[], FaceAnalyser]) -> None:
        """Remember how to load.

        Args:
            load: Returns the pack at work; its errors reach whoever needed it, and the next one tries again.
        """
        self._pack = pack
        self._load = load
        self._analyser: FaceAnalyser | None = None
        self._loading = Lock()

    @property
    def pack_digest(self) -> str:
        """See the port."""
        return self._pack.digest

    @property
    def dim(self) -> int:
        """See the port."""
        return self._pack.manifest.dimension

    def find(self, pixels: Pixels, gate: Gate, *, thorough: bool = False) -> tuple[Face, ...]:
        """See the port."""
        return self._loaded().find(pixels, gate, thorough=thorough)

    def encode(self, pixels: Pixels, faces: Sequence[Face]) -> Templates:
        """See the port."""
        return self._loaded().encode(pixels, faces)

    def encode_together(self, shown: Sequence[tuple[Pixels, Face]]) -> Templates:
        """See the port."""
        return self._loaded().encode_together(shown)

    def crop(self, pixels: Pixels, face: Face) -> Pixels:
        """See the port."""
        return self._loaded().crop(pixels, face)

    def _loaded(self) -> FaceAnalyser:
        """Return the pack at work."""
        with self._loading:
            if self._analyser is None:
                self._analyser = self._load()
            return self._analyser
