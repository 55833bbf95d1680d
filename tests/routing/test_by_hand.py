"""The manual channel: one-time links and print packs drive the same states as an inbox (practice 23)."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import timedelta

import httpx
import pytest

from services.routing.by_hand.links import WRONG_MAX
from tests.routing.rig import CANARY, KENT_CSC
from tests.routing.test_attachments import CONTENT, File

pytestmark = pytest.mark.database

LEEDS = "E08000035"
SENDER = "larkfield-primary"
PAT = {"name": "Pat Sender", "role": "designated safeguarding lead"}
LEE = {"name": "Lee Duty", "role": "duty worker, Leeds"}


async def to_bring(rig, **options) -> tuple[object, str]:
    """A concern for an authority outside the arrangement, and its share."""
    case = await rig.shared(lives=LEEDS, **options)
    return case, str((await rig.share(case, "outside-e08000035"))["share_id"])


async def linked(rig, share_id: str, **body) -> tuple[str, str]:
    """Path and code of a new link."""
    async with rig.client(SENDER, "raise") as client:
        made = (await client.post(f"/v1/by-hand/{share_id}/link", json={**PAT, **body})).json()
    return httpx.URL(made["link"]).path, made["code"]


def anybody(rig) -> httpx.AsyncClient:
    """A browser: no token."""
    client = rig.client("nobody", "raise")
    del client.headers["Authorization"]
    return client


async def test_from_the_link_to_the_acknowledgement(new_routing) -> None:
    """Looked at, opened once with name and code, acknowledged: delivered, read and acknowledged are on record."""
    async with new_routing() as rig:
        case, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            door = await browser.get(path)
            opened = await browser.post(path, data={**LEE, "code": f"{code[:3]} {code[3:]}"})
            receipt = re.search(r'name="receipt" value="([^"]+)"', opened.text)[1]
            taken = await browser.post(f"{path}/acknowledge", data={"receipt": receipt})
            again = await browser.post(f"{path}/acknowledge", data={"receipt": receipt})

        assert (door.status_code, opened.status_code, taken.status_code, again.status_code) == (200, 200, 200, 200)
        assert CANARY not in door.text
        assert CANARY in opened.text
        types = [e.type for e in await rig.events(case) if getattr(e.data, "share_id", "") == share_id]
        assert types == ["SharePlanned", "ShareDelivered", "ShareRead", "ShareAcknowledged"]
        row = await rig.share(case, "outside-e08000035")
        assert (row["state"], row["channel"]) == ("acknowledged", "manual")


async def test_looking_uses_nothing_up(new_routing) -> None:
    """A mail filter that follows the link, twice, and asks with HEAD: nothing is opened, nothing recorded."""
    async with new_routing() as rig:
        case, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as filter_:
            for method in ("GET", "HEAD", "GET", "OPTIONS"):
                answer = await filter_.request(method, path)
                assert CANARY not in answer.text
            opened = await filter_.post(path, data={**LEE, "code": code})

        assert opened.status_code == 200
        assert len(await rig.events(case, "ShareRead")) == 1


async def test_a_link_opens_once(new_routing) -> None:
    """Also when two come at the same moment: one sees it, the other is told to telephone."""
    async with new_routing() as rig:
        case, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            both = await asyncio.gather(*(browser.post(path, data={**LEE, "code": code}) for _ in range(2)))
            after = await browser.get(path)

        assert sorted(one.status_code for one in both) == [200, 410]
        assert sum(CANARY in one.text for one in both) == 1
        assert after.status_code == 410
        assert len(await rig.events(case, "ShareDelivered")) == 1


async def test_five_wrong_codes_end_it(new_routing) -> None:
    """A wrong code shows nothing; the right one after five wrong ones neither."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        wrong = "000000" if code != "000000" else "111111"
        async with anybody(rig) as browser:
            answers = [await browser.post(path, data={**LEE, "code": wrong}) for _ in range(WRONG_MAX)]
            late = await browser.post(path, data={**LEE, "code": code})

        assert {answer.status_code for answer in answers} == {403}
        assert late.status_code == 410
        assert CANARY not in late.text + "".join(answer.text for answer in answers)


async def test_it_ends_by_itself_and_when_another_is_made(new_routing) -> None:
    """After its hours, and as soon as the sender makes a new one."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        first, first_code = await linked(rig, share_id)
        second, second_code = await linked(rig, share_id, hours=2)
        rig.clock.offset += timedelta(hours=2, minutes=1)
        third, third_code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            answers = [
                (await browser.post(path, data={**LEE, "code": code})).status_code
                for path, code in ((first, first_code), (second, second_code), (third, third_code))
            ]

        assert answers == [410, 410, 200]


@pytest.mark.parametrize("form", [{}, {"name": "Lee"}, {"name": " ", "role": "duty"}, {"name": "x" * 201, "role": "r"}])
async def test_nobody_in_particular_opens_nothing(new_routing, form: dict[str, str]) -> None:
    """A name and a role first; the link is still there afterwards."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            refused = await browser.post(path, data={**form, "code": code})
            opened = await browser.post(path, data={**LEE, "code": code})

        assert (refused.status_code, opened.status_code) == (422, 200)
        assert CANARY not in refused.text


