"""Full assessment on one core: 10 classes of recipient, 4 categories, sealed parts in and the recorded event out.

From the bytes of ``ConcernRaised`` on Kafka to the bytes of what is recorded: decoded, opened, folded, assessed by the
shipped law pack and encoded. The core remembers answers it gave to cases no clause can tell apart; *anew* forgets them
before each concern, which is the floor. Growth is that of the floor: packs of 20 to 160 clauses made from the shipped
one. Seconds are of processor time, so that what else runs on the machine does not count; the first lap is not measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from time import process_time
from typing import Final
from uuid import UUID, uuid5

from bench.measure import Bench
from bench.rows import Row
from concern_relay.v1.codes_pb2 import Category, ConcernLevel, ConsentAbsence, PersonRole, Ternary, Trigger
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import ConcernDetail, Item, Part, Person
from services.basis_assessment import pack as p
from services.basis_assessment.core import BasisCore
from services.basis_assessment.facts import LAW_FACTS
from services.basis_assessment.pack import LawBook, LawClause, LawPack
from services.basis_assessment.pack import Row as LawRow
from services.basis_assessment.pack_document import read_book
from services.chassis.arrangement import Arrangement, ArrangementBook
from services.chassis.clauses import Clause, Condition
from services.chassis.envelope import Event, Record, decode, encode
from services.chassis.event import effect_id
from services.chassis.journal import opened
from services.chassis.sealing import Key, seal

CONCERNS_S_MIN: Final = 2_000
CLASSES: Final = 10
CATEGORIES: Final = ("welfare", "physical_health", "criminal_offence", "education")
GROWTH: Final = (20, 40, 80, 160)
VARIED: Final = 400
"""Distinct concerns; they come round again, as do cases that no clause can tell apart."""
SPACE: Final = UUID("3b0a5a0e-6a1f-4f0e-9a53-2f6a1c1b7d42")
NOW: Final = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY: Final = Key("bench", bytes(range(64)))
SENDERS: Final = ("larkfield-primary", "open-door-charity", "kent-community-health", "kent-police")


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure ``runs`` times, over ``count`` concerns."""
    del bench  # one process, no servers
    pack = read_book().on(NOW.date())
    arrangement = _ten(ArrangementBook.load().on(NOW.date()))
    given = [_record(number) for number in range(VARIED)]
    some = max(VARIED, count // 20)
    usual, anew = list[float](), list[float]()
    grown: dict[int, list[float]] = {clauses: [] for clauses in GROWTH}
    for _ in range(runs):
        usual.append(_assessed(_core(pack, arrangement), given, count // 2))
        anew.append(_assessed(_core(pack, arrangement), given, some, forget=True))
        for clauses in GROWTH:
            grown[clauses].append(_assessed(_core(_of_size(pack, clauses), arrangement), given, some, forget=True))
    return [
        Row("full assessment, 10 classes x 4 categories, sealed in, encoded out", "concerns/CPU s", tuple(usual),
            at_least=CONCERNS_S_MIN),
        Row(f"the same, nothing remembered ({len(pack.clauses)} clauses)", "concerns/CPU s", tuple(anew)),
        *(Row(f"the same, a pack of {n} clauses", "concerns/CPU s", tuple(found)) for n, found in grown.items()),
    ]  # fmt: skip


def _core(pack: LawPack, arrangement: Arrangement) -> BasisCore:
    return BasisCore(LawBook((pack,)), ArrangementBook((arrangement,)))


def _assessed(core: BasisCore, given: Sequence[Record], count: int, *, forget: bool = False) -> float:
    """Give how many concerns a second are assessed."""
    keys = {KEY.key_id: KEY}
    engines = list(core._engines.values())  # noqa: SLF001  (what is remembered has no other door)
    if not forget:
        for record in given:
            event = decode(record)
            core.decide(core.start(event.concern_id), opened(event, keys))
    went_out = 0
    began = process_time()
    for number in range(count):
        if forget:
            for engine in engines:
                engine._cases.clear()  # noqa: SLF001
        event = decode(given[number % len(given)])
        fact = opened(event, keys)
        decision = core.decide(core.start(event.concern_id), fact)
        for effect in decision.effects:
            out = Event(
                id=effect_id(event.id, effect.type, effect.key),
                type=effect.type,
                topic="assessments.v1",
                source="//concern-relay/basis_assessment",
                time=NOW,
                recorded=NOW,
                concern_id=event.concern_id,
                causation_id=event.id,
                based_on=(("concerns.v1", event.id),),
                data=effect.data,
                traceparent=event.traceparent,
            )
            went_out += len(encode(out).value)
    took = process_time() - began
    if not went_out:
        raise RuntimeError("nothing was assessed")
    return count / took


def _ten(arrangement: Arrangement) -> Arrangement:
    return replace(arrangement, matrix=dict(islice(arrangement.matrix.items(), CLASSES)))


def _record(number: int) -> Record:
    """Give the n-th concern as it lies on Kafka: one child, one adult, an item of each of four categories."""
    draw = random.Random(number)
    concern_id, event_id = str(uuid5(SPACE, f"concern {number}")), uuid5(SPACE, f"event {number}")
    detail = ConcernDetail(
        level=draw.choice([ConcernLevel.Value(f"CONCERN_LEVEL_{w}") for w in ("CHILD_IN_NEED", "SIGNIFICANT_HARM")]),
        triggers=draw.sample([v for v in Trigger.values() if v][:20], draw.randint(0, 2)),
        suspected_crime=draw.choice(list(Ternary.values())),
        consent_absence=draw.choice(list(ConsentAbsence.values())),
    )
    child, adult = "child", "adult"
    parts = {
        "detail": Part(detail=detail),
        child: Part(person=Person(person_id=child, role=PersonRole.PERSON_ROLE_CHILD)),
        adult: Part(person=Person(person_id=adult, role=PersonRole.PERSON_ROLE_ADULT_OF_CONCERN)),
    }
    for word in CATEGORIES:
        category = Category.Value(f"CATEGORY_{word.upper()}")
        about = draw.choice((child, adult))
        item = Item(item_id=word, category=category, about_person_id=about, core=word == "welfare", text="x" * 120)
        parts[word] = Part(item=item)
    data = ConcernRaised(
        concern_id=concern_id,
        agency_id=SENDERS[number % len(SENDERS)],
        parts=[seal(KEY, event_id, part_id, part) for part_id, part in parts.items()],
    )
    event = Event(
        id=event_id,
        type="ConcernRaised",
        topic="concerns.v1",
        source="//concern-relay/intake",
        time=NOW,
        recorded=NOW,
        concern_id=concern_id,
        causation_id=None,
        based_on=(),
        data=data,
        traceparent=f"00-{number + 1:032x}-00f067aa0ba902b7-01",
    )
    return encode(event)


def _of_size(pack: LawPack, clauses: int) -> LawPack:
    """Give a pack of so many clauses: the last rows of each table, and rows above them that take a look and go on."""
    kept = {table: tuple(given[-1:]) for table, given in pack.tables.items()}
    needed = {code for given in kept.values() for row in given for code in _read(row.clause)}
    codes = LAW_FACTS["triggers"].codes
    more = []
    for number in range(clauses - len(needed)):
        look = Condition("has", fact="triggers", value=codes[number % len(codes)])
        never = Condition("in", fact="told", value=frozenset({"no such force"}))
        more.append(Clause(f"more_{number}", Condition("all", (look, never))))
    worded = {c.code: LawClause(c, "a clause of the bench", ()) for c in more}
    kept[p.CLASS_OUTCOME] = (*(LawRow(c) for c in more[::2]), *kept[p.CLASS_OUTCOME])
    kept[p.ITEMS] = (*(LawRow(c) for c in more[1::2]), *kept[p.ITEMS])
    return replace(pack, sha256=f"bench {clauses}", clauses={**pack.clauses, **worded}, tables=kept)


def _read(clause: Clause) -> set[str]:
    found = {clause.code}
    waiting = [clause.condition]
    while waiting:
        condition = waiting.pop()
        if condition.clause is not None:
            found |= _read(condition.clause)
        waiting += condition.parts
    return found
