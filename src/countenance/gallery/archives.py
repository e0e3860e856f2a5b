"""Photographs out of zip and tar archives that a source hands over, a member at a time, none of it written to disk.

A member that can't be taken is reported and the others go on; an archive that is damaged or made to exhaust whoever
opens it ends the import. What was enrolled until then stays, and the same command goes on from there.
"""

import bz2
import gzip
import json
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.manifest import provenance_of_json
from countenance.gallery.plan import PlannedPhotograph, Subjects, checked_label, checked_reference

MAX_MEMBERS = 10_000_000
MOST_TIMES_LARGER = 20
"""How many times larger than the archive all that is read of it may be: photographs hardly compress."""

SLACK = 64 * 1024 * 1024
"""Bytes that any archive may give."""

HINT = "leave it out of the archive, or hand the photographs over in a folder"

Taken = Iterator[PlannedPhotograph | NotEnrolled]


class Member(NamedTuple):
    """One member of an archive, before it is read."""

    name: str
    size: int
    kind: str
    read: Callable[[], bytes]


def archive_photographs(path: Path, subjects: Subjects, *, max_bytes: int) -> Taken:
    """Read the photographs of an archive one by one.

    Args:
        subjects: `folders`: the first folder is the subject; `none`: nobody is named; `samples`: WebDataset shards,
            whose `.json` or `.txt` beside a photograph says whose it is.
        max_bytes: Largest photograph.

    Raises:
        NotFoundError: code `import-not-found`.
        InvalidInputError: codes `archive-damaged`, `archive-encrypted`, `archive-bomb`, `archive-members-too-many`,
            `archive-unknown`. What was enrolled before stays.
    """
    with _translated(path):
        members = _members(path, max_bytes)
        if subjects is Subjects.SAMPLES:
            yield from _samples(members, max_bytes)
            return
        seen: set[str] = set()
        for member in members:
            refused = _refusal(member, seen, max_bytes)
            if refused is not None:
                yield refused
            elif member.kind == "file":
                yield planned_bytes(member.name, member.read(), subjects)


def planned_bytes(name: str, data: bytes, subjects: Subjects) -> PlannedPhotograph | NotEnrolled:
    """Plan one photograph that is in memory; its name says whose it is."""
    try:
        reference = checked_reference(PurePosixPath(name).as_posix())
        label = None
        if subjects is Subjects.FOLDERS:
            parts = PurePosixPath(reference).parts
            if len(parts) < 2:
                return NotEnrolled(
                    reference=_shown(name),
                    code="subject-missing",
                    message="it lies in no subject's folder",
                    hint="make a folder a person, or use `--subjects none`",
                )
            label = checked_label(parts[0])
    except CountenanceError as error:
        return NotEnrolled(reference=_shown(name), code=error.code, message=str(error), hint=error.hint)
    return PlannedPhotograph(path=Path(reference), reference=reference, label=label, data=data)


def refused_name(name: str) -> NotEnrolled | None:
    """Refuse a name that leads out of the archive or bucket, or means different things to different programs."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
        return NotEnrolled(
            reference=_shown(name), code="member-outside", message="its name is no path below the archive", hint=HINT
        )
    return None


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Say of whatever goes wrong in an archive what it is."""
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"there is no {path}", code="import-not-found", hint="name an archive") from None
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise InvalidInputError(
            f"{path.name} is damaged, cut off or not readable: {_shown(str(error))}",
            code="archive-damaged",
            hint="ask for it again; what was enrolled stays, and the same command goes on from there",
        ) from None


def _members(path: Path, max_bytes: int) -> Iterator[Member]:
    """List an archive's members, whatever its kind, within bounds."""
    with path.open("rb") as file:
        head = file.read(8)
        budget = Budget.of(path)
        listed = _zip_members(file, budget, max_bytes) if head[:2] == b"PK" else _tar_members(file, head, budget)
        for count, member in enumerate(listed, start=1):
            require_few(path, count)
            yield member


def require_few(path: Path, count: int) -> None:
    """Refuse an archive of so many members that a report on them would fill the memory.

    Raises:
        InvalidInputError: code `archive-members-too-many`.
    """
    if count > MAX_MEMBERS:
        raise InvalidInputError(
            f"{path.name} has more than {MAX_MEMBERS:,} members",
            code="archive-members-too-many",
            hint="hand it over in parts",
        )


class Budget:
    """How much may be read of an archive."""

    def __init__(self, left: int) -> None:
        """Allow so many bytes."""
        self._left = left

    @classmethod
    def of(cls, path: Path) -> "Budget":
        """Return what may be read of a file."""
        return cls(path.stat().st_size * MOST_TIMES_LARGER + SLACK)

    def take(self, size: int) -> None:
        """Count bytes.

        Raises:
            InvalidInputError: code `archive-bomb`.
        """
        self._left -= size
        if self._left < 0:
            raise InvalidInputError(
                f"the archive unpacks to more than {MOST_TIMES_LARGER} times its size",
                code="archive-bomb",
                hint="photographs hardly compress: this was made to fill memory or disk",
            )


