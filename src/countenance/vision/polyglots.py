"""Pictures that are something else as well: an archive, a document, a page, a script or a program.

Such files are made to pass as a picture in one place and to run or unpack in another. Ordinary trailers of cameras and
phones (a second JPEG, an MP4 of a motion photo, maker data) are none of these and pass.
"""

import re

_ANYWHERE: tuple[tuple[bytes, str], ...] = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
)
"""Unpackers look for these behind anything (self-extracting archives); 6 bytes do not occur by chance."""

_MARKUP = re.compile(
    rb"<(?i:\?php\s|\?=\s*[$`(]?(?:eval|system|exec|shell_exec|passthru|_get|_post|_request)|script[\s>]|html[\s>]"
    rb"|!doctype\s+html|iframe\s|svg\s)"
)
"""A PHP interpreter runs what it finds anywhere in a file; browsers that guess a type guess from such tags."""

_PDF = re.compile(rb"%PDF-[12]\.\d")
"""ISO 32000-1, 7.5.2, and readers' practice: the header may stand behind other bytes."""

_TRAILERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x7fELF", "a Linux program"),
    (b"MZ", "a Windows program"),
    (b"#!/", "a script"),
)
_FRONTS = (b"#!", b"<", b"%PDF-", b"%!PS", b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"MZ", b"\x7fELF")
"""Formats that may stand in front; an icon, say, ends as a picture by its nature."""

_PADDING = b"\x00 \r\n\t"

_ZIP_END = b"PK\x05\x06"
_ZIP_END_LENGTH = 22
_LONGEST_ZIP_COMMENT = 0xFFFF
_TAR_MAGIC_AT = 257


def other_nature(data: bytes, *, end: int, comment_opener_at: int | None) -> str | None:
    """Say what else the bytes are.

    Args:
        data: The whole file, a picture by its first bytes.
        end: Where the picture ends.
        comment_opener_at: Where the two bytes stand that would open a comment, if the file were read as JavaScript.

    Returns:
        The other format as people call it; None for an ordinary picture.
    """
    for magic, name in _ANYWHERE:
        if magic in data:
            return name
    if _PDF.search(data):
        return "a PDF document"
    if _MARKUP.search(data):
        return "a page or script"
    if _is_zip(data):
        return "a ZIP archive"
    if comment_opener_at is not None and data[comment_opener_at : comment_opener_at + 2] == b"/*" and b"*/" in data:
        return "a JavaScript program"
    return _trailer(data[end:].lstrip(_PADDING))


def picture_behind(data: bytes) -> bool:
    """Return whether bytes that don't start as a picture end as one: something was put in front of it."""
    if not data.startswith(_FRONTS):
        return False
    jpeg, png = data.find(b"\xff\xd8\xff"), data.find(b"\x89PNG\r\n\x1a\n")
    return (jpeg > 0 and data.endswith(b"\xff\xd9")) or (png > 0 and data.endswith(b"IEND\xaeB`\x82"))


def _trailer(trailer: bytes) -> str | None:
    """Name what begins right behind the picture."""
    if trailer[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return "a tar archive"
    return next((name for magic, name in _TRAILERS if trailer.startswith(magic)), None)


def _is_zip(data: bytes) -> bool:
    """Return whether unpackers would find a ZIP directory at the end (APPNOTE 6.3.10, 4.3.16)."""
    position = data.rfind(_ZIP_END, max(0, len(data) - _ZIP_END_LENGTH - _LONGEST_ZIP_COMMENT))
    while position >= 0:
        size = int.from_bytes(data[position + 12 : position + 16], "little")
        if data.startswith(b"PK\x01\x02", max(position - size, 0)) or data.startswith(b"PK\x06\x07", position - 20):
            return True
        position = data.rfind(_ZIP_END, max(0, len(data) - _ZIP_END_LENGTH - _LONGEST_ZIP_COMMENT), position)
    return False
