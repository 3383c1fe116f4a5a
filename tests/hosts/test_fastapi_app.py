"""The FastAPI host through its ASGI interface, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'hosts'")
pytest.importorskip("asyncpg", reason="needs the extra 'hosts'")

from fastapi_host.app import create_app
from fastapi_host.store import create_tables
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

FORM = {"name": "Mara Okafor", "email": "mara@northwind.example", "company": "Northwind", "employees": "420"}
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Host:
    """A client of the application on an empty database, with a clock that ticks and ids that count."""

    def __init__(self, client: AsyncClient, engine: Any) -> None:
        self.client, self.engine = client, engine

    async def post(self, path: str, key: str | None = None, **body: Any) -> Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post(path, json=body, headers={"X-User": "ada", **headers})

    async def prospect(self) -> str:
        """Take in the form, qualify the lead, and return the prospect's id."""
        lead = id_of(await self.post("/forms/website", **FORM), "lead")
        return id_of(await self.post(f"/leads/{lead}/qualify"), "prospect")

    async def decided(self) -> str:
        """Return the id of a prospect that is ready for a deal."""
        prospect = await self.prospect()
        known = {"budget": "48000", "authority": "decides", "need": "late deliveries", "timeline": "2026-06-30"}
        found = await self.post(f"/prospects/{prospect}/discover", **known)
        assert found.json() == {"verdict": "qualified", "questions": []}
        return prospect

    async def counted(self) -> dict[str, int]:
        """Return how many records of each kind are stored."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(text("SELECT kind, count(*) AS number FROM record GROUP BY kind"))
            return {row.kind: row.number for row in rows}


def id_of(answer: Response, kind: str) -> str:
    return str(next(row["id"] for row in answer.json()["records"] if row["record"] == kind))


@asynccontextmanager
async def host(address: str) -> AsyncIterator[Host]:
    engine = create_async_engine(address)
    ticks, numbers = count(), count(1)
    app = create_app(
        engine,
        clock=lambda: START + timedelta(seconds=next(ticks)),
        new_id=lambda kind: f"{kind}-{next(numbers)}",
    )
    try:
        await create_tables(engine)
        async with AsyncClient(transport=ASGITransport(app), base_url="http://host") as client:
            yield Host(client, engine)
    finally:
        await engine.dispose()


@pytest.fixture
def run(database: str) -> Callable[[Callable[[Host], Awaitable[None]]], None]:
    """Run a story against the application on a database of its own."""

    def story(told: Callable[[Host], Awaitable[None]]) -> None:
        async def inside() -> None:
            async with host(database.replace("postgresql://", "postgresql+asyncpg://")) as opened:
                await told(opened)

        asyncio.run(inside())

    return story


def test_from_form_to_forecast(run: Any) -> None:
    """A form becomes a lead, a prospect, a deal and a figure; before that, the next question is told."""

    async def told(host: Host) -> None:
        prospect = await host.prospect()
        undecided = await host.post(f"/prospects/{prospect}/convert")
        assert undecided.status_code == 422
        assert undecided.json()["reasons"][0]["code"] == "undecided"
        asked = await host.post(f"/prospects/{prospect}/discover", budget="48000", need="late deliveries")
        assert asked.json()["verdict"] == "undecided"
        assert undecided.json()["questions"]
        assert len(asked.json()["questions"]) == 2
        await host.post(f"/prospects/{prospect}/discover", authority="decides", timeline="2026-06-30")
        terms = {"name": "Rollout", "amount": "48000", "expected_close": "2026-03-31"}
        made = await host.post(f"/prospects/{prospect}/convert", **terms)
        assert made.status_code == 201
        deal = id_of(made, "opportunity")
        moved = await host.post(f"/deals/{deal}/move/proposal")
        assert moved.json() == {"stage": "proposal", "probability": 0.4, "version": 2}
        figures = (await host.client.get("/forecast/2026/1")).json()
        assert figures["mean"] == "19,200.00 EUR"

    run(told)


def test_a_double_click_makes_one_deal(run: Any) -> None:
    """Eight requests at once under one key: one writes, all get the same records; another request is refused."""

    async def told(host: Host) -> None:
        prospect = await host.decided()
        clicks = [host.post(f"/prospects/{prospect}/convert", key="click", amount="48000") for _ in range(8)]
        answers = await asyncio.gather(*clicks)
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({str(answer.json()["records"]) for answer in answers}) == 1
        assert (await host.counted())["opportunity"] == 1
        other = await host.post(f"/prospects/{prospect}/convert", key="click", amount="1")
        assert other.status_code == 422

    run(told)


def test_without_a_key_the_second_is_refused(run: Any) -> None:
    """Eight requests at once without a key: one deal, and conflicts that name it."""

    async def told(host: Host) -> None:
        prospect = await host.decided()
        answers = await asyncio.gather(*(host.post(f"/prospects/{prospect}/convert", amount="48000") for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        assert await host.counted() == {"lead": 1, "prospect": 1, "account": 1, "contact": 1, "opportunity": 1}

    run(told)


def test_two_forms_of_one_person_are_one_lead(run: Any) -> None:
    """Sixteen forms of one new person at once make one lead; the others are engagements of it, or the same form."""

    async def told(host: Host) -> None:
        forms = [host.post("/forms/website", **FORM, message=f"message {number}") for number in range(16)]
        answers = await asyncio.gather(*forms)
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert await host.counted() == {"lead": 1}

    run(told)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/leads/nobody/qualify", {}, 404),
        ("/prospects/nobody/discover", {}, 404),
        ("/prospects/nobody/convert", {}, 404),
        ("/deals/nobody/move/won", {}, 404),
        ("/forms/website", {"name": "Mara", "email": "no address", "employees": "many"}, 422),
        ("/forms/website", {}, 422),
    ],
)
def test_refusals_have_their_status(run: Any, path: str, body: dict[str, Any], status: int) -> None:
    """Nobody there is 404; what makes no sense is 422 with every reason."""

    async def told(host: Host) -> None:
        answer = await host.post(path, **body)
        assert answer.status_code == status, answer.text

    run(told)


def test_everything_wrong_is_told_at_once(run: Any) -> None:
    """A form with two bad cells has two reasons; a discovery with two bad levels has two problems."""

    async def told(host: Host) -> None:
        bad = await host.post("/forms/website", **{**FORM, "email": "no address", "employees": "many"})
        assert {reason["where"] for reason in bad.json()["reasons"]} >= {"email", "employees"}
        prospect = await host.prospect()
        wrong = await host.post(f"/prospects/{prospect}/discover", authority="boss", budget="lots")
        assert wrong.status_code == 422
        assert wrong.json()["problems"]

    run(told)


def test_what_the_rules_forbid_is_a_conflict(run: Any) -> None:
    """Moving a won deal back is a conflict in words; a stage that does not exist is not found."""

    async def told(host: Host) -> None:
        prospect = await host.decided()
        deal = id_of(await host.post(f"/prospects/{prospect}/convert", amount="48000"), "opportunity")
        strange = await host.post(f"/deals/{deal}/move/nirvana")
        assert (strange.status_code, "nirvana" in strange.json()["detail"]) == (404, True)
        await host.post(f"/deals/{deal}/move/won")
        back = await host.post(f"/deals/{deal}/move/proposal")
        assert (back.status_code, "reopen" in back.json()["detail"]) == (409, True)

    run(told)
