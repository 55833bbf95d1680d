"""Who may do what with keys, role by role, as the roles themselves find it (design section 6)."""

from __future__ import annotations

import asyncpg
import pytest

from services.vault.store import SCHEMA

pytestmark = pytest.mark.database

FUNCTIONS = {
    "active_wrapping_key": "SELECT vault.active_wrapping_key()",
    "issue_keys": "SELECT * FROM vault.issue_keys('{}', '{}', '{}', '{}', '{}', '{}', '')",
    "open_keys": "SELECT * FROM vault.open_keys('{}', 'replay')",
    "id_key": "SELECT * FROM vault.id_key(gen_random_uuid(), '', '')",
    "suspend": "SELECT vault.suspend(gen_random_uuid(), 'c', '{}', 'consent_withdrawn')",
    "resume": "SELECT vault.resume(gen_random_uuid(), 'c', '{}', 'resumed')",
    "resume_consent": "SELECT vault.resume_consent(gen_random_uuid(), 'c', 'resumed')",
    "destroy": "SELECT vault.destroy(gen_random_uuid(), '', '', '{}', 'erased')",
    "destroy_own": "SELECT vault.destroy_own(gen_random_uuid(), '', '', 'erased')",
    "destroy_share": "SELECT vault.destroy_share(gen_random_uuid(), 's', '', 'erased')",
    "resume_share": "SELECT vault.resume_share(gen_random_uuid(), 's', 'c', 'kept')",
    "move_keys": "SELECT vault.move_keys(gen_random_uuid(), '', '', '{}', '{active}', 'active', 'KeyResumed', 'why')",
    "demand_active": "SELECT vault.demand_active('')",
    "refuse_old_snapshot": "SELECT vault.refuse_old_snapshot()",
}
GRANTED = {
    "intake": {"active_wrapping_key", "issue_keys", "open_keys", "id_key", "suspend", "resume_consent"},
    "routing": {"active_wrapping_key", "issue_keys", "open_keys"},
    "basis_assessment": {"open_keys"},
    "patterns": {"open_keys"},
    "workbench": {"open_keys"},
}
SHUT_OUT = ("audit", "console")
TABLES = ("key", "wrapping_key", "standing", "id_key", "opening", "pending_event", "stated_purpose")


async def _refused(connection: asyncpg.Connection, statement: str) -> bool:
    try:
        await connection.fetch(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    except asyncpg.PostgresError as error:
        if error.sqlstate != "RV001":  # let in, and told that its wrapping key is not active
            raise
    return False


@pytest.mark.parametrize("role", sorted(GRANTED))
async def test_a_role_may_call_what_it_was_granted_and_nothing_else(new_vault, role) -> None:
    """Each function is tried by each role."""
    async with new_vault() as vault:
        connection = await asyncpg.connect(vault.url(role))
        try:
            allowed = {name for name, call in FUNCTIONS.items() if not await _refused(connection, call)}
        finally:
            await connection.close()

        assert allowed == GRANTED[role]


async def test_every_function_is_in_the_matrix(new_vault) -> None:
    """A function added to the schema is granted to nobody unnoticed."""
    async with new_vault() as vault:
        rows = await vault.owner.fetch("SELECT proname FROM pg_proc WHERE pronamespace = 'vault'::regnamespace")
        tables = await vault.owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'vault'")

        assert {row["proname"] for row in rows} == set(FUNCTIONS)
        assert {row["tablename"] for row in tables} == set(TABLES)


@pytest.mark.parametrize("role", sorted(GRANTED))
async def test_no_role_reaches_a_table(new_vault, role) -> None:
    """Neither to read nor to write."""
    async with new_vault() as vault:
        connection = await asyncpg.connect(vault.url(role))
        try:
            for table in TABLES:
                for statement in (
                    f"SELECT FROM vault.{table}",
                    f"DELETE FROM vault.{table}",
                    f"TRUNCATE vault.{table}",
                    f"CREATE TABLE vault.{table}_too ()",
                    f"CREATE TABLE public.{table} ()",
                ):
                    assert await _refused(connection, statement), statement
            for column, table in (("wrapped", "key"), ("state", "wrapping_key"), ("role", "stated_purpose")):
                assert await _refused(connection, f"UPDATE vault.{table} SET {column} = {column}")
        finally:
            await connection.close()


@pytest.mark.parametrize("role", SHUT_OUT)
async def test_audit_and_console_do_not_even_get_in(new_vault, role) -> None:
    """They have no business with keys: the database does not let them connect."""
    async with new_vault() as vault:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(vault.url(role))


async def test_replay_opens_for_a_stated_purpose_only(new_vault) -> None:
    """The workbench states one of the listed purposes; services state any code."""
    async with new_vault() as vault:
        connection = await asyncpg.connect(vault.url("workbench"))
        try:
            assert not await _refused(connection, "SELECT * FROM vault.open_keys('{}', 'replay')")
            assert await _refused(connection, "SELECT * FROM vault.open_keys('{}', 'curiosity')")
            assert await _refused(connection, "SELECT * FROM vault.open_keys('{}', NULL)")
        finally:
            await connection.close()


async def test_a_right_that_was_given_by_hand_is_taken_back_at_start(new_vault) -> None:
    """The schema is the whole truth about grants: what is not in it ends at the next start."""
    async with new_vault() as vault:
        await vault.owner.execute(
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vault TO relay_routing;"
            "GRANT USAGE ON SCHEMA vault TO relay_audit, PUBLIC"
        )

        await vault.owner.execute(SCHEMA)

        connection = await asyncpg.connect(vault.url("routing"))
        try:
            assert await _refused(connection, FUNCTIONS["destroy"])
            assert not await _refused(connection, FUNCTIONS["open_keys"])
        finally:
            await connection.close()
        assert not await vault.owner.fetchval("SELECT has_schema_privilege('relay_audit', 'vault', 'USAGE')")


async def test_a_temporary_table_deceives_no_function(new_vault) -> None:
    """The functions look nowhere but where they say: a caller cannot put a table of its own in their way."""
    async with new_vault() as vault:
        connection = await asyncpg.connect(vault.url("workbench"))
        try:
            assert await _refused(connection, "CREATE TEMPORARY TABLE stated_purpose (role name, purpose text)")
        finally:
            await connection.close()
