"""Local tokens: minted with a key of the state folder, for `make run`, the demo and tests; not for production."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.chassis.errors import SettingsError
from services.chassis.marked_yaml import plain

AUDIENCE: Final = "concern-relay"
LOCAL_ISSUER: Final = "concern-relay-local"
LOCAL_LIFE: Final = timedelta(days=30)
SCOPES: Final = frozenset({"raise", "inbox", "decide", "operate", "audit", "supply"})
KEY_FILE: Final = "tokens.key"
PUBLIC_FILE: Final = "tokens.pub"
REVOKED_FILE: Final = "tokens.revoked.json"
AGENCY_SCOPES: Final = frozenset({"raise", "inbox", "decide"})
FOR_GOOD: Final = 2**62
"""Of an agency that was removed: no token was issued after this."""


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
    actor: str = "",
) -> str:
    """Make a local token.

    Raises:
        ValueError: a scope that does not exist.
    """
    if unknown := scopes - SCOPES:
        raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
    issued = now or datetime.now(UTC)
    claims = {
        "iss": LOCAL_ISSUER, "aud": AUDIENCE, "sub": subject, "agency": agency_id, "name": name, "role": role,
        "scope": " ".join(sorted(scopes)), "iat": issued, "exp": issued + life,
    }  # fmt: skip
    if actor:
        claims["act"] = {"sub": actor}  # RFC 8693 section 4.1: who acts for the agency
    return jwt.encode(claims, key, algorithm="EdDSA")


def signing_key(state_dir: Path) -> Ed25519PrivateKey:
    """Give the local key that signs tokens, made on first use; services are given its public half only.

    Raises:
        SettingsError: what lies in its place is no such key.
    """
    folder = state_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_private(path, pem)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise SettingsError(f"{path.name} holds no key: remove it and start again") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{path.name} is not an Ed25519 key: remove it and start again")
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if not (folder / PUBLIC_FILE).exists() or (folder / PUBLIC_FILE).read_bytes() != public:
        _write_private(folder / PUBLIC_FILE, public)
    return key


class Revoked:
    """Which tokens are no longer taken: of an agency, those issued before a moment. Read anew when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._before: dict[str, int] = {}

    def refuses(self, agency_id: str, issued_at: int) -> bool:
        """Whether a token of this agency, issued then (epoch seconds), was revoked."""
        return issued_at < self.before(agency_id)

    def before(self, agency_id: str) -> int:
        """Give the moment before which an agency's tokens are not taken; 0: all are."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
        if changed != self._seen:
            self._before = {str(k): int(v) for k, v in json.loads(self._path.read_text()).items()}
            self._seen = changed
        return self._before.get(agency_id, 0)

    def revoke(self, agency_id: str, before: int) -> None:
        """Take no token of this agency issued before then."""
        self.before(agency_id)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(self._path, json.dumps({**self._before, agency_id: before}).encode())


def revoked_of(state_dir: Path) -> Revoked:
    """Give the revoked tokens of a place: RELAY_TOKENS_REVOKED_FILE, or the file of the state folder."""
    given = os.environ.get("RELAY_TOKENS_REVOKED_FILE")
    return Revoked(Path(given) if given else state_dir / "secrets" / REVOKED_FILE)


def local_token(state_dir: Path, agency_id: str, scopes: frozenset[str] = AGENCY_SCOPES) -> Path:
    """Write a token of one agency, issued after those that were revoked."""
    folder = state_dir / "tokens"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{agency_id}.jwt"
    now = datetime.now(UTC)
    issued = max(now, datetime.fromtimestamp(revoked_of(state_dir).before(agency_id), UTC))
    token = mint_token(
        signing_key(state_dir), agency_id=agency_id, subject=f"{agency_id}-local", scopes=scopes, now=issued
    )
    _write_private(path, token.encode() + b"\n")
    return path


def local_tokens(state_dir: Path, deploy_dir: Path) -> Mapping[str, Path]:
    """Write a token for each agency of the arrangements and each supplier, for an operator and for an auditor."""
    signing_key(state_dir)
    revoked = revoked_of(state_dir)
    wanted = dict.fromkeys(_agencies(deploy_dir), AGENCY_SCOPES)
    wanted |= dict.fromkeys(_suppliers(deploy_dir), frozenset({"supply"}))
    wanted["operator"] = frozenset({"operate"})
    wanted["auditor"] = frozenset({"audit"})
    return {
        agency: local_token(state_dir, agency, scopes)
        for agency, scopes in wanted.items()
        if revoked.before(agency) < FOR_GOOD  # removed: it gets one when it is added again
    }


def _agencies(deploy_dir: Path) -> list[str]:
    found: set[str] = set()
    for path in sorted((deploy_dir / "arrangements").glob("*.yaml")):
        document = plain(path.read_text(encoding="utf-8"))
        found |= {agency["id"] for agency in document.get("agencies", ())}
    return sorted(found)


def _suppliers(deploy_dir: Path) -> list[str]:
    path = deploy_dir / "suppliers.yaml"
    return sorted(plain(path.read_text(encoding="utf-8"))["suppliers"]) if path.exists() else []


def _write_private(path: Path, content: bytes) -> None:
    """Write whole or not at all, for the owner's eyes only."""
    beside = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    beside.replace(path)