class _Counted:
    """A stream that counts what is read of it, and never reads much at once."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        """Read; what was asked for is counted first, so that nothing huge is ever in memory."""
        if size < 0:
            raise ValueError("a member without an end")
        self._budget.take(size)
        return self._stream.read(size)


def _zip_members(file: IO[bytes], budget: Budget, max_bytes: int) -> Iterator[Member]:
    """List a zip's members."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise InvalidInputError(
                    f"{_shown(info.filename)} is encrypted",
                    code="archive-encrypted",
                    hint="hand the archive over without a password",
                )
            mode = info.external_attr >> 16
            kind = "folder" if info.is_dir() else "link" if stat.S_ISLNK(mode) else "file"
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}:
                kind = "special"

            def read(info: zipfile.ZipInfo = info) -> bytes:
                budget.take(info.file_size)
                with archive.open(info) as member:
                    return member.read(max_bytes + 1)

            yield Member(info.orig_filename, info.file_size, kind, read)


def _tar_members(file: IO[bytes], head: bytes, budget: Budget) -> Iterator[Member]:
    """List a tar's members, which come one after the other."""
    file.seek(0)
    stream: Any = file
    if head.startswith(b"\x1f\x8b"):
        stream = gzip.GzipFile(fileobj=file)
    elif head.startswith(b"BZh"):
        stream = bz2.BZ2File(file)
    elif head.startswith(b"\xfd7zXZ"):
        stream = lzma.LZMAFile(file)  # noqa: SIM115 - it ends with its file
    with tarfile.open(fileobj=_Counted(stream, budget), mode="r|", bufsize=512 * 20) as archive:  # type: ignore[call-overload]
        for info in archive:
            kind = "folder" if info.isdir() else "link" if info.issym() or info.islnk() else "file"
            if not (info.isdir() or info.issym() or info.islnk() or info.isreg()) or info.issparse():
                kind = "special"

            def read(info: tarfile.TarInfo = info) -> bytes:
                member = archive.extractfile(info)
                return b"" if member is None else member.read()

            yield Member(info.name, info.size, kind, read)
            archive.members.clear()  # it would keep every header


def _refusal(member: Member, seen: set[str], max_bytes: int) -> NotEnrolled | None:  # noqa: PLR0911 - one a reason
    """Say what is wrong with a member before it is read."""
    name = _shown(member.name)
    refused = refused_name(member.name)
    if refused is not None:
        return refused
    if member.kind == "link":
        return NotEnrolled(reference=name, code="member-link", message="it is a link, not a file", hint=HINT)
    if member.kind == "special":
        return NotEnrolled(reference=name, code="member-special", message="it is no ordinary file", hint=HINT)
    if member.kind == "folder":
        return None
    if member.size > max_bytes:
        return NotEnrolled(
            reference=name, code="member-too-large", message=f"it is larger than {max_bytes:,} bytes", hint=HINT
        )
    if member.name in seen:
        return NotEnrolled(
            reference=name, code="member-twice", message="a member of this name came before", hint="keep one of them"
        )
    seen.add(member.name)
    return None


def _samples(members: Iterator[Member], max_bytes: int) -> Taken:
    """Read a WebDataset shard: members of one key follow each other, and belong together."""
    key, parts, seen = "", dict[str, bytes](), set[str]()
    for member in members:
        refused = _refusal(member, seen, max_bytes)
        if refused is not None:
            yield refused
            continue
        if member.kind != "file":
            continue
        folder, _, file = member.name.rpartition("/")
        stem, _, ending = file.partition(".")
        if f"{folder}/{stem}" != key:
            yield from _sample(parts)
            key, parts = f"{folder}/{stem}", {}
        parts[f"{member.name}\0{ending.lower()}"] = member.read()
    yield from _sample(parts)


def _sample(parts: dict[str, Any]) -> Taken:
    """Plan the photographs of one sample with what its `.json` or `.txt` says."""
    label, provenance = None, None
    pictures: list[tuple[str, bytes]] = []
    for name, data in parts.items():
        member, _, ending = name.partition("\0")
        if ending not in {"json", "txt", "cls"}:
            pictures.append((member, data))
            continue
        try:
            if ending == "json":
                facts = json.loads(data)
                label = checked_label(facts["subject"]) if facts.get("subject") else label
                provenance = provenance_of_json(facts)
            else:
                label = checked_label(data.decode().strip())
        except (ValueError, TypeError, AttributeError, RecursionError, CountenanceError):
            yield from (_bad_sample(picture) for picture, _ in pictures or [(member, b"")])
            return
    for member, data in pictures:
        planned = planned_bytes(member, data, Subjects.NONE)
        if isinstance(planned, PlannedPhotograph):
            planned = PlannedPhotograph(
                path=planned.path, reference=planned.reference, label=label, provenance=provenance, data=data
            )
        yield planned


def _bad_sample(name: str) -> NotEnrolled:
    return NotEnrolled(
        reference=_shown(name),
        code="sample-malformed",
        message="what the shard says of it can't be read",
        hint="JSON with subject, original, licence and captured as text; or the subject's name as .txt",
    )


def _shown(name: str) -> str:
    """Return a name that can stand in a report: printable, of ordinary length."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in name)[:200]
