"""Photographs out of DeepFace's database: a folder with a folder a person, and stored representations beside them.

The representations are pickles (`representations_MODEL.pkl`, `ds_MODEL_….pkl`): whoever made one decides what runs when
it is opened. They never are; nor are other files than DeepFace's own kinds of photographs.

Source:
    DeepFace, deepface/modules/recognition.py: `find` lists `.jpg`, `.jpeg` and `.png` below `db_path`, at any depth.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.migration import checked_person, refused_row
from countenance.gallery.plan import PlannedPhotograph, checked_reference, require_apart

PHOTOGRAPHS = (".jpg", ".jpeg", ".png")


def deepface_photographs(folder: Path, *, home: Path) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """List the photographs of a database, in an order that is the same each time; links are not followed.

    Args:
        folder: DeepFace's `db_path`; its folders are the people.
        home: The gallery's own, which must not lie there.

    Raises:
        NotFoundError: code `migration-not-found`.
        InvalidInputError: codes `folder-unreadable`, `folder-overlaps-home`. What was enrolled before stays.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder} is not a folder", code="migration-not-found", hint="name DeepFace's db_path")
    require_apart(folder, home)
    for here, folders, files in os.walk(folder, onerror=_unreadable):
        links = [name for name in folders if Path(here, name).is_symlink()]
        folders[:] = sorted(set(folders) - set(links))
        for name in sorted([*files, *links]):
            path = Path(here, name)
            if path.is_symlink():
                yield refused_row(_shown(path.relative_to(folder)), "member-link")
            elif name.lower().endswith(PHOTOGRAPHS):
                yield _photograph(path, path.relative_to(folder))


def _photograph(path: Path, relative: Path) -> PlannedPhotograph | NotEnrolled:
    """Plan one photograph; the folder that it lies in says whose it is."""
    if len(relative.parts) < 2:
        return refused_row(_shown(relative), "subject-missing")
    try:
        return PlannedPhotograph(
            path=path, reference=checked_reference(relative.as_posix()), label=checked_person(relative.parts[0])
        )
    except CountenanceError as error:
        return refused_row(_shown(relative), error.code)


def _unreadable(error: OSError) -> None:
    """End the walk at a folder that can't be read: passing over it would lose people in silence."""
    raise InvalidInputError(
        f"{error.filename} can't be read: {error.strerror}",
        code="folder-unreadable",
        hint="check its permissions, or move it elsewhere",
    ) from None


def _shown(path: Path) -> str:
    """Return a path that can stand in a report."""
    return ascii(str(path))[1:-1][:200]
