"""What people write about organisations and people: bounded, and without signs that drive a terminal."""

from countenance.core.errors import InvalidInputError

LONGEST = 500
"""Characters of a reason, a name or a contact."""


def checked_words(text: str, what: str) -> str:
    """Return a text without the spaces around it.

    Args:
        what: What it is, for the message.

    Raises:
        InvalidInputError: code `words-invalid`, it is empty, too long, or holds control characters.
    """
    words = text.strip()
    if not words or len(words) > LONGEST or not words.isprintable():
        raise InvalidInputError(
            f"{what} must have 1 to {LONGEST} printable characters", code="words-invalid", hint=f"give {what}"
        )
    return words
