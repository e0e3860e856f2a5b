"""The fixed open-set protocol on lfw-dev: derived from the folder by a rule, so that no list of people is committed.

Run: `python benchmarks/protocols/lfw_dev.py FOLDER > protocol.csv`, then
`countenance evaluate identification --images FOLDER --protocol protocol.csv`.

The rule. A person's, or a photograph's, *draw* is the SHA-256 of `countenance lfw-dev 1`, a zero byte and its name (a
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
from pathlib import Path
from typing import NamedTuple

SEED = b"countenance lfw-dev 1\0"
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


def protocol_rows(folder: Path) -> Iterator[Row]:
    """Derive the protocol, people in the order of their names.

    Args:
        folder: A folder a person, `.jpg` files in it.
    """
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = sorted((f"{person.name}/{path.name}" for path in person.glob("*.jpg")), key=_draw)
        first, second = _draw(person.name)[:2]
        references, probes = _split(images, first)
        yield from (Row(image, person.name, "gallery", second % FOLDS) for image in references)
        yield from (Row(image, person.name, "probe", second % FOLDS) for image in probes)


def _split(images: list[str], draw: int) -> tuple[list[str], list[str]]:
    """Return a person's references and probes."""
    if len(images) == 1:
        return (images, []) if draw < ALONE_IN_GALLERY_BELOW else ([], images)
    enrolled = min(MAX_REFERENCES, len(images) // 2) if draw < MATED_BELOW else 0
    return images[:enrolled], images[enrolled : enrolled + MAX_PROBES]


def _draw(name: str) -> bytes:
    """Return what was drawn for a person or a photograph."""
    return hashlib.sha256(SEED + name.encode()).digest()


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(protocol_rows(Path(sys.argv[1])))
