"""Asking a key service: how often, how long, and whom."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from countenance.adapters.keys.aws_signature import AwsCredentials
from countenance.adapters.keys.kms_client import WAITS_S, KmsClient
from countenance.adapters.keys.kms_kek import KmsKeys, KmsPlace
from countenance.core.clock import utc_now
from countenance.keys.model import HOME
from tests.integration.keys.sealed import code_of
from tests.kms_server import REGION, KmsServer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def key(kms: KmsServer) -> str:
    """The ARN of a key."""
    return kms.new_key()


@contextmanager
def own_certificate(folder: Path, heard: list[bytes]) -> Iterator[str]:
    """Serve with a certificate that nobody vouches for; keeps what is heard. Yields the address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    at, names = utc_now(), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(at - timedelta(1)).not_valid_after(at + timedelta(1))
    pem = made.add_extension(names, critical=False).sign(key, SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")

    def serve() -> None:
        while True:
            try:
                opened, _ = listening.accept()
                with opened, context.wrap_socket(opened, server_side=True) as secured:
                    heard.append(secured.recv(1000))
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def client_of(kms: KmsServer, waited: list[float]) -> KmsClient:
    return KmsClient(region=REGION, endpoint=kms.address, credentials=lambda: kms.user, pause=waited.append)


def ask(client: KmsClient, key: str) -> object:
    return client.ask("Encrypt", {"KeyId": key, "Plaintext": "aGk="})["KeyId"]


@pytest.mark.parametrize(("name", "status"), [("ThrottlingException", 400), ("KMSInternalException", 500)])
def test_it_asks_again_and_waits_longer_each_time(kms: KmsServer, key: str, name: str, status: int) -> None:
    waited: list[float] = []

    with kms.refusing(name, status=status, times=len(WAITS_S)):
        answer = ask(client_of(kms, waited), key)

    assert answer == key
    assert len(kms.front.asked) == 1 + len(WAITS_S)
    assert all(most / 2 <= one <= most for one, most in zip(waited, WAITS_S, strict=True))


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("ThrottlingException", 400, "kms-throttled"), ("DependencyTimeoutException", 503, "kms-unavailable")],
)
def test_it_gives_up_in_the_end(kms: KmsServer, key: str, name: str, status: int, code: str) -> None:
    client = client_of(kms, [])

    with kms.refusing(name, status=status):
        assert code_of(lambda: ask(client, key)) == code
        assert len(kms.front.asked) == 1 + len(WAITS_S)


def test_a_service_that_does_not_answer_is_not_waited_for(kms: KmsServer, key: str) -> None:
    client = KmsClient(
        region=REGION,
        endpoint=kms.address,
        credentials=lambda: kms.user,
        timeout=httpx.Timeout(0.1),
        pause=lambda _: None,
    )

    with kms.refusing("", after_s=0.5):
        assert code_of(lambda: ask(client, key)) == "kms-unreachable"


def test_one_that_shows_no_certificate_to_trust_is_told_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []
    with own_certificate(tmp_path, heard) as address:
        client = KmsClient(
            region=REGION,
            endpoint=address,
            credentials=lambda: AwsCredentials(access_key_id="a", secret_access_key="b"),
            pause=lambda _: None,
        )
        assert code_of(lambda: ask(client, "key")) == "kms-unreachable"

    assert b"".join(heard) == b""


def test_an_answer_that_is_none_is_said(kms: KmsServer, key: str) -> None:
    place = KmsPlace(key=key, region=None, endpoint=kms.address, credentials=lambda: kms.user)

    with kms.refusing("", status=200):
        assert code_of(lambda: KmsKeys(place).load(f"kms:{key}").wrap(b"k", scope=HOME)) == "kms-unavailable"
