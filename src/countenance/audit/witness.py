"""What a witness does: sees that a log only grows, and signs for it with a key of its own, elsewhere.

Source:
    C2SP tlog-cosignature and tlog-witness. Countenance exchanges files instead of HTTP: a log of who searched for whom
    should not have to be reachable from outside.
"""

from collections.abc import Sequence

from countenance.audit.model import Checkpoint
from countenance.audit.note import SignedNote, Signer, Verifier
from countenance.audit.proving import Consistency
from countenance.audit.verification import require_signed
from countenance.core.errors import ConflictError


def cosign(
    note: str,
    *,
    witness: Signer,
    verifiers: Sequence[Verifier],
    seen: Checkpoint | None,
    proof: Consistency | None,
    at: int,
) -> SignedNote:
    """Sign a checkpoint as a witness.

    1. The log's own key signed it.
    2. It is not older than what was seen before, and not another one of the same size.
    3. Where it is newer, a proof leads from the one to the other.

    Args:
        seen: What this witness signed for last; None the first time.
        proof: From what was seen to this one; None where they are the same, or the first time.
        at: s since 1970.

    Raises:
        IntegrityError: code `checkpoint-invalid`.
        ConflictError: codes `checkpoint-forked`, `witness-proof-missing`. Nothing was signed in any of these cases.
    """
    parsed, checkpoint = require_signed(note, verifiers)
    if seen is not None and seen != checkpoint:
        if checkpoint.origin != seen.origin or checkpoint.size <= seen.size:
            raise ConflictError(
                f"the log shows {checkpoint.size} entries as {checkpoint.root.hex()[:16]}, after {seen.size} as "
                f"{seen.root.hex()[:16]}",
                code="checkpoint-forked",
                hint="do not sign; the log was rolled back or forked: tell those who rely on it",
            )
        if proof is None or proof.old != seen or proof.new != checkpoint or not proof.holds():
            raise ConflictError(
                f"no proof leads from the {seen.size} entries seen before to these {checkpoint.size}",
                code="witness-proof-missing",
                hint="the operator makes it: countenance audit prove --since FILE",
            )
    return SignedNote(parsed.text, (*parsed.signatures, witness.cosign(parsed.text, at=at)))


def require_cosigned(note: str, witness: Verifier) -> None:
    """Check that a witness signed a checkpoint.

    Raises:
        IntegrityError: code `checkpoint-invalid`.
    """
    require_signed(note, [witness])
