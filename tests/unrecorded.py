"""A record that keeps nothing, for tests of something else."""


def unrecorded(**_: object) -> None:
    """Implement `keys.ports.Record`."""
