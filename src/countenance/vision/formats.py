"""Which picture formats are read, how their bytes are told apart, and which file names belong to them."""

from dataclasses import dataclass
from pathlib import PurePath

from countenance.vision.refusals import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """One format that is read.

    Attributes:
        name: As people call it.
        media_type: As RFC 6838 registers it.
        suffixes: Lower-case file extensions of the family, with the dot.
    """

    name: str
    media_type: str
    suffixes: frozenset[str]


JPEG = PictureFormat(
    name="JPEG", media_type="image/jpeg", suffixes=frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"})
)
PNG = PictureFormat(name="PNG", media_type="image/png", suffixes=frozenset({".png", ".apng"}))
WEBP = PictureFormat(name="WebP", media_type="image/webp", suffixes=frozenset({".webp"}))
HEIF = PictureFormat(name="HEIC", media_type="image/heic", suffixes=frozenset({".heic", ".heif", ".hif"}))
AVIF = PictureFormat(name="AVIF", media_type="image/avif", suffixes=frozenset({".avif"}))
TIFF = PictureFormat(name="TIFF", media_type="image/tiff", suffixes=frozenset({".tif", ".tiff"}))
BMP = PictureFormat(name="BMP", media_type="image/bmp", suffixes=frozenset({".bmp", ".dib"}))

FORMATS = (JPEG, PNG, WEBP, HEIF, AVIF, TIFF, BMP)

_OTHER_SUFFIXES = frozenset(
    {
        ".gif", ".ico", ".cur", ".svg", ".jp2", ".j2k", ".jxl", ".psd", ".eps", ".ps", ".pdf", ".tga", ".ppm",
        ".pgm", ".pbm", ".mp4", ".mov", ".webm", ".zip", ".rar", ".7z", ".gz", ".tar", ".html", ".htm", ".php",
        ".js", ".exe", ".dll", ".sh", ".bat", ".jar", ".docx", ".txt",
    }
)  # fmt: skip
"""Extensions that say a format that is not read; any extension in neither list says nothing."""

_KNOWN_SUFFIXES = _OTHER_SUFFIXES.union(*(each.suffixes for each in FORMATS))

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_LONGEST_FTYP = 256
"""Bytes of an ISO file-type box that are looked at: room for 60 brands, where files have under 10."""

_LONGEST_HEAD = 64
"""Bytes in which the beginning of another format is looked for, behind white space."""

_OTHER_NAMES: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "GIF"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"\x00\x00\x02\x00", "a cursor (CUR)"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"II+\x00", "BigTIFF"),
    (b"MM\x00+", "BigTIFF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"#!", "a script"),
    (b"<?xml", "XML or SVG"),
    (b"<svg", "SVG"),
    (b"<", "markup"),
)


def recognise(data: bytes) -> PictureFormat:
    """Tell the format from the content alone.

    Args:
        data: The whole file; only its first bytes are looked at.

    Raises:
        InvalidInputError: code `image-unsupported-format`; nothing was decoded.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return TIFF
    if data.startswith(b"BM"):
        return BMP
    if data[4:8] == b"ftyp" and (iso := _iso_format(data)):
        return iso
    head = data[:_LONGEST_HEAD].lstrip()
    name = next((name for magic, name in _OTHER_NAMES if head.startswith(magic)), "")
    found = f"the content is {name}" if name else "the content is no picture format that is known"
    raise refusal("image-unsupported-format", f"{found}; {', '.join(each.name for each in FORMATS)} are read")


def check_extension(found: PictureFormat, filename: str | None) -> None:
    """Refuse a file name that says another format than the content; no name or an unknown extension says nothing.

    Raises:
        InvalidInputError: code `image-wrong-extension`; nothing was decoded.
    """
    suffix = PurePath(filename or "").suffix.lower()
    if suffix in _KNOWN_SUFFIXES and suffix not in found.suffixes:
        raise refusal("image-wrong-extension", f"the content is {found.name}, but the file is named {suffix}")


def _iso_format(data: bytes) -> PictureFormat | None:
    """Tell HEIC and AVIF apart by the brands of the file-type box (ISO/IEC 14496-12, 4.3); None for neither."""
    length = min(int.from_bytes(data[:4], "big"), len(data), _LONGEST_FTYP)
    brands = [data[8:12], *(data[start : start + 4] for start in range(16, length - 3, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return AVIF
        if brand in _HEIF_BRANDS:
            return HEIF
    return None
