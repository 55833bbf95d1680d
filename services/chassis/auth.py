"""Who calls: bearer tokens, and the agency, person and scopes they stand for.

In production tokens come from an OpenID Connect issuer (RS256 or EdDSA, keys by JWKS). Locally they are minted with an
Ed25519 key of the state folder. The algorithm is pinned by the key, never taken from the token.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.chassis.errors import DeadlineExceeded, SettingsError
from services.chassis.problems import Problem, problem
from services.chassis.settings import Settings
from services.chassis.tokens import (
    AUDIENCE,
    LOCAL_ISSUER,
    PUBLIC_FILE,
    SCOPES,
    Revoked,
    local_tokens,
    mint_token,
    revoked_of,
    signing_key,
)

__all__ = [
    "SCOPES",
    "Caller",
    "Tokens",
    "local_tokens",
    "mint_token",
    "require",
    "signing_key",
    "tokens_of",
]

LEEWAY_S: Final = 30
JWKS_DEADLINE_S: Final = 5
JWKS_HELD_S: Final = 300
TOKEN_CHARS_MAX: Final = 8192
CLAIM_CHARS_MAX: Final = 200
REALM: Final = 'Bearer realm="concern-relay"'

_REQUIRED: Final = ["exp", "iat", "sub", "agency"]
_BEARER: Final = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A token of your agency")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        agency_id: the agency the caller acts for.
        subject: opaque id of the person or system.
        name: name of the person, where one acts; never logged.
        role: role in words.
        scopes: what the token allows: raise, inbox, decide, operate, audit, supply.
        on_behalf_by: the supplier that calls for the agency, where one does.
    """

    agency_id: str
    subject: str
    name: str = field(repr=False)
    role: str = ""
    scopes: frozenset[str] = frozenset()
    on_behalf_by: str = ""


