"""Searches a gallery until a line comes in, and says how many answers there were and which people one lacked: HOME."""

import json
import sys
from pathlib import Path
from threading import Event, Thread

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import ConflictError
from tests.made_up_galleries import found, people

STAYS, COUNT = "stays", 20


def main() -> None:
    told, answers, lacking = Event(), 0, set()
    Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    with open_gallery(Settings(home=Path(sys.argv[1]))) as gallery:
        wanted = [f"{STAYS} person {number}" for number in range(COUNT)]
        while not told.is_set():
            try:
                near = found(gallery, people(STAYS, COUNT))
            except ConflictError:  # a source was withdrawn under the search: it is to be made again
                continue
            lacking |= {name for name, answer in zip(wanted, near, strict=True) if answer[0][1] != name}
            answers += 1
            if answers == 1:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
    json.dump({"answers": answers, "lacking": sorted(lacking)}, sys.stdout)


if __name__ == "__main__":
    main()
