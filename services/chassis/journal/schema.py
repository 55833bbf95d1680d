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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
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
"""
