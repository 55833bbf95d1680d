"""What both kinds of keys promise: those in memory, and those of the vault behind its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from services.chassis.event import KeyScope
from services.chassis.keys import Keys, MemoryKeys
from services.vault import store

WHY = "consent_withdrawn"


@dataclass(frozen=True)
class Kind:
    """One kind of keys, and what only the vault may do to them."""

    keys: Keys
    resume: Callable[..., Awaitable[tuple[str, ...]]]
    destroy: Callable[..., Awaitable[tuple[str, ...]]]


@asynccontextmanager
async def _memory() -> AsyncIterator[Kind]:
    keys = MemoryKeys()

    async def resume(concern_id, **selection):
        return keys.resume(concern_id, **selection)

    async def destroy(concern_id, **selection):
        return keys.destroy(concern_id, **selection)

    yield Kind(keys, resume, destroy)


@pytest.fixture(params=["memory", pytest.param("vault", marks=pytest.mark.database)])
def kind(request: pytest.FixtureRequest):
    """Either kind, entered with ``async with``."""
    if request.param == "memory":
        return _memory
    new_vault = request.getfixturevalue("new_vault")

    @asynccontextmanager
    async def vault() -> AsyncIterator[Kind]:
        async with new_vault() as vault, vault.keys("intake") as keys:

            async def resume(concern_id, **selection):
                return await store.resume(vault.owner, concern_id, reason="resumed", **selection)

            async def destroy(concern_id, **selection):
                return await store.destroy(vault.owner, concern_id, reason="erased", **selection)

            yield Kind(keys, resume, destroy)

    return vault


def a_concern() -> str:
    """An id of a concern."""
    return str(uuid4())


async def opened(it: Kind, *key_ids: str) -> set[str]:
    """The ids of those that open now."""
    return set(await it.keys.open(key_ids, purpose="assess", fresh=True))


async def test_a_scope_has_one_key(kind) -> None:
    """Asked again, alone or among others, a scope gives the same key; another scope gives another."""
    async with kind() as it:
        concern_id = a_concern()
        whole, person = KeyScope(concern_id), KeyScope(concern_id, "p1")

        first = await it.keys.issue([whole])
        both = await it.keys.issue([person, whole, person])

        assert both[whole] == first[whole]
        assert both[person].key_id != both[whole].key_id
        assert both[person].secret != both[whole].secret
        assert all(len(key.secret) == 64 for key in both.values())


async def test_every_part_of_a_scope_counts(kind) -> None:
    """Person, consent and share each make another key."""
    async with kind() as it:
        concern_id = a_concern()
        scopes = [
            KeyScope(concern_id),
            KeyScope(concern_id, "x"),
            KeyScope(concern_id, "x", "x"),
            KeyScope(concern_id, "", "x"),
            KeyScope(concern_id, share_id="x"),
            KeyScope(a_concern()),
        ]

        keys = await it.keys.issue(scopes)

        assert len({key.key_id for key in keys.values()}) == len(scopes)


async def test_nothing_asked_nothing_given(kind) -> None:
    """An empty collection is answered at once."""
    async with kind() as it:
        assert await it.keys.issue([]) == {}
        assert await it.keys.open([], purpose="assess") == {}


async def test_a_key_opens_by_its_id(kind) -> None:
    """What was issued opens, as the same secret; unknown ids, of whatever form, are not in the answer."""
    async with kind() as it:
        issued = (await it.keys.issue([KeyScope(a_concern())])).values()
        (key,) = issued

        found = await it.keys.open([key.key_id, str(uuid4()), "no id at all"], purpose="assess", fresh=True)

        assert found == {key.key_id: key}


async def test_a_purpose_is_a_code(kind) -> None:
    """Nothing opens without a stated purpose, and words are not one."""
    async with kind() as it:
        for purpose in ("", "Because I want to", "x" * 41):
            with pytest.raises(ValueError, match="code"):
                await it.keys.open([str(uuid4())], purpose=purpose)


async def test_a_concern_is_named_by_its_id(kind) -> None:
    """A scope without the id of a concern is a mistake of the caller."""
    async with kind() as it:
        with pytest.raises(ValueError, match="UUID"):
            await it.keys.issue([KeyScope("SMITH-2018-05-02")])


async def test_a_withdrawn_consent_takes_its_keys_with_it(kind) -> None:
    """All keys that rest on the consent, whoever they are about, and no other."""
    async with kind() as it:
        concern_id = a_concern()
        resting = [KeyScope(concern_id, "p1", "c1"), KeyScope(concern_id, "p2", "c1")]
        others = [KeyScope(concern_id), KeyScope(concern_id, "p1"), KeyScope(concern_id, "p1", "c2")]
        keys = await it.keys.issue([*resting, *others])

        suspended = await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY)

        assert suspended == tuple(sorted(keys[scope].key_id for scope in resting))
        assert await opened(it, *(key.key_id for key in keys.values())) == {keys[s].key_id for s in others}
        assert set(await it.keys.issue([*resting, *others])) == set(others)


async def test_suspending_again_moves_nothing(kind) -> None:
    """A repeat is harmless and tells that nothing moved."""
    async with kind() as it:
        concern_id = a_concern()
        await it.keys.issue([KeyScope(concern_id, "p1", "c1")])
        await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY)

        assert await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY) == ()


async def test_a_key_not_made_yet_is_suspended_too(kind) -> None:
    """What rests on a withdrawn consent is not sealed later under a fresh key either."""
    async with kind() as it:
        concern_id = a_concern()
        await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY)

        late = KeyScope(concern_id, "p9", "c1")
        assert await it.keys.issue([late]) == {}

        resumed = await it.resume(concern_id, consent_ref="c1")
        keys = await it.keys.issue([late])
        assert set(keys) == {late}
        assert set(resumed) <= {keys[late].key_id}


async def test_named_keys_are_suspended_within_their_concern(kind) -> None:
    """Ids of another concern are passed over."""
    async with kind() as it:
        concern_id, other = a_concern(), a_concern()
        keys = await it.keys.issue([KeyScope(concern_id), KeyScope(other)])
        ids = [key.key_id for key in keys.values()]

        suspended = await it.keys.suspend(concern_id, key_ids=ids, reason=WHY)

        assert suspended == (keys[KeyScope(concern_id)].key_id,)
        assert await opened(it, *ids) == {keys[KeyScope(other)].key_id}


async def test_what_to_suspend_is_named_in_one_way(kind) -> None:
    """Neither or both is a mistake, and the reason is a code."""
    async with kind() as it:
        concern_id = a_concern()
        with pytest.raises(ValueError, match="either"):
            await it.keys.suspend(concern_id, reason=WHY)
        with pytest.raises(ValueError, match="either"):
            await it.keys.suspend(concern_id, consent_ref="c", key_ids=[str(uuid4())], reason=WHY)
        with pytest.raises(ValueError, match="code"):
            await it.keys.suspend(concern_id, consent_ref="c", reason="She changed her mind")


async def test_resumed_keys_open_as_before(kind) -> None:
    """Consent was not the basis: the same keys open again."""
    async with kind() as it:
        concern_id = a_concern()
        scope = KeyScope(concern_id, "p1", "c1")
        before = await it.keys.issue([scope])
        await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY)

        resumed = await it.resume(concern_id, consent_ref="c1")

        assert resumed == (before[scope].key_id,)
        assert await it.keys.issue([scope]) == before


async def test_a_destroyed_key_never_comes_back(kind) -> None:
    """It does not open, is not resumed, and its scope gets no other."""
    async with kind() as it:
        concern_id = a_concern()
        scope = KeyScope(concern_id, "p1")
        key = (await it.keys.issue([scope]))[scope]

        assert await it.destroy(concern_id, key_ids=[key.key_id]) == (key.key_id,)

        assert await opened(it, key.key_id) == set()
        assert await it.resume(concern_id, key_ids=[key.key_id]) == ()
        assert await it.destroy(concern_id, key_ids=[key.key_id]) == ()
        fresh_client_answer = await it.keys.open([key.key_id], purpose="assess", fresh=True)
        assert fresh_client_answer == {}
        assert await it.keys.issue([scope]) == {}


async def test_one_person_of_many_is_erased_alone(kind) -> None:
    """Everything about that person goes, also what rests on a consent; the others and the concern stay."""
    async with kind() as it:
        concern_id = a_concern()
        gone = [KeyScope(concern_id, "p1"), KeyScope(concern_id, "p1", "c1")]
        stay = [KeyScope(concern_id), KeyScope(concern_id, "p2"), KeyScope(concern_id, "p2", "c1")]
        keys = await it.keys.issue([*gone, *stay])

        destroyed = await it.destroy(concern_id, person_id="p1")

        assert destroyed == tuple(sorted(keys[scope].key_id for scope in gone))
        assert await opened(it, *(key.key_id for key in keys.values())) == {keys[s].key_id for s in stay}
        assert await it.keys.issue([KeyScope(concern_id, "p1", "c2"), KeyScope(concern_id, "p1")]) == {}


async def test_a_suspended_key_can_be_destroyed(kind) -> None:
    """Withdrawal first, erasure after; a withdrawal that comes after changes nothing any more."""
    async with kind() as it:
        concern_id = a_concern()
        scope = KeyScope(concern_id, "p1", "c1")
        key = (await it.keys.issue([scope]))[scope]
        await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY)

        assert await it.destroy(concern_id, consent_ref="c1") == (key.key_id,)
        assert await it.keys.suspend(concern_id, consent_ref="c1", reason=WHY) == ()
        assert await it.resume(concern_id, consent_ref="c1") == ()
        assert await it.keys.issue([KeyScope(concern_id, "p2", "c1")]) == {}


async def test_a_whole_concern_is_erased(kind) -> None:
    """Nothing of it opens, shares included, and nothing can be sealed in it any more; other concerns are untouched."""
    async with kind() as it:
        concern_id, other = a_concern(), KeyScope(a_concern())
        scopes = [KeyScope(concern_id), KeyScope(concern_id, "p"), KeyScope(concern_id, share_id="s")]
        keys = await it.keys.issue([*scopes, other])

        assert len(await it.destroy(concern_id)) == len(scopes)

        assert await opened(it, *(key.key_id for key in keys.values())) == {keys[other].key_id}
        late = [KeyScope(concern_id, share_id="another"), KeyScope(concern_id, "q", "c"), other]
        assert set(await it.keys.issue(late)) == {other}


async def test_the_id_key_is_always_the_same(kind) -> None:
    """A concern's id is made with it, so it must never change."""
    async with kind() as it:
        first, second = await asyncio.gather(it.keys.id_key(), it.keys.id_key())

        assert first == second == await it.keys.id_key()
        assert len(first.secret) == 64
