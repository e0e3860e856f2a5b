"""Photographs of lfw-dev as probes, as they are and made poor, with what a rule that joins them may weight them by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.lfw_templates import off_centre, test_data
from benchmarks.protocols.lfw_dev import photographs_of
from countenance.bootstrap.settings import Settings, load_settings
from countenance.bootstrap.vision import image_limits, load_analyser, make_runtime
from countenance.core.arrays import Pixels, Templates
from countenance.vision.align import align
from countenance.vision.decode import decode_image
from countenance.vision.encode import encode_jpeg
from countenance.vision.feed import fill
from countenance.vision.fold import folded_file
from countenance.vision.pack import ModelPack
from countenance.vision.ports import Network
from countenance.vision.quality import SEARCH_GATE

MOST = 8
"""Photographs of one person that are used, the first by their draws."""

SHRUNK, JPEG_QUALITY = 4, 40
"""What makes a photograph poor: a fourth of its width and height, as a JPEG of that quality, and enlarged again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photographs:
    """People's photographs in which a face was found; a person's side by side.

    Attributes:
        names: `Person/Person_0001.jpg`, shape (n,).
        templates: float32, shape (n, d), unit L2 rows: crop and mirrored crop, as the pack makes them.
        norms: float64, shape (n,), the length of the sum of both embeddings, before it was brought to unit norm.
        agreements: float64, shape (n,), cosine of the crop's embedding and its mirror image's.
    """

    names: NDArray[np.str_]
    templates: Templates
    norms: NDArray[np.float64]
    agreements: NDArray[np.float64]

    def rows(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Return where photographs stand."""
        place = {str(name): at for at, name in enumerate(self.names)}
        return np.array([place[name] for name in names])


def photographs(pack: ModelPack, *, poor: bool) -> Photographs:
    """Embed the photographs of everybody with two or more, or read what was embedded before."""
    kind = "poor" if poor else "natural"
    kept = Path(load_settings().cache) / "benchmarks" / f"lfw-dev-{kind}-{pack.digest[:16]}.npz"
    if not kept.is_file():
        names, embeddings = zip(*_embedded(pack, poor=poor), strict=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, names=np.array(names), embeddings=np.stack(embeddings))
    with np.load(kept) as arrays:
        names, embeddings = arrays["names"], arrays["embeddings"].astype(np.float64)
    summed = embeddings.sum(axis=1)
    norms = np.linalg.norm(summed, axis=1)
    units = embeddings / np.linalg.norm(embeddings, axis=2, keepdims=True)
    return Photographs(
        names=names,
        templates=(summed / norms[:, None]).astype(np.float32),
        norms=norms,
        agreements=np.einsum("ij,ij->i", units[:, 0], units[:, 1]),
    )


def _embedded(pack: ModelPack, *, poor: bool) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield each photograph's name and the embeddings of its face and that face's mirror image, shape (2, d)."""
    settings = load_settings()
    analyser, recogniser = load_analyser(settings, threads=1, pack=pack), _recogniser(settings, pack)
    spec = pack.manifest.recogniser
    folders = [folder for folder in sorted(test_data().iterdir()) if len(list(folder.glob("*.jpg"))) > 1]
    for done, folder in enumerate(folders):
        if done % 50 == 0:
            print(f"embedding {'poor' if poor else 'natural'} photographs: person {done} of {len(folders)}", flush=True)
        for name in photographs_of(folder)[:MOST]:
            pixels = _pixels((test_data() / name).read_bytes(), settings, poor=poor)
            faces = analyser.find(pixels, SEARCH_GATE)
            if faces:
                face = min(faces, key=lambda one: off_centre(one, pixels))
                crop = align(pixels, face.landmarks, size=spec.size)
                batch = np.empty((2, 3, spec.size, spec.size), np.float32)
                fill(batch[0], crop, spec)
                fill(batch[1], crop[:, ::-1], spec)
                [embeddings] = recogniser.run(batch).values()
                yield name, embeddings


def _pixels(file: bytes, settings: Settings, *, poor: bool) -> Pixels:
    """Decode a photograph, and make it poor."""
    pixels = decode_image(file, limits=image_limits(settings), filename="").pixels
    if not poor:
        return pixels
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // SHRUNK, height // SHRUNK), interpolation=cv2.INTER_AREA)
    coarse = encode_jpeg(np.asarray(small, np.uint8), quality=JPEG_QUALITY)
    again = decode_image(coarse, limits=image_limits(settings), filename="").pixels
    return np.asarray(cv2.resize(again, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _recogniser(settings: Settings, pack: ModelPack) -> Network:
    """Load the network alone: an analyser gives templates, whose lengths are all 1."""
    spec = pack.manifest.recogniser
    path = folded_file(pack.path(spec), sha256=spec.sha256, cache=Path(settings.cache) / "networks", any_size=False)
    return make_runtime(settings).load(path, threads=1)
