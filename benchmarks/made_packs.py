"""Model packs that are made for measuring and for tests: the default pack's detector with another recogniser."""

import hashlib
from pathlib import Path

from countenance.vision.pack import builtin_packs

MANIFEST = """\
name = "{name}"
dimension = {dimension}
metric = "cosine"
mirror = true
threshold = {threshold}

[detector]
kind = "yunet"
file = "{detector.file}"
distribution = "{detector.distribution}"
sha256 = "{detector.sha256}"
licence = "{detector.licence}"
provenance = "{detector.provenance}"
colour = "{detector.colour}"
mean = {detector.mean}
scale = {detector.scale}

[recogniser]
file = "{file}"
sha256 = "{sha256}"
licence = "{licence}"
provenance = "{provenance}"
colour = "RGB"
mean = [127.5, 127.5, 127.5]
scale = 0.0078125
size = 112
alignment = "arcface-112"
"""


def write_manifest(
    folder: Path, *, file: str, name: str, dimension: int, threshold: float, licence: str, provenance: str
) -> None:
    """Write the manifest of a recogniser in ArcFace's style that lies in the folder already, as `file`."""
    [default] = builtin_packs()
    text = MANIFEST.format(
        name=name,
        dimension=dimension,
        threshold=threshold,
        detector=default.manifest.detector,
        file=file,
        sha256=hashlib.sha256((folder / file).read_bytes()).hexdigest(),
        licence=licence,
        provenance=provenance,
    )
    (folder / "manifest.toml").write_text(text, encoding="utf-8")
