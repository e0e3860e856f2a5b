"""Wiring of the index: which engine searches a gallery."""

import os
from collections.abc import Callable
from functools import partial

from countenance.adapters.exact.engine import ExactIndex
from countenance.bootstrap.settings import Settings
from countenance.core.errors import UnavailableError
from countenance.index.choice import Engine, choose_engine
from countenance.index.ports import Originals, TemplateIndex


def index_maker(settings: Settings, *, dim: int, rows: int, originals: Originals) -> Callable[[], TemplateIndex]:
    """Return what makes an empty index of the engine that the settings name, or that fits the gallery.

    Args:
        rows: Templates in the gallery now; an engine once chosen stays until the gallery is opened again.

    Raises:
        UnavailableError: code `engine-missing`, the engine's extra is not installed.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    chosen = choose_engine(rows=rows, dim=dim, memory=memory) if settings.engine == "auto" else Engine(settings.engine)
    if chosen is Engine.EXACT:
        return partial(ExactIndex, dim, originals=originals)
    try:
        from countenance.adapters.compact import CompactIndex  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise engine_missing(Engine.COMPACT, error) from None
    return partial(CompactIndex, dim, originals, folder=settings.compact_folder)


def engine_missing(engine: str, error: ModuleNotFoundError) -> UnavailableError:
    """Say which extra an engine needs."""
    return UnavailableError(
        f"the engine {engine} is not installed: {error.name} is missing",
        code="engine-missing",
        hint=f"install countenance[{engine.split('-', maxsplit=1)[0]}]",
    )
