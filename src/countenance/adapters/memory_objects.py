"""An object store in memory: for tests and for trying things out. It passes the port's contract."""

from countenance.core.errors import NotFoundError


class MemoryObjects:
    """Implements `Objects` in a dict."""

    def __init__(self) -> None:
        """Start empty."""
        self._held: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        """See the port."""
        self._held[key] = bytes(data)

    def get(self, key: str) -> bytes:
        """See the port."""
        try:
            return self._held[key]
        except KeyError:
            raise NotFoundError("that picture is not in the object store", code="object-unknown") from None

    def delete(self, key: str) -> None:
        """See the port."""
        self._held.pop(key, None)

    def delete_all(self, prefix: str) -> None:
        """See the port."""
        self._held = {key: data for key, data in self._held.items() if not key.startswith(prefix)}
