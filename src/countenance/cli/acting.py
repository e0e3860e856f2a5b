"""Who acts on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.policy.model import Actor


@contextmanager
def open_acting(home: Path | None, login: str | None) -> Iterator[tuple[OpenGallery, Actor]]:
    """Open the gallery for the person that `--as` or COUNTENANCE_USER names.

    Raises:
        NotPermittedError: codes `actor-missing`, `actor-unknown`; and what `open_gallery` raises.
    """
    settings = load_settings(home)
    with open_gallery(settings) as gallery:
        yield gallery, gallery.accounts.acting(login or settings.user)
