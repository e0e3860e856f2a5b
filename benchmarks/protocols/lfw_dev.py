"""The fixed open-set protocol on lfw-dev: derived from the folder by a rule, so that no list of people is committed.

Run: `python benchmarks/protocols/lfw_dev.py FOLDER > protocol.csv`, then
`countenance evaluate identification --images FOLDER --protocol protocol.csv`.

The rule. There are as many rotations as one likes, numbered from 1; the protocol is rotation 1. In another one others
are enrolled and others are strangers, and the folds are the same. A person's, or a photograph's, *draw* is the SHA-256
of `countenance lfw-dev 1` (the rotation's number), a zero byte and its name (a
photograph's is `NAME/FILE`): as good as random, the same on every machine, and what is drawn for one person does not
depend on who else is in the folder.

1. A person with two photographs or more is mated when the draw's first byte is below 171 (two in three), else
   non-mated. Of a mated person's photographs in the order of their draws, the first half, at most 3, are gallery; of
   the rest, and of a non-mated person's, the first 5 are probes.
2. A person with one photograph is in the gallery when the draw's first byte is below 128, else a non-mated probe.
3. The column `fold` is the draw's second byte modulo 3: what was fitted on people of some folds is tested on the
   others'.
"""

import csv
import hashlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

MATED_BELOW = 171
ALONE_IN_GALLERY_BELOW = 128
MAX_REFERENCES = 3
MAX_PROBES = 5
FOLDS = 3


class Row(NamedTuple):
    """One line of the protocol."""

    image: str
    subject: str
    role: str
    fold: int


def protocol_rows(folder: Path, rotation: int = 1) -> Iterator[Row]:
    """Derive the protocol, people in the order of their names.

    Args:
        folder: A folder a person, `.jpg` files in it.
    """
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = photographs_of(person, rotation)
        first, fold = _draw(rotation, person.name)[0], fold_of(person.name)
        references, probes = _split(images, first)
        yield from (Row(image, person.name, "gallery", fold) for image in references)
        yield from (Row(image, person.name, "probe", fold) for image in probes)


def photographs_of(person: Path, rotation: int = 1) -> list[str]:
    """Return a person's photographs, `NAME/FILE`, in the order of their draws."""
    return sorted((f"{person.name}/{path.name}" for path in person.glob("*.jpg")), key=partial(_draw, rotation))


def _split(images: list[str], draw: int) -> tuple[list[str], list[str]]:
    """Return a person's references and probes."""
    if len(images) == 1:
        return (images, []) if draw < ALONE_IN_GALLERY_BELOW else ([], images)
    enrolled = min(MAX_REFERENCES, len(images) // 2) if draw < MATED_BELOW else 0
    return images[:enrolled], images[enrolled : enrolled + MAX_PROBES]


def fold_of(person: str) -> int:
    """Return a person's fold, which is the same in all rotations."""
    return _draw(1, person)[1] % FOLDS


def _draw(rotation: int, name: str) -> bytes:
    """Return what was drawn for a person or a photograph."""
    return hashlib.sha256(f"countenance lfw-dev {rotation}\0{name}".encode()).digest()


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(protocol_rows(Path(sys.argv[1])))
