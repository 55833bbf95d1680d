-- The vault: keys, who opened them, and who may.
--
-- Applied whole at every start of the vault, by the owner of the database, in one transaction. Services log in with
-- roles of their own and reach the functions granted at the end; nobody but the owner has a right to any table.
-- No bare key is ever in this database: what is stored was wrapped by the KMS, outside.
--
-- Locks: (1986098540, 1) is held shared by whoever makes keys, and alone by whoever changes what holds for keys that
-- do not exist yet (suspend, resume, destroy, retire a wrapping key). So nothing is made that was just forbidden.

SELECT pg_advisory_xact_lock(1986098540, 0);  -- one migration at a time

CREATE SCHEMA IF NOT EXISTS vault;
REVOKE ALL ON SCHEMA vault FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- What keys are wrapped under. Its secret is in the KMS. Retiring: nothing new is wrapped under it.
CREATE TABLE IF NOT EXISTS vault.wrapping_key (
    wrapping_key_id text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('active', 'retiring', 'destroyed')),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX IF NOT EXISTS wrapping_key_one_active ON vault.wrapping_key (state) WHERE state = 'active';

-- One key a scope, for ever: a destroyed one stays as a tombstone, so that none is made in its place.
-- Room is left on each page, since every row is rewritten when it is re-wrapped.
CREATE TABLE IF NOT EXISTS vault.key (
    key_id uuid PRIMARY KEY,
    concern_id uuid NOT NULL,
    person_id text NOT NULL,
    consent_ref text NOT NULL,
    share_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'destroyed')),
    wrapped bytea,
    wrapping_key_id text REFERENCES vault.wrapping_key,
    issued_to name NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (concern_id, person_id, consent_ref, share_id),
    CHECK ((state = 'destroyed') = (wrapped IS NULL)),
    CHECK ((wrapped IS NULL) = (wrapping_key_id IS NULL))
) WITH (fillfactor = 70);

-- What holds for keys of a concern that do not exist yet. An empty person or consent means any.
CREATE TABLE IF NOT EXISTS vault.standing (
    concern_id uuid NOT NULL,
    person_id text NOT NULL,
    consent_ref text NOT NULL,
    state text NOT NULL CHECK (state IN ('suspended', 'destroyed')),
    reason text NOT NULL,
    by_role name NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (concern_id, person_id, consent_ref)
);

-- The key that concern ids are made with: one row, never changed, re-wrapped like the others.
CREATE TABLE IF NOT EXISTS vault.id_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key_id uuid NOT NULL,
    wrapped bytea NOT NULL,
    wrapping_key_id text NOT NULL REFERENCES vault.wrapping_key
);

-- Every opening, issuing included: one row a call. What was asked for and not given is here too.
CREATE TABLE IF NOT EXISTS vault.opening (
    opening_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    role name NOT NULL,
    purpose text NOT NULL,
    count integer NOT NULL,
    key_ids uuid[] NOT NULL,
    refused uuid[] NOT NULL
);
CREATE INDEX IF NOT EXISTS opening_at ON vault.opening USING brin (at);

-- What happened to keys and is not yet in the vault's journal; written with the change itself.
CREATE TABLE IF NOT EXISTS vault.pending_event (
    event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    type text NOT NULL CHECK (type IN ('KeySuspended', 'KeyResumed', 'KeyDestroyed')),
    concern_id uuid NOT NULL,
    key_ids uuid[] NOT NULL,
    reason text NOT NULL,
    by_role name NOT NULL,
    journaled_at timestamptz
);
CREATE INDEX IF NOT EXISTS pending_event_open ON vault.pending_event (seq) WHERE journaled_at IS NULL;

-- Roles that may open only for a purpose listed here; a role without a row states any code.
CREATE TABLE IF NOT EXISTS vault.stated_purpose (
    role name NOT NULL,
    purpose text NOT NULL,
    PRIMARY KEY (role, purpose)
);
INSERT INTO vault.stated_purpose (role, purpose)
SELECT 'relay_workbench', unnest(ARRAY['replay', 'explain', 'as_of', 'disclosures', 'export'])
ON CONFLICT DO NOTHING;

-- A snapshot older than the call would show keys as they were before they were suspended or destroyed.
CREATE OR REPLACE FUNCTION vault.refuse_old_snapshot() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'the vault answers only at isolation level read committed: call it outside a transaction';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION vault.active_wrapping_key() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT w.wrapping_key_id FROM vault.wrapping_key w WHERE w.state = 'active'
$$;

