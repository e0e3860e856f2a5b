"""A reader of photographs in this process: for tests and for trying things out. It passes the port's contract."""

from collections.abc import Iterable, Iterator

from countenance.gallery.photographs import Photograph, PhotographTask, RefusedPhotograph, read_photograph
from countenance.vision.decode import ImageLimits
from countenance.vision.ports import FaceAnalyser


class InlineReader:
    """Implements `PhotographReader` in this process, one photograph after the other."""

    def __init__(self, analyser: FaceAnalyser, limits: ImageLimits) -> None:
        """Keep what to read with."""
        self._analyser = analyser
        self._limits = limits

    def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
        """See the port; a file that kills its reader kills this process."""
        for task in tasks:
            yield read_photograph(task, self._analyser, self._limits)
