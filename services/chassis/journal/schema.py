"""Tables of a journal: one a service, in the service's own database."""

from __future__ import annotations

# entry: every event in and every event out. The primary key is the dedupe, for good; the rows of a concern in order of
# seq fold to its state.
#   origin    e event in   a act in   t timer in   o event out   p pointer to a parked record (out, no history)
#   outgoing  to be sent to Kafka
# outbox: the outgoing rows not yet sent, filled by the database itself, so that no writer can forget to. It is a table
# of its own because marking a row of entry as sent would write the whole row and all its index entries anew (measured:
# more than half of the database's work). Its order within a concern is that of entry, since a concern is locked.
# concern: one row to lock, so that one concern's changes take turns.
# take_up: what a transaction begins with, in one call: the concerns made or locked, in the order they are given, and
# then, seeing what others wrote while it waited for the locks (each statement of a function looks anew), which inputs
# are known, which are parked, which timers fell due before what came (`came`: per concern a time, or NULL where that is
# not asked), and the past of the concerns that have one.
# next_unsent: what the publisher goes on with, in one call: the sent rows out, the next ones read. By the index: the
# table is empty whenever the planner looks at it, and full of dead rows when it matters; the publisher sweeps it.
SCHEMA = """
CREATE TABLE IF NOT EXISTS concern (
    concern_id uuid PRIMARY KEY,
    held boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS entry (
    event_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    concern_id uuid NOT NULL,
    cause_id uuid,
    origin text NOT NULL CHECK (origin IN ('e', 'a', 't', 'o', 'p')),
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint,
    type text NOT NULL,
    recorded timestamptz NOT NULL,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    digest bytea NOT NULL,
    outgoing boolean NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_fold ON entry (concern_id, seq);
CREATE INDEX IF NOT EXISTS entry_cause ON entry (cause_id) WHERE origin = 'o';
CREATE TABLE IF NOT EXISTS outbox (
    seq bigint PRIMARY KEY,
    lane text NOT NULL,
    event_id uuid NOT NULL
);
CREATE OR REPLACE FUNCTION fill_outbox() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO outbox (seq, lane, event_id)
    SELECT seq, topic || '/' || partition, event_id FROM written WHERE outgoing;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER entry_outbox AFTER INSERT ON entry
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION fill_outbox();
CREATE TABLE IF NOT EXISTS timer (
    concern_id uuid NOT NULL,
    name text NOT NULL,
    due timestamptz NOT NULL,
    PRIMARY KEY (concern_id, name)
);
CREATE INDEX IF NOT EXISTS timer_due ON timer (due);
CREATE TABLE IF NOT EXISTS parked (
    parked_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    concern_id uuid,
    event_id uuid,
    event_type text NOT NULL,
    emergency boolean NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    sealed bytea NOT NULL,
    parked_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'replayed', 'discarded')),
    resolved_at timestamptz,
    resolved_by text,
    resolved_reason text
);
CREATE INDEX IF NOT EXISTS parked_open ON parked (concern_id, seq) WHERE state = 'parked';
CREATE INDEX IF NOT EXISTS parked_origin ON parked (topic, partition, kafka_offset);
CREATE OR REPLACE FUNCTION take_up(
    concerns uuid[], inputs uuid[], topics text[], partitions integer[], firsts bigint[], lasts bigint[],
    came timestamptz[]
) RETURNS TABLE (
    what text, id uuid, held boolean, recorded timestamptz, digest bytea, topic text, headers bytea, value bytea
) LANGUAGE plpgsql AS $$
DECLARE
    made uuid[];
BEGIN
    WITH new AS (INSERT INTO concern (concern_id) SELECT unnest(concerns) ON CONFLICT DO NOTHING RETURNING concern_id)
    SELECT coalesce(array_agg(new.concern_id), '{}') INTO made FROM new;
    RETURN QUERY SELECT 'concern', c.concern_id, c.held, NULL::timestamptz, NULL::bytea, NULL, NULL::bytea, NULL::bytea
        FROM concern c WHERE c.concern_id = ANY(concerns) ORDER BY c.concern_id FOR UPDATE;
    RETURN QUERY SELECT 'known', e.event_id, NULL::boolean, e.recorded, e.digest, NULL, NULL::bytea, NULL::bytea
        FROM entry e WHERE e.event_id = ANY(inputs);
    RETURN QUERY SELECT 'parked', p.parked_id, NULL::boolean, p.parked_at, NULL::bytea, NULL, NULL::bytea, NULL::bytea
        FROM unnest(topics, partitions, firsts, lasts) AS taken (topic, partition, first, last)
        JOIN parked p ON p.topic = taken.topic AND p.partition = taken.partition
            AND p.kafka_offset BETWEEN taken.first AND taken.last;
    IF cardinality(made) < cardinality(concerns) THEN
        RETURN QUERY SELECT 'due', t.concern_id, NULL::boolean, t.due, NULL::bytea, t.name, NULL::bytea, NULL::bytea
            FROM unnest(concerns, came) AS asked (concern_id, at)
            JOIN timer t ON t.concern_id = asked.concern_id AND t.due <= asked.at ORDER BY t.due, t.name;
        RETURN QUERY SELECT 'past', e.concern_id, NULL::boolean, e.recorded, NULL::bytea, e.topic, e.headers, e.value
            FROM entry e WHERE e.concern_id = ANY(concerns) AND e.concern_id <> ALL(made) AND e.origin IN ('e', 'o')
            ORDER BY e.concern_id, e.seq;
    END IF;
END $$;
CREATE OR REPLACE FUNCTION next_unsent(sent bigint[], lanes text[], rows_max integer, bytes_max bigint) RETURNS TABLE (
    seq bigint, event_id uuid, concern_id uuid, topic text, partition integer, headers bytea, value bytea,
    recorded timestamptz
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM outbox WHERE seq = ANY(sent);
    RETURN QUERY
        SELECT seq, event_id, concern_id, topic, partition, headers, value, recorded FROM (
            SELECT o.seq, e.event_id, concern_id, topic, partition, headers, value, recorded,
                sum(length(value)) OVER (ORDER BY o.seq) - length(value) AS bytes_before
            FROM (SELECT seq, event_id FROM outbox WHERE lane = ANY(lanes) ORDER BY seq LIMIT rows_max) o
            JOIN entry e ON e.event_id = o.event_id
        ) unsent WHERE bytes_before < bytes_max ORDER BY seq;
END $$;
"""