-- Nothing is wrapped any more under a key that is about to be destroyed. Holds the lock until the transaction ends.
CREATE OR REPLACE FUNCTION vault.demand_active(wrapping_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1986098540, 1);
    IF NOT EXISTS (
        SELECT FROM vault.wrapping_key w WHERE w.wrapping_key_id = wrapping_id AND w.state = 'active'
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'RV001',
            MESSAGE = 'that wrapping key is not active: ask for the active one and wrap again';
    END IF;
END $$;

-- Give the keys of scopes, in any order, by their place n in the arrays. Where a scope has none yet, the wrapped key
-- that came with it becomes it: of two callers the first wins, and both are given the winner's.
CREATE OR REPLACE FUNCTION vault.issue_keys(
    concern_ids uuid[], person_ids text[], consent_refs text[], share_ids text[],
    new_key_ids uuid[], new_wrapped bytea[], wrapping_id text
) RETURNS TABLE (n bigint, key_id uuid, wrapped bytea, wrapping_key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF cardinality(concern_ids) > 2000 THEN
        RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'ask for at most 2000 keys in one call';
    END IF;
    PERFORM vault.refuse_old_snapshot();
    PERFORM vault.demand_active(wrapping_id);

    INSERT INTO vault.key
        (key_id, concern_id, person_id, consent_ref, share_id, state, wrapped, wrapping_key_id, issued_to)
    SELECT a.new_id, a.concern_id, a.person_id, a.consent_ref, a.share_id,
           coalesce(standing.state, 'active'), a.new_wrapped, wrapping_id, session_user
    FROM unnest(concern_ids, person_ids, consent_refs, share_ids, new_key_ids, new_wrapped)
        AS a (concern_id, person_id, consent_ref, share_id, new_id, new_wrapped)
    LEFT JOIN LATERAL (
        SELECT min(s.state) AS state  -- 'destroyed' sorts before 'suspended'
        FROM vault.standing s
        WHERE s.concern_id = a.concern_id
          AND s.person_id IN ('', a.person_id) AND s.consent_ref IN ('', a.consent_ref)
    ) standing ON true
    WHERE standing.state IS DISTINCT FROM 'destroyed'
    ORDER BY a.concern_id, a.person_id, a.consent_ref, a.share_id  -- two callers never wait for each other
    ON CONFLICT (concern_id, person_id, consent_ref, share_id) DO NOTHING;

    RETURN QUERY
    WITH found AS (
        SELECT a.n, k.key_id, k.wrapped, k.wrapping_key_id
        FROM unnest(concern_ids, person_ids, consent_refs, share_ids) WITH ORDINALITY
            AS a (concern_id, person_id, consent_ref, share_id, n)
        JOIN vault.key k USING (concern_id, person_id, consent_ref, share_id)
        WHERE k.state = 'active'
    ), logged AS (
        INSERT INTO vault.opening (role, purpose, count, key_ids, refused)
        SELECT session_user, 'issue', count(*), array_agg(found.key_id), '{}' FROM found HAVING count(*) > 0
    )
    SELECT found.n, found.key_id, found.wrapped, found.wrapping_key_id FROM found;
END $$;

-- Give keys by id. Suspended, destroyed and unknown ones are not in the answer, but in the log.
CREATE OR REPLACE FUNCTION vault.open_keys(asked_ids uuid[], stated text)
RETURNS TABLE (key_id uuid, wrapped bytea, wrapping_key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF cardinality(asked_ids) > 2000 THEN
        RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'ask for at most 2000 keys in one call';
    END IF;
    PERFORM vault.refuse_old_snapshot();
    IF stated IS NULL OR stated !~ '^[a-z][a-z0-9_]{2,39}$' OR (
        EXISTS (SELECT FROM vault.stated_purpose p WHERE p.role = session_user)
        AND NOT EXISTS (SELECT FROM vault.stated_purpose p WHERE p.role = session_user AND p.purpose = stated)
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'keys are not opened for that purpose: state one of those in vault.stated_purpose';
    END IF;

    RETURN QUERY
    WITH asked AS (
        SELECT DISTINCT id FROM unnest(asked_ids) AS id
    ), found AS (
        SELECT k.key_id, k.wrapped, k.wrapping_key_id
        FROM asked JOIN vault.key k ON k.key_id = asked.id
        WHERE k.state = 'active'
    ), logged AS (
        INSERT INTO vault.opening (role, purpose, count, key_ids, refused)
        SELECT session_user, stated, count(found.key_id),
               coalesce(array_agg(asked.id) FILTER (WHERE found.key_id IS NOT NULL), '{}'),
               coalesce(array_agg(asked.id) FILTER (WHERE found.key_id IS NULL), '{}')
        FROM asked LEFT JOIN found ON found.key_id = asked.id
        HAVING count(*) > 0
    )
    SELECT found.key_id, found.wrapped, found.wrapping_key_id FROM found;
END $$;

-- Give the id-key; the first caller's candidate becomes it.
CREATE OR REPLACE FUNCTION vault.id_key(new_key_id uuid, new_wrapped bytea, wrapping_id text)
RETURNS TABLE (key_id uuid, wrapped bytea, wrapping_key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM vault.refuse_old_snapshot();
    PERFORM vault.demand_active(wrapping_id);
    INSERT INTO vault.id_key (key_id, wrapped, wrapping_key_id)
    VALUES (new_key_id, new_wrapped, wrapping_id) ON CONFLICT DO NOTHING;

    RETURN QUERY
    WITH logged AS (
        INSERT INTO vault.opening (role, purpose, count, key_ids, refused)
        SELECT session_user, 'id_key', 1, ARRAY[i.key_id], '{}' FROM vault.id_key i
    )
    SELECT i.key_id, i.wrapped, i.wrapping_key_id FROM vault.id_key i;
END $$;

-- Move keys of a concern from states to a state, and note the event: the named keys, else those of a person and a
-- consent, where empty means any; of one share alone, of the sender's own copy (empty), or of all (null). Gives the keys
-- that moved.
DROP FUNCTION IF EXISTS vault.move_keys(uuid, text, text, uuid[], text[], text, text, text);
CREATE OR REPLACE FUNCTION vault.move_keys(
    concern uuid, person text, consent text, named uuid[], from_states text[], to_state text, event_type text, why text,
    share text DEFAULT NULL
) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved uuid[];
BEGIN
    IF why IS NULL OR why !~ '^[a-z][a-z0-9_]{2,39}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the reason must be a code: 3 to 40 characters of a-z, 0-9 and _, a letter first';
    END IF;
    WITH changed AS (
        UPDATE vault.key k
        SET state = to_state, changed_at = clock_timestamp(),
            wrapped = CASE WHEN to_state = 'destroyed' THEN NULL ELSE k.wrapped END,
            wrapping_key_id = CASE WHEN to_state = 'destroyed' THEN NULL ELSE k.wrapping_key_id END
        WHERE k.concern_id = concern AND k.state = ANY (from_states)
          AND CASE WHEN cardinality(named) > 0 THEN k.key_id = ANY (named)
              ELSE person IN ('', k.person_id) AND consent IN ('', k.consent_ref) END
          AND (share IS NULL OR k.share_id = share)
        RETURNING k.key_id
    )
    SELECT array_agg(changed.key_id ORDER BY changed.key_id) INTO moved FROM changed;
    IF moved IS NOT NULL THEN
        INSERT INTO vault.pending_event (type, concern_id, key_ids, reason, by_role)
        VALUES (event_type, concern, moved, why, session_user);
    END IF;
    RETURN QUERY SELECT unnest(moved);
END $$;

-- Suspend: nothing opens under the keys of a consent, those not made yet included, or under named keys.
CREATE OR REPLACE FUNCTION vault.suspend(concern uuid, consent text, named uuid[], why text) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    IF (consent <> '') = (cardinality(named) > 0) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'name either the consent or the keys';
    END IF;
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    IF consent <> '' THEN
        INSERT INTO vault.standing (concern_id, person_id, consent_ref, state, reason, by_role)
        VALUES (concern, '', consent, 'suspended', why, session_user) ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY SELECT vault.move_keys(concern, '', consent, named, '{active}', 'suspended', 'KeySuspended', why);
END $$;

-- Resume: they open again. The vault alone.
CREATE OR REPLACE FUNCTION vault.resume(concern uuid, consent text, named uuid[], why text) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    IF (consent <> '') = (cardinality(named) > 0) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'name either the consent or the keys';
    END IF;
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    DELETE FROM vault.standing s
    WHERE s.concern_id = concern AND s.person_id = '' AND s.consent_ref = consent AND s.state = 'suspended'
      AND consent <> '';
    RETURN QUERY SELECT vault.move_keys(concern, '', consent, named, '{suspended}', 'active', 'KeyResumed', why);
END $$;

-- Resume what was suspended with a consent, and nothing else: for intake, where nothing had rested on the consent.
CREATE OR REPLACE FUNCTION vault.resume_consent(concern uuid, consent text, why text) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF consent = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'name the consent';
    END IF;
    RETURN QUERY SELECT vault.resume(concern, consent, '{}', why);
END $$;

-- Destroy: gone for good, and none is made in their place. With neither person, consent nor keys: the whole concern.
-- The vault alone.
CREATE OR REPLACE FUNCTION vault.destroy(concern uuid, person text, consent text, named uuid[], why text)
RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    IF cardinality(named) > 0 AND (person <> '' OR consent <> '') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'name the keys, or a person and a consent';
    END IF;
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    IF cardinality(named) = 0 THEN
        INSERT INTO vault.standing AS s (concern_id, person_id, consent_ref, state, reason, by_role)
        VALUES (concern, person, consent, 'destroyed', why, session_user)
        ON CONFLICT (concern_id, person_id, consent_ref) DO UPDATE
        SET state = 'destroyed', reason = excluded.reason, by_role = excluded.by_role, at = excluded.at
        WHERE s.state = 'suspended';
    END IF;
    RETURN QUERY SELECT vault.move_keys(
        concern, person, consent, named, '{active,suspended}', 'destroyed', 'KeyDestroyed', why);
END $$;

-- Destroy the sender's own copy: of the whole concern, of a person, of what rests on a consent. What recipients were
-- given has keys of its own, and is theirs to erase or to keep (practice 18 and 19). The vault alone.
CREATE OR REPLACE FUNCTION vault.destroy_own(concern uuid, person text, consent text, why text) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    INSERT INTO vault.standing AS s (concern_id, person_id, consent_ref, state, reason, by_role)
    VALUES (concern, person, consent, 'destroyed', why, session_user)
    ON CONFLICT (concern_id, person_id, consent_ref) DO UPDATE
    SET state = 'destroyed', reason = excluded.reason, by_role = excluded.by_role, at = excluded.at
    WHERE s.state = 'suspended';
    RETURN QUERY SELECT vault.move_keys(
        concern, person, consent, '{}', '{active,suspended}', 'destroyed', 'KeyDestroyed', why, '');
END $$;

-- Destroy or resume what one recipient was given: all of the share, or what rests on a consent. The vault alone.
CREATE OR REPLACE FUNCTION vault.destroy_share(concern uuid, share text, consent text, why text) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    RETURN QUERY SELECT vault.move_keys(
        concern, '', consent, '{}', '{active,suspended}', 'destroyed', 'KeyDestroyed', why, share);
END $$;
CREATE OR REPLACE FUNCTION vault.resume_share(concern uuid, share text, consent text, why text) RETURNS SETOF uuid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM vault.refuse_old_snapshot();
    PERFORM pg_advisory_xact_lock(1986098540, 1);
    RETURN QUERY SELECT vault.move_keys(
        concern, '', consent, '{}', '{suspended}', 'active', 'KeyResumed', why, share);
END $$;

-- Who may do what (design section 6). A role that is not made yet is granted its due at the next start.
DO $$
DECLARE
    service record;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    -- nobody holds the lock above by forgetting an open transaction
    EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = %L', current_database(), '10s');
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA vault FROM PUBLIC;
    FOR service IN
        SELECT r.rolname AS role, coalesce(due.functions, '{}') AS functions
        FROM pg_roles r
        LEFT JOIN (VALUES
            ('relay_intake', ARRAY['active_wrapping_key', 'issue_keys', 'open_keys', 'id_key', 'suspend', 'resume_consent']),
            ('relay_routing', ARRAY['active_wrapping_key', 'issue_keys', 'open_keys']),
            ('relay_basis_assessment', ARRAY['open_keys']),
            ('relay_patterns', ARRAY['open_keys']),
            ('relay_workbench', ARRAY['open_keys'])
        ) AS due (role, functions) ON due.role = r.rolname
        WHERE r.rolname LIKE 'relay\_%' AND r.rolname <> current_user
    LOOP
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA vault FROM %I', service.role);
        EXECUTE format('REVOKE ALL ON SCHEMA vault FROM %I', service.role);
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM %I', current_database(), service.role);
        CONTINUE WHEN cardinality(service.functions) = 0;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), service.role);
        EXECUTE format('GRANT USAGE ON SCHEMA vault TO %I', service.role);
        EXECUTE (
            SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', string_agg(p.oid::regprocedure::text, ', '), service.role)
            FROM pg_proc p
            WHERE p.pronamespace = 'vault'::regnamespace AND p.proname = ANY (service.functions)
        );
    END LOOP;
END $$;
