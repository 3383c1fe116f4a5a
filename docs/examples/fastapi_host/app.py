"""
The service: take in a form, qualify, discover, convert, move, forecast.

Every write takes an ``Idempotency-Key`` header, so that a double click and a retry after a lost answer are one request.
An expected "no" is a `Refusal` and becomes a status with its reasons and questions; what the caller got wrong is an
error of leadflow's with every problem and its path. No rule of selling is written here.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import uuid4  # noqa: TID251 - a host makes ids, the library never does

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_host.store import PostgresStore
from leadflow import FiscalCalendar, Money, Opportunity, Prospect, When, pipelines
from leadflow.codec import Codec
from leadflow.conversion import (
    Applied,
    AsyncConversionService,
    DealTerms,
    IntakeForm,
    Refusal,
    RefusalCode,
)
from leadflow.errors import InvalidError, KeyConflictError, LeadflowError, UnknownStageError
from leadflow.forecasting import Deal, StageTable, forecast
from leadflow.qualification import Bant, IdealCustomerProfile, fact
from leadflow.stores import ChangeSet, Committed

Found = TypeVar("Found")

CALENDAR = FiscalCalendar(UTC)
FORM = IntakeForm(
    "website",
    {
        "name": "person.name",
        "email": "person.email",
        "company": "company.name",
        "employees": "company.employees",
        "message": "engagement.note",
        "marketing": "consent.email.marketing",
    },
    defaults={"engagement.kind": "form", "source": "website"},
)
FITS = IdealCustomerProfile("icp", version=1, require=[fact("company.employees").between(50, 5_000)])

# What a refusal means over HTTP; all others are conflicts with what is there.
STATUS = {
    RefusalCode.UNKNOWN_RECORD: 404,
    RefusalCode.UNDECIDED: 422,
    RefusalCode.NOT_QUALIFIED: 422,
    RefusalCode.MISSING_FIELDS: 422,
    RefusalCode.INVALID_VALUE: 422,
    RefusalCode.INVALID_OWNER: 422,
    RefusalCode.INVALID_STAGE: 422,
}
ERRORS: dict[type[LeadflowError], int] = {UnknownStageError: 404, KeyConflictError: 422}


class Learnt(BaseModel):
    """What a salesperson heard; what is left out stays unknown."""

    budget: str | None = None
    currency: str = "EUR"
    authority: str | None = None
    need: str | None = None
    timeline: date | None = None


class Terms(BaseModel):
    """The terms of a deal; what is left out comes from the settings."""

    name: str | None = None
    amount: str | None = None
    currency: str = "EUR"
    expected_close: date | None = None


class Now:
    """Who asks, for which tenant, under which key, and when; a real host reads the first two from its session."""

    def __init__(
        self,
        request: Request,
        idempotency_key: Annotated[str | None, Header()] = None,
        x_tenant: Annotated[str, Header()] = "acme",
        x_user: Annotated[str | None, Header()] = None,
    ) -> None:
        self.key = idempotency_key
        self.when = When(at=request.app.state.clock(), by=x_user)
        self.store = PostgresStore(request.app.state.engine, x_tenant, Codec())
        self.service = AsyncConversionService(
            self.store, qualify_with=FITS, convert_with=Bant(), new_id=request.app.state.new_id
        )


At = Annotated[Now, Depends()]


def answer(result: Applied | Refusal) -> JSONResponse:
    """Return what was written, or why nothing was, with the questions that would decide it."""
    if isinstance(result, Applied):
        status = 200 if result.is_repeat else 201
        return JSONResponse({"records": result.to_rows(), "repeated": result.is_repeat}, status)
    status = min(STATUS.get(reason.code, 409) for reason in result.reasons)
    questions = [question.text for question in result.questions]
    return JSONResponse({"reasons": result.to_rows(), "questions": questions}, status)


def create_app(
    engine: AsyncEngine,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 - a host has a clock
    new_id: Callable[[str], str] = lambda kind: f"{kind}-{uuid4()}",
) -> FastAPI:
    """Return the application on a database."""
    app = FastAPI(title="leadflow over HTTP")
    app.state.engine, app.state.clock, app.state.new_id = engine, clock, new_id

    @app.post("/forms/website")
    async def take_in(row: dict[str, Any], now: At) -> JSONResponse:
        """Take in a form: a new lead, or an engagement of somebody known."""
        return answer(await now.service.intake(row, form=FORM, key=now.key, **now.when))

    @app.post("/leads/{lead_id}/qualify")
    async def qualify(lead_id: str, now: At) -> JSONResponse:
        """Make a prospect of a lead that fits."""
        return answer(await now.service.qualify(lead_id, key=now.key, **now.when))

    @app.post("/prospects/{prospect_id}/discover")
    async def discover(prospect_id: str, learnt: Learnt, now: At) -> dict[str, Any]:
        """Write down what was learnt, and return what to ask next."""
        prospect = await found(now.store, prospect_id, Prospect)
        given: dict[str, Any] = learnt.model_dump(exclude_none=True, exclude={"currency"})
        if learnt.budget is not None:
            given["budget"] = Money(learnt.budget, learnt.currency)
        known = prospect.discover(**given, **now.when)
        await keep(now.store, prospect, known)
        judged = Bant().assess(known, at=now.when["at"])
        return {"verdict": judged.verdict, "questions": [question.text for question in judged.questions]}

    @app.post("/prospects/{prospect_id}/convert")
    async def convert(prospect_id: str, terms: Terms, now: At) -> JSONResponse:
        """Make an account, a contact and a deal; a second click under the same key gets the first answer."""
        amount = None if terms.amount is None else Money(terms.amount, terms.currency)
        wanted = DealTerms(terms.name, amount, expected_close=terms.expected_close)
        return answer(await now.service.convert(prospect_id, terms=wanted, key=now.key, **now.when))

    @app.post("/deals/{deal_id}/move/{stage}")
    async def move(deal_id: str, stage: str, now: At) -> dict[str, Any]:
        """Move a deal to a stage."""
        deal = await found(now.store, deal_id, Opportunity)
        moved = deal.move_to(stage, **now.when)
        await keep(now.store, deal, moved)
        return {"stage": moved.stage.code, "probability": moved.probability, "version": moved.version}

    @app.get("/forecast/{year}/{quarter}")
    async def quarter(year: int, quarter: int, now: At) -> dict[str, Any]:
        """Forecast a fiscal quarter."""
        stored = await now.store.every(Opportunity.kind)
        deals = Deal.of_all(record for record in stored if isinstance(record, Opportunity))
        expected = forecast(
            deals,
            model=StageTable(pipelines.SIMPLE),
            period=CALENDAR.quarter(year, quarter),
            as_of=now.when["at"],
            currency="EUR",
        )
        return {
            "won": str(expected.won),
            "open": str(expected.open),
            "mean": str(expected.mean),
            "omitted": [str(omission) for omission in expected.omitted],
            "warnings": list(expected.warnings),
        }

    @app.exception_handler(InvalidError)
    async def invalid(_: Request, error: InvalidError) -> JSONResponse:
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        return JSONResponse({"problems": problems}, 422)

    @app.exception_handler(LeadflowError)
    async def refused(_: Request, error: LeadflowError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, ERRORS.get(type(error), 409))

    return app


async def found(store: PostgresStore, id_: str, kind: type[Found]) -> Found:
    """Return a record of a kind, or 404."""
    record = await store.load(id_)
    if not isinstance(record, kind):
        raise HTTPException(404, f"there is no {kind.__name__.lower()} {id_!r}")
    return record


async def keep(store: PostgresStore, before: Any, after: Any) -> None:  # noqa: ANN401 - two states of one record
    """Write a change, or 409 where somebody else was faster."""
    result = await store.commit(ChangeSet.of((before, after)))
    if not isinstance(result, Committed):
        raise HTTPException(409, "somebody else changed it meanwhile; load it again")
