"""The cache of keys: bounded in time and in size, whatever order answers arrive in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.clock import StillClock
from services.chassis.event import KeyScope
from services.chassis.keys.cache import KeyCache
from services.chassis.sealing import Key

HELD_S = 5.0
KEYS_MAX = 8


def a_cache() -> tuple[KeyCache, StillClock]:
    """Make a small one and its clock."""
    clock = StillClock(datetime(2026, 3, 2, tzinfo=UTC))
    return KeyCache(clock, held_s=HELD_S, keys_max=KEYS_MAX), clock


def a_key(number: int) -> Key:
    """Make a key of that number."""
    return Key(f"k{number}", bytes(64))


def test_age_counts_from_before_the_question() -> None:
    """An answer that took three seconds is held for two."""
    cache, clock = a_cache()
    clock.advance(timedelta(seconds=3))
    cache.put(a_key(1), asked_at=0.0)
    clock.advance(timedelta(seconds=1.9))
    assert cache.get("k1") == a_key(1)

    clock.advance(timedelta(seconds=0.1))

    assert cache.get("k1") is None


def test_an_older_answer_does_not_shorten_a_newer_one() -> None:
    """Answers overtake each other; the newest question counts."""
    cache, clock = a_cache()
    clock.advance(timedelta(seconds=4))
    cache.put(a_key(1), asked_at=4.0)
    cache.put(a_key(1), asked_at=1.0)

    clock.advance(timedelta(seconds=4.9))

    assert cache.get("k1") == a_key(1)


def test_a_scope_is_known_until_its_key_goes() -> None:
    """Opening a key by id does not make its scope forgotten; dropping it does."""
    cache, _ = a_cache()
    scope = KeyScope("c")
    cache.put(a_key(1), asked_at=0.0, scope=scope)
    cache.put(a_key(1), asked_at=0.0)
    assert cache.of_scope(scope) == a_key(1)

    cache.drop(["k1", "never held"])

    assert cache.of_scope(scope) is None


_PUTS = st.tuples(st.integers(0, 20), st.floats(0, 3), st.booleans())


@given(st.lists(_PUTS, max_size=60))
def test_it_never_holds_too_many_or_too_old(puts: list[tuple[int, float, bool]]) -> None:
    """Whatever is put when: at most so many, nothing old, and no scope without its key."""
    cache, clock = a_cache()
    asked: dict[str, float] = {}

    for number, elapsed_s, scoped in puts:
        clock.advance(timedelta(seconds=elapsed_s))
        cache.put(a_key(number), asked_at=clock.monotonic(), scope=KeyScope(f"c{number}") if scoped else None)
        asked[f"k{number}"] = clock.monotonic()

        assert len(cache) <= KEYS_MAX
        for key_id, asked_at in asked.items():
            if clock.monotonic() - asked_at >= HELD_S:
                assert cache.get(key_id) is None
        assert cache.get(f"k{number}") is not None
        assert len(cache._ids) <= len(cache)
