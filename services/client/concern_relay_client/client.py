"""Raising concerns over HTTP.

    with Client("https://relay.example", token="...") as relay:
        accepted = relay.raise_concern(Submission(reference="7", raised_by=RaisedBy(role="volunteer"), ...))
        relay.status(accepted.concern_id).state

Every call ends by its deadline. What may pass is tried again until then; that is harmless, because a concern is known
by its reference. An acceptance is returned only with a receipt that verifies.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import UUID

import httpx

from concern_relay_client.models import Accepted, Attachment, Page, Status, Submission
from concern_relay_client.problems import NoAnswer, ReceiptNotGenuine, problem_of
from concern_relay_client.receipts import check_receipt
from concern_relay_client.retrying import PASSING, pause_s
from concern_relay_client.sealing import SubmissionKey

DEADLINE_S: Final = 30.0
ATTEMPT_S: Final = 15.0
PAGES_MAX: Final = 10_000
AGENT: Final = "concern-relay-client/1"


class Client:
    """Calls one relay as one agency.

    Args:
        url: where it is.
        token: the bearer token, or what gives it: asked at every attempt, so that it may be renewed.
        on_behalf_of: for a supplier's token: the agency each request is for.
        headers: sent with every request.
        receipt_key: verifier key to hold receipts to; by default the one the relay publishes.
        deadline_s: for a whole call, its retries included.
        http: a client of your own, for proxies and certificates.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        *,
        on_behalf_of: str = "",
        headers: Mapping[str, str] | None = None,
        receipt_key: str = "",
        deadline_s: float = DEADLINE_S,
        http: httpx.Client | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._headers = {**({"On-Behalf-Of": on_behalf_of} if on_behalf_of else {}), **(headers or {})}
        self._receipt_key = receipt_key
        self._published = ""
        self._deadline_s = deadline_s
        self._http = http or httpx.Client(timeout=ATTEMPT_S)
        self._ours = http is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        if self._ours:
            self._http.close()

    def raise_concern(
        self, submission: Submission | Mapping[str, Any], *, idempotency_key: str = "", deadline_s: float | None = None
    ) -> Accepted:
        """Raise a concern; the same reference again is the same concern. If a child is in danger, call 999.

        Args:
            submission: what is raised.
            idempotency_key: not needed; a new one says that content accepted before is meant anew.
            deadline_s: instead of the client's own.

        Raises:
            Problem: it was refused, and nothing recorded.
            NoAnswer: nothing was heard in time; it may be recorded. Send it again.
            ReceiptNotGenuine: do not take it for a yes.
        """
        return self._accepted("/v1/concerns", submission, idempotency_key, deadline_s)

    def status(self, concern_id: str) -> Status:
        """Say where a concern of yours stands.

        Raises:
            NotFound: your agency has raised no such concern.
        """
        return Status.model_validate(self._call("GET", f"/v1/concerns/{UUID(concern_id)}"))

    def concerns(self, *, page_size: int = 200) -> Iterator[Status]:
        """Give your concerns, newest first."""
        after = ""
        for _ in range(PAGES_MAX):
            query = {"limit": page_size, **({"after": after} if after else {})}
            page = Page.model_validate(self._call("GET", "/v1/concerns", params=query))
            yield from page.concerns
            if page.after is None:
                return
            after = page.after

    def add(self, concern_id: str, information: Mapping[str, Any], *, idempotency_key: str = "") -> Accepted:
        """Add what you learnt: ``by``, and any of text, items, people, places, urgency."""
        return self._follow_up(concern_id, "information", information, idempotency_key)

    def correct(self, concern_id: str, correction: Mapping[str, Any], *, idempotency_key: str = "") -> Accepted:
        """Correct what was wrong: ``by``, ``reason``, the fields as they should be, refs to ``remove``."""
        return self._follow_up(concern_id, "corrections", correction, idempotency_key)

    def give_consent(self, concern_id: str, consent: Mapping[str, Any], *, idempotency_key: str = "") -> Accepted:
        """Record a consent that was given: ``ref``, ``kind``, ``subject``, ``purpose``, ``by``."""
        return self._follow_up(concern_id, "consents", consent, idempotency_key)

    def withdraw_consent(self, concern_id: str, ref: str, said: Mapping[str, Any] | None = None) -> Accepted:
        """Record that a consent was withdrawn: what rests on it stops before this returns."""
        return self._follow_up(concern_id, f"consents/{quote(ref, safe='')}/withdrawal", said or {}, "")

    def move(self, concern_id: str, moved: Mapping[str, Any], *, idempotency_key: str = "") -> Accepted:
        """Say that a child moved: ``child`` (its ref), ``to`` (ONS code), or that nobody knows where."""
        return self._follow_up(concern_id, "moves", moved, idempotency_key)

    def attach(self, concern_id: str, declaration: Mapping[str, Any], content: bytes = b"") -> Attachment:
        """Attach a file: declared with the answer to the question, then its bytes. Twice is once.

        Args:
            concern_id: a concern of yours.
            declaration: ``child_image`` (``no``, ``yes``, ``unsure``), ``kind``, ``media_type``, ``by``; also ``name``,
                ``item``, ``description``. Length and digest are added.
            content: the bytes; none where the answer is not no.

        Raises:
            NotValid: ``image_not_taken``: the answer is recorded, and ``instead`` says what to do.
        """
        measured = {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()} if content else {}
        path = f"/v1/concerns/{UUID(concern_id)}/attachments"
        found = Attachment.model_validate(self._call("POST", path, json={**declaration, **measured}))
        if not found.upload_url:
            return found
        headers = {"Content-Type": "application/octet-stream"}
        return Attachment.model_validate(self._call("PUT", found.upload_url, content=content, headers=headers))

    def attachments(self, concern_id: str) -> list[Attachment]:
        """Give the attachments of a concern of yours, and where each stands."""
        found = self._call("GET", f"/v1/concerns/{UUID(concern_id)}/attachments")
        return [Attachment.model_validate(one) for one in found["attachments"]]

    def release(self, concern_id: str, attachment_id: str, release: Mapping[str, Any]) -> Attachment:
        """Let one recipient have a file: ``to`` or ``to_class``, ``reason``, ``by``."""
        path = f"/v1/concerns/{UUID(concern_id)}/attachments/{UUID(attachment_id)}/releases"
        return Attachment.model_validate(self._call("POST", path, json=dict(release)))

    def _follow_up(self, concern_id: str, what: str, body: Mapping[str, Any], idempotency_key: str) -> Accepted:
        return self._accepted(f"/v1/concerns/{UUID(concern_id)}/{what}", body, idempotency_key, None)

    def codes(self, name: str) -> list[str]:
        """Give a list of codes, as ``Urgency`` or ``ConcernTrigger``."""
        return [str(code) for code in self._call("GET", f"/v1/codes/{name}")]

    def submission_key(self) -> SubmissionKey:
        """Give the key that submissions over Kafka are sealed to."""
        return SubmissionKey.parse(self._call("GET", "/v1/submission-key"))

    def check(self, accepted: Accepted) -> Accepted:
        """Check the receipt of an acceptance; give it back.

        Raises:
            ReceiptNotGenuine: it does not verify.
        """
        if self._receipt_key:
            check_receipt(accepted.receipt, self._receipt_key)
            return accepted
        if self._published:
            with suppress(ReceiptNotGenuine):  # it may have been replaced since it was asked for
                check_receipt(accepted.receipt, self._published)
                return accepted
        self._published = str(self._call("GET", "/v1/receipt-key")["verifier"])
        check_receipt(accepted.receipt, self._published)
        return accepted

    def _accepted(
        self, path: str, body: Submission | Mapping[str, Any], idempotency_key: str, deadline_s: float | None
    ) -> Accepted:
        said = body.to_json() if isinstance(body, Submission) else dict(body)
        headers = {"Idempotency-Key": f'"{idempotency_key}"'} if idempotency_key else {}
        answer = self._call("POST", path, json=said, headers=headers, deadline_s=deadline_s)
        return self.check(Accepted.model_validate(answer))

    def _call(self, method: str, path: str, *, deadline_s: float | None = None, **options: Any) -> Any:
        """Call until it is answered, refused, or too late."""
        until = time.monotonic() + (self._deadline_s if deadline_s is None else deadline_s)
        headers = {"User-Agent": AGENT, **self._headers, **options.pop("headers", {})}
        attempt = 0
        while True:
            found: httpx.Response | None = None
            try:
                found = self._attempt(method, path, headers, until, options)
            except httpx.HTTPError as error:
                failure: Exception = NoAnswer(f"no answer ({type(error).__name__}): sending it again is harmless")
            else:
                body = _json(found)
                if found.is_success:
                    return body
                failure = problem_of(found.status_code, body)
                if found.status_code not in PASSING:
                    raise failure
            retry_after = None if found is None else found.headers.get("retry-after")
            pause = pause_s(attempt, retry_after, random.random())  # noqa: S311  (spreads retries, hides nothing)
            if time.monotonic() + pause >= until:
                raise failure
            time.sleep(pause)
            attempt += 1

    def _attempt(
        self, method: str, path: str, headers: Mapping[str, str], until: float, options: Mapping[str, Any]
    ) -> httpx.Response:
        token = self._token if isinstance(self._token, str) else self._token()
        left = max(0.05, min(ATTEMPT_S, until - time.monotonic()))
        said = {**headers, "Authorization": f"Bearer {token}"}
        return self._http.request(method, self._url + path, headers=said, timeout=left, **options)


def _json(found: httpx.Response) -> Any:
    try:
        return found.json() if found.content else {}
    except ValueError:
        return {}
