"""What a process that holds keys may not do."""

import ctypes
import resource

PR_SET_DUMPABLE = 4
"""Source: prctl(2)."""


def forbid_core_dumps() -> None:
    """See to it that a crash writes no memory to disk, and that other processes of the account can't read it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
