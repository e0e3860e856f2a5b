"""Graphs that took long to build, kept in a folder: a later run searches them without building them again."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from countenance.core.errors import UnavailableError
from countenance.evaluation.search_benchmark import Build, KeptEngine, MadeUpGallery

BUILD = "build.json"
GRAPH = "graph"


class KeptGraph:
    """One engine's graph over one made-up gallery. What is there counts once `build.json` is, which is written last."""

    def __init__(self, folder: Path, gallery: MadeUpGallery, *, engine: str) -> None:
        """Remember the folder; it is made when a graph is kept."""
        drawn = f"{gallery.population.digest} {len(gallery.probes)} {gallery.seed}".encode("ascii")
        self._folder = (
            folder / f"{engine}-{gallery.templates}x{gallery.probes.shape[1]}-{sha256(drawn).hexdigest()[:12]}"
        )

    def load(self, engine: KeptEngine) -> Build | None:
        """Fill an engine with what is kept; None where there is nothing.

        Raises:
            UnavailableError: code `scratch-unavailable`; the engine may hold a part.
        """
        with self._reaching():
            if not (self._folder / BUILD).exists():
                return None
            build = Build(**json.loads((self._folder / BUILD).read_text(encoding="ascii")))
            engine.load(self._folder / GRAPH)
            return build

    def save(self, engine: KeptEngine, build: Build) -> None:
        """Keep an engine's graph in place of what a run that was killed left behind.

        Raises:
            UnavailableError: code `scratch-unavailable`; nothing is kept.
        """
        with self._reaching():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            engine.save(self._folder / GRAPH)
            (self._folder / BUILD).write_text(json.dumps(asdict(build)), encoding="ascii")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Turn what the disk says into our error."""
        try:
            yield
        except OSError as error:
            raise UnavailableError(
                f"{self._folder} can't be used to keep a graph: {error.strerror}",
                code="scratch-unavailable",
                hint="name another folder with --graphs",
            ) from None
