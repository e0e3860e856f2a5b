"""Signatures are those that AWS published with the vectors of its Signature Version 4 test suite."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from countenance.adapters.keys.aws_signature import AwsCredentials, signed_headers

CREDENTIALS = AwsCredentials(
    access_key_id="AKIDEXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
)
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SESSION = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXA"
    "kiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
"""Of the vector post-sts-header-before."""

HOST = {"host": "example.amazonaws.com"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("headers", "body", "signed", "signature"),
    [
        pytest.param(
            {},
            b"",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            id="post-vanilla",
        ),
        pytest.param(
            {"my-header1": "value1"},
            b"",
            "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            id="post-header-key-sort",
        ),
        pytest.param(
            {"my-header1": "VALUE1"},
            b"",
            "host;my-header1;x-amz-date",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            id="post-header-value-case",
        ),
        pytest.param(
            FORM,
            b"Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            id="post-x-www-form-urlencoded",
        ),
    ],
)
def test_it_is_what_aws_published(headers: dict[str, str], body: bytes, signed: str, signature: str) -> None:
    made = signed_headers(
        {**HOST, **headers}, body, credentials=CREDENTIALS, region="us-east-1", service="service", at=AT
    )

    assert made["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    assert made["x-amz-date"] == "20150830T123600Z"


def test_a_session_token_is_sent_and_signed_as_aws_published() -> None:
    for_a_while = replace(CREDENTIALS, session_token=SESSION)

    made = signed_headers(HOST, b"", credentials=for_a_while, region="us-east-1", service="service", at=AT)

    assert made["x-amz-security-token"] == SESSION
    assert made["authorization"].endswith(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, "
        "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    )


def test_who_signs_is_printed_without_the_secret() -> None:
    assert "wJalr" not in repr(CREDENTIALS)
