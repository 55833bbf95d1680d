"""Who calls: what a token must be to stand for somebody, and what is said when it is not."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from services.chassis.auth import Caller, Tokens, local_tokens, mint_token, require, signing_key, tokens_of
from services.chassis.errors import DeadlineExceeded, SettingsError
from services.chassis.settings import Settings

KEY = Ed25519PrivateKey.generate()
NAME = "Zephyrine Quillfeather"
ISSUER = "https://login.example"


def claims_of(**changed: object) -> dict[str, object]:
    """Claims that are as they should be, but for what is changed; None takes one away."""
    now = datetime.now(UTC)
    claims = {
        "iss": "concern-relay-local", "aud": "concern-relay", "sub": "s-1", "agency": "a-school", "name": NAME,
        "role": "designated safeguarding lead", "scope": "raise inbox", "iat": now, "exp": now + timedelta(hours=1),
        **changed,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def signed(key: object = KEY, algorithm: str = "EdDSA", headers: dict[str, str] | None = None, **changed: object):
    """A token of those claims."""
    return jwt.encode(claims_of(**changed), key, algorithm=algorithm, headers=headers)


def test_a_good_token_stands_for_its_caller() -> None:
    """Agency, person, role and the scopes that exist; the name is not shown by repr, which lands in logs."""
    caller = Tokens(KEY.public_key()).read(signed(scope="raise inbox become_root"))

    assert caller == Caller("a-school", "s-1", NAME, "designated safeguarding lead", frozenset({"raise", "inbox"}))
    assert NAME not in repr(caller)


def _unsigned(**changed: object) -> str:
    return jwt.encode(claims_of(**changed), None, algorithm="none")


def _hmac_with_the_public_key() -> str:
    """The classic confusion: the public key, which everybody has, used as the secret of HS256."""
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    numbers = {name: int(v.timestamp()) if isinstance(v, datetime) else v for name, v in claims_of().items()}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, numbers)]
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(body)
    return (body + b"." + base64.urlsafe_b64encode(mac.finalize()).rstrip(b"=")).decode()


def _altered() -> str:
    header, _, signature = signed().split(".")
    payload = base64.urlsafe_b64encode(json.dumps({"agency": "another"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


AGO = datetime.now(UTC) - timedelta(hours=2)
AHEAD = datetime.now(UTC) + timedelta(hours=2)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(_unsigned(), id="alg none"),
        pytest.param(_hmac_with_the_public_key(), id="HS256 with the public key"),
        pytest.param(_altered(), id="payload altered"),
        pytest.param(signed(Ed25519PrivateKey.generate()), id="another key"),
        pytest.param(
            signed(rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"), id="another algorithm"
        ),
        pytest.param(signed(iat=AGO, exp=AGO + timedelta(hours=1)), id="expired"),
        pytest.param(signed(iat=AHEAD), id="issued in the future"),
        pytest.param(signed(nbf=AHEAD), id="not valid yet"),
        pytest.param(signed(aud="another-system"), id="for another audience"),
        pytest.param(signed(aud=None), id="for nobody"),
        pytest.param(signed(iss="https://elsewhere.example"), id="of another issuer"),
        pytest.param(signed(iss=None), id="of no issuer"),
        pytest.param(signed(exp=None), id="without end"),
        pytest.param(signed(sub=None), id="without person"),
        pytest.param(signed(agency=None), id="without agency"),
        pytest.param(signed(agency=""), id="empty agency"),
        pytest.param(signed(agency=["a", "b"]), id="agency that is no text"),
        pytest.param(signed(agency="a" * 201), id="agency too long"),
        pytest.param(signed(scope=["raise"]), id="scopes that are no text"),
        pytest.param("x" * 9_000, id="too long"),
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="garbage"),
        pytest.param(signed() + "x", id="signature altered"),
    ],
)
def test_what_is_not_exactly_a_token_of_ours_stands_for_nobody(token: str) -> None:
    """Each way to be wrong is refused as such, never as a failure."""
    with pytest.raises(jwt.PyJWTError):
        Tokens(KEY.public_key()).read(token)


def test_clocks_may_differ_by_half_a_minute() -> None:
    """A token that ended, or begins, within 30 seconds is taken; beyond it is not."""
    tokens, now = Tokens(KEY.public_key()), datetime.now(UTC)

    tokens.read(signed(exp=now - timedelta(seconds=20)))
    tokens.read(signed(iat=now + timedelta(seconds=20)))

    with pytest.raises(jwt.ExpiredSignatureError):
        tokens.read(signed(exp=now - timedelta(seconds=40)))


@contextmanager
def an_issuer(*jwks: dict[str, object]) -> Iterator[tuple[str, list[str], list[dict[str, object]]]]:
    """An issuer's JWKS address, what was asked of it, and the keys it answers with, which may be changed."""
    asked: list[str] = []
    keys = list(jwks)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"keys": keys}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks", asked, keys
    finally:
        server.shutdown()
        server.server_close()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED_JWK = {**json.loads(OKPAlgorithm.to_jwk(KEY.public_key())), "kid": "ed", "alg": "EdDSA", "use": "sig"}
RSA_JWK = {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "alg": "RS256", "use": "sig"}


