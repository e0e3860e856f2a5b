"""Makes the photographs that enrolment is measured on: 640 x 480 JPEG files with one face each, a folder a person."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from examples.sample_portraits import PORTRAITS, sample_portraits

WIDTH, HEIGHT = 640, 480
QUALITY = 90


def make_photographs(folder: Path, *, count: int, seed: int) -> str:
    """Write `count` photographs below a folder and return how they were made.

    A picture is scaled to a height between 240 and 480 pixels, darkened or lightened by up to 15 %, put at a random
    place on a blurred, stretched copy of itself, and saved as JPEG, so that no two files hold the same picture.

    Args:
        count: Number of files. With `lfw-dev` (COUNTENANCE_TEST_DATA), a picture a person as long as there are people.
    """
    rng = np.random.default_rng(seed)
    pictures = list(_pictures())
    for number in range(count):
        subject, path = pictures[number % len(pictures)]
        place = folder / subject / f"{number:05}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as opened:
            Image.fromarray(_composed(np.asarray(opened.convert("RGB")), rng)).save(place, quality=QUALITY)
    origin = "one LFW picture a person" if _lfw() else "the sample portraits"
    return f"{origin}, each on a blurred copy of itself, {WIDTH} x {HEIGHT}, JPEG quality {QUALITY}"


def _composed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put a picture somewhere on a blurred copy of itself."""
    height = int(rng.integers(240, HEIGHT + 1))
    width = min(WIDTH, round(picture.shape[1] * height / picture.shape[0]))
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    canvas = cv2.GaussianBlur(cv2.resize(picture, (WIDTH, HEIGHT)), (0, 0), 24)
    left, top = int(rng.integers(0, WIDTH - width + 1)), int(rng.integers(0, HEIGHT - height + 1))
    canvas[top : top + height, left : left + width] = small
    return np.clip(canvas * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8)


def _lfw() -> Path | None:
    """Return the folder `lfw-dev`, where there is one."""
    folder = Path(os.environ.get("COUNTENANCE_TEST_DATA", "")) / "lfw-dev"
    return folder if folder.is_dir() else None


def _pictures() -> Iterator[tuple[str, Path]]:
    """Return subject and file, a picture a person where there are many people."""
    folder = _lfw()
    if folder is None:
        yield from ((PORTRAITS[name], path) for name, path in sample_portraits().items())
        return
    for person in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        yield person.name, min(person.glob("*.jpg"))
