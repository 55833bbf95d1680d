"""A recipient's system: a real HTTP server on loopback that keeps what it was sent, and misbehaves when told to.

It verifies signatures by itself, from the words of the specification, so that no code of ours proves itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

OK, HANG, TWICE, CUT, LATE, ENDLESS = 200, -1, -2, -3, -4, -5


@dataclass(frozen=True)
class Post:
    """One message as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The body."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """Its id: a recipient takes each once."""
        return self.headers["webhook-id"]

    def verified_by(self, secret: str) -> bool:
        """Whether one of its signatures is this secret's."""
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        own = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return f"v1,{own}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Answers by ``behave``: a status, or one of the misbehaviours above."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    behave: Callable[[Post], int] = lambda _: OK
    late_s: float = 1.0
    extra: str = ""
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    answering: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> list[Post]:
        """What was sent, challenges left out."""
        return [post for post in self.posts if post.said["type"] != "endpoint.challenge"]

    def effects(self) -> Counter[str]:
        """What a careful recipient does: each id once; how often each came."""
        return Counter(post.id for post in self.messages)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            post = Post(first.split(" ")[1], headers, body)
            self.posts.append(post)
            await self._answer(post, writer)
        writer.close()

    async def _answer(self, post: Post, writer: asyncio.StreamWriter) -> None:
        challenge = post.said.get("data", {}).get("challenge")
        status = self.behave(post) if challenge is None else OK
        if status == HANG:
            await asyncio.sleep(3600)
        if status == CUT:
            writer.transport.abort()
            return
        if status == LATE:
            await asyncio.sleep(self.late_s)
        said = json.dumps({"challenge": challenge}) if challenge else ""
        times = 2 if status == TWICE else 1
        code = status if status > 0 else 200
        length = "" if status == ENDLESS else f"content-length: {len(said)}\r\n"
        for _ in range(times):
            writer.write(f"HTTP/1.1 {code} X\r\n{length}{self.extra}\r\n{said}".encode())
        await writer.drain()
        self.answering[post.id] += 1
        while status == ENDLESS:
            writer.write(b"x" * 65536)
            await writer.drain()


@asynccontextmanager
async def receiving(**options: Any) -> AsyncIterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(**options)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for task in receiver.serving:
            task.cancel()
        await asyncio.gather(*receiver.serving, return_exceptions=True)
