"""A small OpenID Connect provider on the loopback interface, which may be told to lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "countenance-here"
SECRET = "kept by two"  # noqa: S105 - of a provider that exists in tests only

Claims = dict[str, Any]


@dataclass
class Provider:
    """Somebody is signed in there; whoever comes by gets a code for them.

    Attributes:
        claims: What its tokens say beside the usual.
        change: What it makes of a token's claims before it signs them.
        sign: Makes a token of claims; a liar's may be another.
        asked: Parameters of the last authorisation.
    """

    issuer: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "now", "use": "sig", "alg": "RS256"}))
    claims: Claims = field(default_factory=lambda: {"sub": "00u1"})
    change: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    asked: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def discovery(self) -> Claims:
        """Return what it says of itself."""
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return {"issuer": self.issuer, **{name: f"{self.issuer}/{place}" for name, place in places.items()}}

    def authorise(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        code = secrets.token_urlsafe(8)
        self.asked = self.codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"], "iss": self.issuer})

    def token(self, form: dict[str, str], authorization: str) -> Claims | None:
        """Return tokens for a code; None where anything does not fit."""
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        basic = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        if (
            asked is None
            or asked["code_challenge_method"] != "S256"
            or asked["code_challenge"] != challenge.decode()
            or asked["redirect_uri"] != form["redirect_uri"]
            or authorization != f"Basic {basic}"
        ):
            return None
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = self.change({**usual, **self.claims})
        sign = self.sign or (lambda said: jwt.encode({"alg": "RS256", "kid": "now"}, said, self.key))
        return {"access_token": "unused", "token_type": "Bearer", "id_token": sign(claims)}


def handler(provider: Callable[[], Provider]) -> type[BaseHTTPRequestHandler]:
    """Return what answers its requests."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, document: Claims | None) -> None:
            body = json.dumps(document or {"error": "invalid_grant"}).encode()
            self.send_response(HTTPStatus.OK if document else HTTPStatus.BAD_REQUEST)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            parts, known = urlsplit(self.path), provider()
            if parts.path == "/authorize":
                self.send_response(HTTPStatus.FOUND)
                asked = {name: value for name, [value] in parse_qs(parts.query).items()}
                self.send_header("Location", known.authorise(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts.path == "/jwks":
                self.answer({"keys": [known.key.as_dict(private=False)]})
            else:
                self.answer(known.discovery())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: value for name, [value] in parse_qs(body).items()}
            self.answer(provider().token(form, self.headers.get("Authorization", "")))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running() -> Iterator[Provider]:
    """Run one on a free port."""
    held: list[Provider] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(lambda: held[0]))
    held.append(Provider(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield held[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
