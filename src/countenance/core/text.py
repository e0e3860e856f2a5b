"""Text from outside: what Python took as a string may be bytes that are no UTF-8."""


def is_text(value: str) -> bool:
    """Return whether UTF-8 can write a string; bytes that it could not read were kept by Python as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