class Tokens:
    """Reads bearer tokens.

    Args:
        key: public key that signs them; None when a JWKS address is given.
        jwks_url: address of the issuer's keys; asked again when a token names a key that is not known, but not for
            each such token.
        issuer: who issues them.
        algorithms: those of the key, and no others. Of a JWKS, each key says its own, which has to be one of these.
        revoked: tokens that are no longer taken, whoever issued them.
    """

    def __init__(
        self,
        key: Ed25519PublicKey | None,
        *,
        jwks_url: str = "",
        issuer: str = LOCAL_ISSUER,
        algorithms: tuple[str, ...] = ("EdDSA",),
        revoked: Revoked | None = None,
    ) -> None:
        if (key is None) == (not jwks_url):
            raise SettingsError("tokens are read with one key or with those of one JWKS address: give one of the two")
        self._key = key
        self._jwks = jwt.PyJWKClient(jwks_url, timeout=JWKS_DEADLINE_S, lifespan=JWKS_HELD_S) if jwks_url else None
        self._issuer = issuer
        self._algorithms = list(algorithms)
        self._revoked = revoked

    async def read_aside(self, token: str) -> Caller:
        """Read as ``read`` does; in a thread where the issuer's keys may have to be fetched first."""
        return self.read(token) if self._jwks is None else await asyncio.to_thread(self.read, token)

    def read(self, token: str) -> Caller:
        """Give who a token stands for.

        Raises:
            jwt.PyJWTError: expired, not ours, not signed as it must be.
            DeadlineExceeded: the issuer's keys cannot be had.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise jwt.InvalidTokenError("too long")
        claims = jwt.decode(
            token,
            self._key_of(token),
            algorithms=self._algorithms,
            audience=AUDIENCE,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED},
        )
        agency_id = _text(claims, "agency", needed=True)
        if self._revoked is not None and self._revoked.refuses(agency_id, int(claims["iat"])):
            raise jwt.InvalidTokenError("revoked")
        return Caller(
            agency_id,
            _text(claims, "sub", needed=True),
            _text(claims, "name"),
            _text(claims, "role"),
            frozenset(_text(claims, "scope").split()) & SCOPES,
            _actor(claims),
        )

    def _key_of(self, token: str) -> Any:
        """Give the key to check with. Of a JWKS it carries its algorithm, which pyjwt then holds the token to."""
        if self._jwks is None:
            return self._key
        try:
            return self._jwks.get_signing_key_from_jwt(token)
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, ValueError) as error:
            raise DeadlineExceeded(
                "the token issuer's keys cannot be had: is RELAY_OIDC_JWKS_URL reachable?"
            ) from error


def _actor(claims: dict[str, Any]) -> str:
    """Give who acts for the agency, by the claim ``act`` (RFC 8693 section 4.1)."""
    actor = claims.get("act")
    if actor is None:
        return ""
    if not isinstance(actor, dict):
        raise jwt.InvalidTokenError("the claim act is no object")
    return _text(actor, "sub", needed=True)


def _text(claims: dict[str, Any], name: str, *, needed: bool = False) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > CLAIM_CHARS_MAX or (needed and not value.strip()):
        raise jwt.InvalidTokenError(f"the claim {name} is no text of at most {CLAIM_CHARS_MAX} characters")
    return value


def tokens_of(settings: Settings) -> Tokens:
    """Give the reader of tokens: OpenID Connect where RELAY_OIDC_JWKS_URL is set, the local key otherwise.

    Raises:
        SettingsError: production without an issuer reached by TLS, or no local key.
    """
    revoked = revoked_of(settings.state_dir)
    if url := os.environ.get("RELAY_OIDC_JWKS_URL"):
        issuer = os.environ.get("RELAY_OIDC_ISSUER")
        if not issuer:
            raise SettingsError("RELAY_OIDC_ISSUER is not set: give the issuer named in the tokens")
        if settings.profile == "production" and urlsplit(url).scheme != "https":
            raise SettingsError("RELAY_OIDC_JWKS_URL must begin with https: who can change the keys can be anybody")
        return Tokens(None, jwks_url=url, issuer=issuer, algorithms=("RS256", "EdDSA"), revoked=revoked)
    if settings.profile == "production":
        raise SettingsError("RELAY_OIDC_JWKS_URL is not set: production takes tokens of an issuer only")
    path = settings.state_dir / "secrets" / PUBLIC_FILE
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError("no local token key: start with `make run`, which makes it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"{path.name} is not an Ed25519 key: remove it and start again")
    return Tokens(key, revoked=revoked)


@lru_cache(maxsize=64)
def require(*scopes: str) -> Callable[..., Awaitable[Caller]]:
    """Give a FastAPI dependency: the caller, whose token must allow one of these scopes.

    Raises:
        ValueError: a scope that does not exist; at import, where the route is written.
    """
    unknown = set(scopes) - SCOPES
    if unknown:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")

    async def caller(
        request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None
    ) -> Caller:
        if sent is None or not sent.credentials:
            raise problem(
                401, "no_token", "send a bearer token: Authorization: Bearer …", headers={"WWW-Authenticate": REALM}
            )
        try:
            found: Caller = await request.app.state.tokens.read_aside(sent.credentials.strip())
        except jwt.ExpiredSignatureError as error:
            raise _refused("token_expired", "the token has expired: get a new one") from error
        except jwt.PyJWTError as error:
            raise _refused("token_not_valid", "the token is not valid here") from error
        if scopes and not found.scopes & set(scopes):
            wanted = " ".join(sorted(scopes))
            raise problem(
                403,
                "scope_missing",
                f"the token does not allow this; it needs: {' or '.join(sorted(scopes))}",
                headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{wanted}"'},
            )
        return found

    return caller


def _refused(code: str, detail: str) -> Problem:
    """Say no to a token (RFC 6750 section 3.1). Which check failed is not said: it helps only who forges."""
    return problem(401, code, detail, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'})