def _of(url: str) -> Tokens:
    return Tokens(None, jwks_url=url, issuer=ISSUER, algorithms=("RS256", "EdDSA"))


def test_tokens_of_an_issuer_by_its_published_keys() -> None:
    """Either algorithm, each with its own key; the keys are fetched once and held."""
    with an_issuer(ED_JWK, RSA_JWK) as (url, asked, _):
        tokens = _of(url)

        for key, algorithm, kid in ((KEY, "EdDSA", "ed"), (RSA, "RS256", "rsa")) * 3:
            assert tokens.read(signed(key, algorithm, {"kid": kid}, iss=ISSUER)).agency_id == "a-school"

        assert len(asked) == 1


def test_a_key_of_an_issuer_signs_by_its_own_algorithm_only() -> None:
    """The token does not choose: a token that names one key and another algorithm is refused."""
    with an_issuer(ED_JWK, RSA_JWK) as (url, _, _):
        tokens = _of(url)

        for token in (
            signed(RSA, "RS256", {"kid": "ed"}, iss=ISSUER),
            signed(KEY, "EdDSA", {"kid": "rsa"}, iss=ISSUER),
            signed(RSA, "RS512", {"kid": "rsa"}, iss=ISSUER),
            signed(RSA, "RS256", {"kid": "unknown"}, iss=ISSUER),
            signed(RSA, "RS256", iss=ISSUER),
        ):
            with pytest.raises(jwt.PyJWTError):
                tokens.read(token)


def test_unknown_keys_do_not_make_us_hammer_the_issuer() -> None:
    """Forged key ids cost the issuer a question now and then, not one each."""
    with an_issuer(ED_JWK) as (url, asked, _):
        tokens = _of(url)
        tokens.read(signed(headers={"kid": "ed"}, iss=ISSUER))

        for number in range(20):
            with pytest.raises(jwt.PyJWTError):
                tokens.read(signed(headers={"kid": f"forged-{number}"}, iss=ISSUER))

        assert len(asked) <= 2


def test_an_issuer_that_is_away_is_no_fault_of_the_caller() -> None:
    """That may pass: try again, not 401."""
    with an_issuer(ED_JWK) as (url, _, keys):
        keys.clear()
        with pytest.raises(DeadlineExceeded):
            _of(url).read(signed(headers={"kid": "ed"}, iss=ISSUER))
    with pytest.raises(DeadlineExceeded):
        _of(url).read(signed(headers={"kid": "ed"}, iss=ISSUER))


def test_production_takes_tokens_of_an_issuer_by_tls_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an issuer, or with one whose keys anybody on the way could change, it does not start."""
    production = Settings(service="intake", profile="production", state_dir=tmp_path)
    signing_key(tmp_path)
    monkeypatch.delenv("RELAY_OIDC_JWKS_URL", raising=False)
    with pytest.raises(SettingsError, match="issuer only"):
        tokens_of(production)
    monkeypatch.setenv("RELAY_OIDC_JWKS_URL", "http://login.example/jwks")
    with pytest.raises(SettingsError, match="RELAY_OIDC_ISSUER"):
        tokens_of(production)
    monkeypatch.setenv("RELAY_OIDC_ISSUER", ISSUER)
    with pytest.raises(SettingsError, match="https"):
        tokens_of(production)
    monkeypatch.setenv("RELAY_OIDC_JWKS_URL", "https://login.example/jwks")

    tokens_of(production)


def test_local_tokens_are_read_with_the_public_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token for each agency of the arrangements, an operator and an auditor; for the owner's eyes only."""
    monkeypatch.delenv("RELAY_OIDC_JWKS_URL", raising=False)
    (tmp_path / "deploy" / "arrangements").mkdir(parents=True)
    (tmp_path / "deploy" / "arrangements" / "a.yaml").write_text("agencies: [{id: a-school}, {id: the-police}]")

    written = local_tokens(tmp_path, tmp_path / "deploy")
    tokens = tokens_of(Settings(service="intake", state_dir=tmp_path))

    callers = {name: tokens.read(path.read_text().strip()) for name, path in written.items()}
    assert {name: caller.scopes for name, caller in callers.items()} == {
        "a-school": {"raise", "inbox", "decide"},
        "the-police": {"raise", "inbox", "decide"},
        "operator": {"operate"},
        "auditor": {"audit"},
    }
    assert callers["the-police"].agency_id == "the-police"
    assert {oct(path.stat().st_mode & 0o777) for path in written.values()} == {"0o600"}


def test_a_lost_public_half_is_made_again(tmp_path: Path) -> None:
    """Cut off between the two files, the next start mends it with the same key."""
    before = signing_key(tmp_path)
    (tmp_path / "secrets" / "tokens.pub").unlink()

    after = signing_key(tmp_path)

    assert after.private_bytes_raw() == before.private_bytes_raw()
    tokens_of(Settings(service="intake", state_dir=tmp_path))


def test_scopes_are_checked_where_they_are_written() -> None:
    """A route that asks for a scope nobody has, or a token with one, is a mistake found at once."""
    with pytest.raises(ValueError, match="unknown scopes: rise"):
        require("rise")
    with pytest.raises(ValueError, match="unknown scopes: root"):
        mint_token(KEY, agency_id="a", subject="s", scopes=frozenset({"root"}))
