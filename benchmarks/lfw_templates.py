"""Templates of the pictures of lfw-dev, made once a model pack and kept in the cache folder."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.vision import image_limits, load_analyser
from countenance.core.arrays import Pixels, Templates
from countenance.vision.decode import decode_image
from countenance.vision.model import Face
from countenance.vision.pack import ModelPack, builtin_packs
from countenance.vision.quality import SEARCH_GATE

DOUBLE_IDENTITY = 0.57
"""Score, with the default pack, from which two names' pictures may well show one person. Of lfw-dev's 7.3 million pairs
of two names, those of five pairs of names lie above it, up to 0.86; two more lie between 0.55 and it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LfwTemplates:
    """One row a picture in which a face was found, by name of person and file.

    Attributes:
        names: `Person/Person_0001.jpg`, shape (n,).
        subjects: int64, shape (n,), from 0.
        templates: float32, shape (n, d), as the pack makes them.
        single: float32, shape (n, d), from the crop alone, without its mirror image.
    """

    names: NDArray[np.str_]
    subjects: NDArray[np.int64]
    templates: Templates
    single: Templates


def test_data() -> Path:
    """Return the folder lfw-dev, or end with what to set."""
    folder = Path(os.environ.get("COUNTENANCE_TEST_DATA", "")) / "lfw-dev"
    if not (folder / "pairs.txt").is_file():
        raise SystemExit("set COUNTENANCE_TEST_DATA to a folder that holds lfw-dev")
    return folder


def lfw_templates(pack: ModelPack) -> LfwTemplates:
    """Embed the face nearest the middle of each picture, or read what was embedded before."""
    settings = load_settings()
    kept = Path(settings.cache) / "benchmarks" / f"lfw-dev-{pack.digest[:16]}.npz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _embed(pack, kept)
    with np.load(kept) as arrays:
        names, templates, single = arrays["names"], arrays["templates"], arrays["single"]
    persons = [name.split("/")[0] for name in names]
    subjects = np.unique(persons, return_inverse=True)[1].astype(np.int64)
    return LfwTemplates(names=names, subjects=subjects, templates=templates, single=single)


def double_names() -> frozenset[tuple[str, str]]:
    """Return the pairs of names that may well be one person; who they are does not depend on the pack in use.

    With another pack many pairs of two people score as high as these do with the default one.
    """
    data = lfw_templates(builtin_packs()[0])
    people = np.array([name.split("/")[0] for name in data.names])
    first, second = np.nonzero(np.triu(data.templates @ data.templates.T >= DOUBLE_IDENTITY, 1))
    pairs = zip(people[first].tolist(), people[second].tolist(), strict=True)
    return frozenset(pair for one, other in pairs if one != other for pair in ((one, other), (other, one)))


def _embed(pack: ModelPack, kept: Path) -> None:
    settings = load_settings()
    whole = load_analyser(settings, threads=1, pack=pack)
    plain = replace(pack, manifest=pack.manifest.model_copy(update={"mirror": False}))
    single = load_analyser(settings, threads=1, pack=plain)
    names, rows, single_rows = [], [], []
    files = sorted(test_data().glob("*/*.jpg"))
    for done, file in enumerate(files):
        if done % 500 == 0:
            print(f"embedding with {pack.name}: {done} of {len(files)}", flush=True)
        image = decode_image(file.read_bytes(), limits=image_limits(settings), filename=file.name)
        faces = whole.find(image.pixels, SEARCH_GATE)
        if faces:
            middle = min(faces, key=lambda face: off_centre(face, image.pixels))
            names.append(f"{file.parent.name}/{file.name}")
            rows.append(whole.encode(image.pixels, [middle])[0])
            single_rows.append(single.encode(image.pixels, [middle])[0])
    np.savez(kept, names=np.array(names), templates=np.stack(rows), single=np.stack(single_rows))


def off_centre(face: Face, pixels: Pixels) -> float:
    """Return how far a face is from the picture's middle, squared pixels."""
    height, width = pixels.shape[:2]
    x, y = (face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2
    return float((x - width / 2) ** 2 + (y - height / 2) ** 2)
