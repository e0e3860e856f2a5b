"""The clocks of a gallery that stays open: what is due is done within the hour, whether or not anybody searches."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from countenance.bootstrap.wiring import OpenGallery
from countenance.core.errors import CountenanceError

logger = logging.getLogger(__name__)

HOUR_S = 3600.0


@contextmanager
def clocks_running(gallery: OpenGallery, *, every: float = HOUR_S) -> Iterator[None]:
    """Look for what is due again and again, in a thread of its own: see `OpenGallery.heed_clocks`.

    What fails is logged and tried again the next time.

    Args:
        gallery: Stays open for as long.
        every: Seconds between two looks; opening the gallery was the first.
    """
    ended = Event()

    def run() -> None:
        """Look until the end."""
        while not ended.wait(every):
            try:
                gallery.heed_clocks()
            except CountenanceError as error:
                logger.warning("clocks: %s", error.code)
            except Exception as error:  # noqa: BLE001 - the clocks go on whatever it was
                # Words of an error that nobody foresaw may be personal.
                logger.error("clocks: %s", type(error).__name__)  # noqa: TRY400

    thread = Thread(target=run, name="clocks")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
