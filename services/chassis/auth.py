"""Who calls: bearer tokens, and the agency, person and scopes they stand for.

In production tokens come from an OpenID Connect issuer (RS256 or EdDSA, keys by JWKS). Locally they are minted with an
Ed25519 key of the state folder. The algorithm is pinned by the key, never taken from the token.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from fastapi import Request

from services.chassis.errors import SettingsError
from services.chassis.problems import problem
from services.chassis.settings import Settings

AUDIENCE: Final = "concern-relay"
LOCAL_ISSUER: Final = "concern-relay-local"
LEEWAY_S: Final = 30
LOCAL_LIFE: Final = timedelta(days=30)
TOKEN_CHARS_MAX: Final = 8192
SCOPES: Final = frozenset({"raise", "inbox", "decide", "operate", "audit", "supply"})
KEY_FILE: Final = "tokens.key"
PUBLIC_FILE: Final = "tokens.pub"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        agency_id: the agency the caller acts for.
        subject: opaque id of the person or system.
        name: name of the person, where one acts; never logged.
        role: role in words.
        scopes: what the token allows: raise, inbox, decide, operate, audit, supply.
    """

    agency_id: str
    subject: str
    name: str = field(repr=False)
    role: str = ""
    scopes: frozenset[str] = frozenset()


class Tokens:
    """Reads bearer tokens.

    Args:
        key: public key that signs them; None when a JWKS address is given.
        jwks_url: address of the issuer's keys.
        issuer: who issues them.
        algorithms: those of the key, and no others.
    """

    def __init__(
        self,
        key: Ed25519PublicKey | None,
        *,
        jwks_url: str = "",
        issuer: str = LOCAL_ISSUER,
        algorithms: tuple[str, ...] = ("EdDSA",),
    ) -> None:
        self._key = key
        self._jwks = jwt.PyJWKClient(jwks_url, timeout=5) if jwks_url else None
        self._issuer = issuer
        self._algorithms = list(algorithms)

    def read(self, token: str) -> Caller:
        """Give who a token stands for.

        Raises:
            jwt.PyJWTError: expired, not ours, not signed as it must be.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise jwt.InvalidTokenError("too long")
        key: Any = self._key if self._jwks is None else self._jwks.get_signing_key_from_jwt(token).key
        claims = jwt.decode(
            token,
            key,
            algorithms=self._algorithms,
            audience=AUDIENCE,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "agency"]},
        )
        scopes = frozenset(str(claims.get("scope", "")).split()) & SCOPES
        return Caller(
            str(claims["agency"]), str(claims["sub"]), str(claims.get("name", "")), str(claims.get("role", "")), scopes
        )


def tokens_of(settings: Settings) -> Tokens:
    """Give the reader of tokens: OpenID Connect where RELAY_OIDC_JWKS_URL is set, the local key otherwise.

    Raises:
        SettingsError: production without an issuer, or no local key.
    """
    if url := os.environ.get("RELAY_OIDC_JWKS_URL"):
        issuer = os.environ.get("RELAY_OIDC_ISSUER")
        if not issuer:
            raise SettingsError("RELAY_OIDC_ISSUER is not set: give the issuer named in the tokens")
        return Tokens(None, jwks_url=url, issuer=issuer, algorithms=("RS256", "EdDSA"))
    if settings.profile == "production":
        raise SettingsError("RELAY_OIDC_JWKS_URL is not set: production takes tokens of an issuer only")
    path = settings.state_dir / "secrets" / PUBLIC_FILE
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError("no local token key: start with `make run`, which makes it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"{path.name} is not an Ed25519 key: remove it and start again")
    return Tokens(key)


def mint_token(
    key: Ed25519PrivateKey,
    *,
    agency_id: str,
    subject: str,
    scopes: frozenset[str],
    name: str = "",
    role: str = "",
    life: timedelta = LOCAL_LIFE,
    now: datetime | None = None,
) -> str:
    """Make a local token."""
    issued = now or datetime.now(UTC)
    claims = {
        "iss": LOCAL_ISSUER, "aud": AUDIENCE, "sub": subject, "agency": agency_id, "name": name, "role": role,
        "scope": " ".join(sorted(scopes)), "iat": issued, "exp": issued + life,
    }  # fmt: skip
    return jwt.encode(claims, key, algorithm="EdDSA")


def signing_key(state_dir: Path) -> Ed25519PrivateKey:
    """Give the local key that signs tokens, made on first use (file mode 0600)."""
    folder = state_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(pem)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / PUBLIC_FILE).write_bytes(public)
    loaded = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise SettingsError(f"{path.name} is not an Ed25519 key: remove it and start again")
    return loaded


def local_tokens(state_dir: Path, deploy_dir: Path) -> Mapping[str, Path]:
    """Write a token for each agency of the arrangements, one for an operator and one for an auditor."""
    key = signing_key(state_dir)
    folder = state_dir / "tokens"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {agency: frozenset({"raise", "inbox", "decide"}) for agency in _agencies(deploy_dir)}
    wanted["operator"] = frozenset({"operate"})
    wanted["auditor"] = frozenset({"audit"})
    written: dict[str, Path] = {}
    for agency, scopes in wanted.items():
        path = folder / f"{agency}.jwt"
        token = mint_token(key, agency_id=agency, subject=f"{agency}-local", scopes=scopes)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(token + "\n")
        written[agency] = path
    return written


def _agencies(deploy_dir: Path) -> list[str]:
    found: set[str] = set()
    for path in sorted((deploy_dir / "arrangements").glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found |= {agency["id"] for agency in document.get("agencies", ())}
    return sorted(found)


@lru_cache(maxsize=64)
def require(*scopes: str) -> Callable[[Request], Caller]:
    """Give a FastAPI dependency: the caller, whose token must allow one of these scopes."""
    unknown = set(scopes) - SCOPES
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")

    def caller(request: Request) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        challenge = {"WWW-Authenticate": 'Bearer realm="concern-relay"'}
        if kind.lower() != "bearer" or not token:
            raise problem(401, "no_token", "send a bearer token: Authorization: Bearer …", headers=challenge)
        try:
            found: Caller = request.app.state.tokens.read(token.strip())
        except jwt.ExpiredSignatureError as error:
            raise problem(401, "token_expired", "the token has expired: get a new one", headers=challenge) from error
        except jwt.PyJWTError as error:
            raise problem(401, "token_not_valid", "the token is not valid here", headers=challenge) from error
        if scopes and not found.scopes & set(scopes):
            raise problem(403, "scope_missing", f"the token does not allow this; it needs: {' or '.join(scopes)}")
        return found

    return caller
