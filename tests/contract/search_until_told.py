"""Searches a gallery until a line comes in, and says how many answers there were and which people one lacked: HOME."""

import json
import sys
from pathlib import Path
from threading import Event, Thread

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import ConflictError
from tests.made_up_galleries import people

STAYS, COUNT = "stays", 20


def nearest(gallery: OpenGallery) -> list[str | None]:
    """Return who comes first for each person of the source that stays."""
    index, _ = gallery.indexed.refresh()
    found = index.search(people(STAYS, COUNT), blocks=gallery.records.active_sources(), limit=10)
    # Of a source that is withdrawn meanwhile nobody is on record any more.
    faces = gallery.records.faces([near.row for answer in found for near in answer.neighbours])
    return [next((faces[near.row].label for near in one.neighbours if near.row in faces), None) for one in found]


def main() -> None:
    told, answers, lacking = Event(), 0, set()
    Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    with open_gallery(Settings(home=Path(sys.argv[1]))) as gallery:
        wanted = [f"{STAYS} person {number}" for number in range(COUNT)]
        while not told.is_set():
            try:
                near = nearest(gallery)
            except ConflictError:  # a source was withdrawn under the search: it is to be made again
                continue
            lacking |= {name for name, first in zip(wanted, near, strict=True) if first != name}
            answers += 1
            if answers == 1:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
    json.dump({"answers": answers, "lacking": sorted(lacking)}, sys.stdout)


if __name__ == "__main__":
    main()
