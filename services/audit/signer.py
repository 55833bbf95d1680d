"""The signer: every few seconds, when the ledger grew, a checkpoint, proved to continue the one before.

Signed is only what lies on Kafka: were a checkpoint to cover a batch that is still in the outbox, losing this database
would lose the order that the signature vouches for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncpg

from services.audit import store
from services.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from services.audit.ledger import snapshot
from services.audit.metrics import LedgerMetrics
from services.audit.sequencer import Charter, checkpoint_event
from services.audit.tree import check_consistency
from services.chassis.clock import Clock
from services.chassis.errors import DeadlineExceeded, SettingsError
from services.chassis.integrity.errors import IntegrityError
from services.chassis.integrity.note import Signer, Verifier
from services.chassis.kafka import within
from services.chassis.log import Log
from services.chassis.settings import Settings

log = Log(__name__)

SIGN_EVERY_S: Final = 5.0
DATABASE_DEADLINE_S: Final = 30.0
SEED_BYTES: Final = 32
#: File of the state folder with the ledger's public keys, one verifier key a line: the newest first.
PUBLIC_FILE: Final = "ledger.keys"


def load_signer(settings: Settings, origin: str) -> Signer:
    """Give the key that signs checkpoints: RELAY_LEDGER_KEY_FILE, or one made on first use (file mode 0600).

    Raises:
        SettingsError: production without a key file, or a file that is no signer key of this origin.
    """
    given = os.environ.get("RELAY_LEDGER_KEY_FILE")
    if not given and settings.profile == "production":
        raise SettingsError("RELAY_LEDGER_KEY_FILE is not set: production signs with a key that is kept, not made")
    path = Path(given) if given else settings.state_dir / "secrets" / "ledger.key"
    if not given:
        _make(path, origin)
    try:
        signer = Signer.parse(path.read_text().strip())
    except (OSError, IntegrityError) as error:
        raise SettingsError(f"{path.name} cannot be used: {error}") from error
    if signer.name != origin:
        raise SettingsError(f"{path.name} signs for {signer.name}, and this ledger is {origin}: give its own key")
    return signer


def publish_key(state_dir: Path, verifier: Verifier) -> tuple[str, ...]:
    """Put the public key where verifiers look, before those of earlier keys; give all of them."""
    path = state_dir / PUBLIC_FILE
    known = path.read_text().split() if path.exists() else []
    keys = (str(verifier), *(k for k in known if k != str(verifier)))
    beside = path.with_suffix(".new")
    beside.write_text("".join(f"{key}\n" for key in keys))
    beside.replace(path)
    return keys


def _make(path: Path, origin: str) -> None:
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(Signer(origin, os.urandom(SEED_BYTES)).secret() + "\n")


class Signing:
    """Signs while the recorder of this process is the one that appends.

    Args:
        pool: connections to the audit database.
        charter: which ledger.
        signer: the ledger's key.
        verifiers: keys under which the last checkpoint may stand: this one, and those before it.
        clock: the time.
        metrics: of the ledger.
        wake: told that there is something to publish.
        may_sign: whether this process is the writer.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        charter: Charter,
        signer: Signer,
        verifiers: tuple[Verifier, ...],
        *,
        clock: Clock,
        metrics: LedgerMetrics,
        wake: Callable[[], None],
        may_sign: Callable[[], bool],
        every_s: float = SIGN_EVERY_S,
    ) -> None:
        self._pool = pool
        self._charter = charter
        self._signer = signer
        self._verifiers = verifiers
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._may_sign = may_sign
        self._every_s = every_s
        self._stop = asyncio.Event()
        self.refused = ""

    def stop(self) -> None:
        """Sign no more."""
        self._stop.set()

    @property
    def healthy(self) -> bool:
        """Whether every checkpoint could be proved to continue the one before."""
        return not self.refused

    async def run(self) -> None:
        """Sign until stopped, or until the ledger is not what was signed."""
        while not self._stop.is_set() and self.healthy:
            try:
                if self._may_sign():
                    await self.sign()
            except IntegrityError as error:
                self.refused = type(error).__name__
                log.error(  # noqa: TRY400  (a traceback adds nothing)
                    "the ledger does not continue its last checkpoint; nothing is signed any more", error=self.refused
                )
            except (OSError, TimeoutError, DeadlineExceeded, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not signed, trying again", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._every_s)
        # a refusal is for a person: the process goes on recording, and says that it is not ready
        await self._stop.wait()

    async def sign(self) -> Checkpoint | None:
        """Sign the ledger as far as it is announced on Kafka; None when nothing is new.

        Raises:
            IntegrityError: what is stored does not continue the checkpoint signed last.
        """
        async with self._pool.acquire() as connection:
            return await within(DATABASE_DEADLINE_S, "signing", self._sign(connection))

    async def _sign(self, connection: asyncpg.Connection[Any]) -> Checkpoint | None:
        async with snapshot(connection) as ledger:
            announced = await ledger.announced()
            last = await ledger.checkpoint()
            self._metrics.signed.set(0 if last is None else last.size)
            if announced is None or (last is not None and last.size >= announced.size):
                return None
            new = Checkpoint(self._signer.name, announced.size, announced.root)
            if last is not None:
                before = open_checkpoint(last.note, self._signer.name, self._verifiers)
                proof = await ledger.consistency(before.size, new.size)
                check_consistency(before.size, new.size, proof, before.root, new.root)
        note = sign_checkpoint(new, self._signer)
        await store.write_checkpoint(connection, checkpoint_event(self._charter, new, note, self._clock.now()))
        self._metrics.signed.set(new.size)
        self._wake()
        return new