async def test_an_acknowledgement_needs_the_page_that_was_opened(new_routing) -> None:
    """The link alone acknowledges nothing; nor does a made-up receipt."""
    async with new_routing() as rig:
        case, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            before = await browser.post(f"{path}/acknowledge", data={"receipt": "x"})
            await browser.post(path, data={**LEE, "code": code})
            forged = await browser.post(f"{path}/acknowledge", data={"receipt": "x"})

        assert (before.status_code, forged.status_code) == (410, 410)
        assert await rig.events(case, "ShareAcknowledged") == []


async def test_neither_link_nor_name_lies_in_the_database_in_clear(new_routing) -> None:
    """Digests and sealed names only; the link holds nothing of the content either."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            await browser.post(path, data={**LEE, "code": code})
        [row] = await rig.pool.fetch("SELECT * FROM one_time_link")

        kept = b"".join(bytes(value) for value in row.values() if isinstance(value, bytes))
        for secret in (path.rsplit("/", 1)[-1], code, PAT["name"], LEE["name"]):
            assert secret.encode() not in kept
        assert share_id not in path


async def test_what_may_not_leave_is_not_shown(new_routing) -> None:
    """The keys were destroyed after the link was made: nothing is shown, and the link is not used up by that."""
    async with new_routing() as rig:
        case, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        rig.keys.destroy(case.concern_id)
        async with anybody(rig) as browser:
            answer = await browser.post(path, data={**LEE, "code": code})

        assert answer.status_code == 410
        assert CANARY not in answer.text
        assert await rig.events(case, "ShareDelivered") == []


async def test_pages_load_nothing_and_are_kept_nowhere(new_routing) -> None:
    """A policy that allows no script, no other host, no frame; no cache, no index; markup in content is text."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        path, code = await linked(rig, share_id)
        async with anybody(rig) as browser:
            pages = [
                await browser.get(path),
                await browser.post(path, data={"name": "<b>L", "role": "r", "code": code}),
            ]

        for found in pages:
            assert "default-src 'none'" in found.headers["content-security-policy"]
            assert "script" not in found.headers["content-security-policy"]
            assert found.headers["cache-control"] == "no-store"
            assert "<script" not in found.text
        assert "&lt;b&gt;L" in pages[1].text


async def test_a_link_only_for_what_is_brought_by_hand_and_only_by_its_sender(new_routing) -> None:
    """Another's share: 403. One that lies in an inbox: 409. Unreasonable hours: 422."""
    async with new_routing() as rig:
        _, share_id = await to_bring(rig)
        kent = await rig.shared()
        await rig.deliver()
        in_inbox = str((await rig.share(kent, KENT_CSC))["share_id"])
        async with rig.client("stourside-academy", "raise") as other, rig.client(SENDER, "raise") as sender:
            answers = [
                await other.post(f"/v1/by-hand/{share_id}/link", json=PAT),
                await other.post(f"/v1/by-hand/{share_id}/pack", json=PAT),
                await sender.post(f"/v1/by-hand/{in_inbox}/link", json=PAT),
                await sender.post(f"/v1/by-hand/{share_id}/link", json={**PAT, "hours": 73}),
                await sender.post(f"/v1/by-hand/{share_id}/link", json={"name": "", "role": ""}),
            ]

        assert [answer.status_code for answer in answers] == [403, 403, 409, 422, 422]


class TestPack:
    """The view on paper, opened by the agency that shares it."""

    async def test_it_holds_the_recipients_view_and_that_it_was_opened_is_recorded(self, new_routing) -> None:
        """Who opened it, for what; delivering is the call that is recorded afterwards."""
        async with new_routing() as rig:
            case, share_id = await to_bring(rig)
            async with rig.client(SENDER, "raise") as client:
                pack = await client.post(f"/v1/by-hand/{share_id}/pack", json=PAT)

            assert CANARY in pack.text
            assert "Leeds" in pack.text
            assert "withheld" not in pack.text.lower()
            [viewed] = await rig.events(case, "ContentViewed")
            assert viewed.data.purpose_code == "print_pack"
            assert (await rig.share(case, "outside-e08000035"))["state"] == "planned"

    async def test_it_names_the_files_that_were_released_and_carries_none(self, new_routing) -> None:
        """Kind, type, length and SHA-256 of a released file, so that whoever brings it can be checked; no other's."""
        async with new_routing() as rig:
            case, share_id = await to_bring(rig)
            file, other = File(rig, case), File(rig, case)
            for each in (file, other):
                await each.store()
            await file.release(to="outside-e08000035")
            async with rig.client(SENDER, "raise") as client:
                pack = await client.post(f"/v1/by-hand/{share_id}/pack", json=PAT)

            assert hashlib.sha256(CONTENT).hexdigest() in pack.text
            assert pack.text.count("body map") == 1

    async def test_an_operator_opens_no_content(self, new_routing) -> None:
        """A processor sends links and records calls; the view is the sender's to print."""
        async with new_routing() as rig:
            _, share_id = await to_bring(rig)
            async with rig.client("operator", "operate") as client:
                pack = await client.post(f"/v1/by-hand/{share_id}/pack", json=PAT)
                link = await client.post(f"/v1/by-hand/{share_id}/link", json=PAT)

            assert (pack.status_code, link.status_code) == (403, 201)
            assert CANARY not in pack.text + link.text
