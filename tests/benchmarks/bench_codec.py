"""
What it takes to dump and load an opportunity with twenty events, against dict code written by hand for just these.

The hand-written code builds the same dict and, from it, the same events and the same opportunity; its constructors do
the same checks. It is as careful as the codec where a hand would be: a value must be of the type that JSON has for it,
a key that is not known is refused, a default is left out. It knows these events and no others, and only the first
thing that is wrong.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from records import after, deal_of_ten
from timing import Row, paired

from leadflow import Engagement, Learned, Money, Opportunity, Origin, Touch, pipelines
from leadflow.codec import Codec
from leadflow.dealparts import NextStep
from leadflow.events import (
    AmountSet,
    Discovered,
    Engaged,
    ExpectedCloseSet,
    ForecastCalled,
    NextStepSet,
    OpportunityOpened,
    OpportunityWon,
    ProbabilitySet,
    StageChanged,
    Touched,
)
from leadflow.pipeline import Stage

ROUNDS = 15
TIMES = 200
# The bound of the issue.
BOUND = 2.5

Plain = dict[str, Any]
_OPENED = {"name", "pipeline", "stage", "origin", "account_id", "amount", "expected_close", "probability", "owner"}


def deal_of_twenty() -> Opportunity:
    """Return a deal with twenty events of eleven kinds, from open to won."""
    found = deal_of_ten(1)
    found = Opportunity(found.id, found.history[:-1])  # not won yet
    at = [after(20 + hours) for hours in range(12)]
    for turn in range(3):
        found = found.touch(Touch("call", at=at[3 * turn], outcome="reached"), at=at[3 * turn], by="ada")
        found = found.set_next_step(
            NextStep("send the contract", date(2026, 5, 4 + turn)), at=at[3 * turn + 1], by="ada"
        )
        found = found.engage(Engagement("reply", at=at[3 * turn + 2], note="yes"), at=at[3 * turn + 2])
    found = found.set_probability(0.8, at=at[10], by="lin")
    return found.win(at=at[11], by="ada")


# -- by hand: out ------------------------------------------------------------------------------------------------------


def when_out(event: Any) -> Plain:
    plain = {"at": event.at.isoformat()}
    if event.by is not None:
        plain["by"] = event.by
    if event.recorded_at != event.at or event.recorded_at.utcoffset() != event.at.utcoffset():
        plain["recorded_at"] = event.recorded_at.isoformat()
    return plain


def money_out(money: Money) -> Plain:
    return {"amount": str(money.amount), "currency": money.currency}


def stage_out(stage: Stage) -> Plain:
    plain = {
        "code": stage.code,
        "label": stage.label,
        "probability": stage.probability,
        "forecast_category": stage.forecast_category.value,
    }
    if not stage.is_open:
        plain["category"] = stage.category.value
    if stage.requires:
        plain["requires"] = sorted(one.value for one in stage.requires)
    for name in ("rots_after", "review_every"):
        if getattr(stage, name) is not None:
            plain[name] = getattr(stage, name).total_seconds()
    return plain


def moved_out(event: Any) -> Plain:
    plain = when_out(event) | {"stage": stage_out(event.stage)}
    if event.note:
        plain["note"] = event.note
    return plain


def opened_out(event: OpportunityOpened) -> Plain:
    plain = when_out(event) | {
        "name": event.name,
        "pipeline": {"id": event.pipeline.id, "version": event.pipeline.version},
        "stage": stage_out(event.stage),
        "origin": {"kind": event.origin.kind.value, "reference": event.origin.reference},
        "probability": event.probability,
    }
    for name in ("account_id", "owner"):
        if getattr(event, name) is not None:
            plain[name] = getattr(event, name)
    if event.amount is not None:
        plain["amount"] = money_out(event.amount)
    if event.expected_close is not None:
        plain["expected_close"] = event.expected_close.isoformat()
    return plain


def engaged_out(event: Engaged) -> Plain:
    engagement = event.engagement
    plain = {"kind": engagement.kind, "at": engagement.at.isoformat()}
    for name in ("channel", "campaign", "subject"):
        if getattr(engagement, name) is not None:
            plain[name] = getattr(engagement, name)
    if engagement.note:
        plain["note"] = engagement.note
    return when_out(event) | {"engagement": plain}


def touched_out(event: Touched) -> Plain:
    touch = event.touch
    plain = {"kind": touch.kind.value, "at": touch.at.isoformat(), "outcome": touch.outcome.value}
    if touch.subject is not None:
        plain["subject"] = touch.subject
    if touch.note:
        plain["note"] = touch.note
    return when_out(event) | {"touch": plain}


def learned_out(learned: Learned) -> Plain:
    plain: Plain = {"level": learned.level}
    if isinstance(learned.value, Money):
        plain["value"] = {"money": money_out(learned.value)}
    elif isinstance(learned.value, date):
        plain["value"] = {"date": learned.value.isoformat()}
    elif learned.value is not None:
        plain["value"] = learned.value
    if learned.evidence:
        plain["evidence"] = learned.evidence
    if learned.source is not None:
        plain["source"] = learned.source
    if learned.at is not None:
        plain["at"] = learned.at.isoformat()
    return plain


def discovered_out(event: Discovered) -> Plain:
    changes = [[name, None if learned is None else learned_out(learned)] for name, learned in event.changes]
    return when_out(event) | {"changes": changes}


def called_out(event: ForecastCalled) -> Plain:
    plain = when_out(event) | {"category": None if event.category is None else event.category.value}
    if event.pinned:
        plain["pinned"] = True
    return plain


def next_out(event: NextStepSet) -> Plain:
    step = event.next_step
    plain = None if step is None else {"action": step.action}
    if step is not None and plain is not None and step.due is not None:
        plain["due"] = step.due.isoformat()
    return when_out(event) | {"next_step": plain}


def amount_out(event: AmountSet) -> Plain:
    return when_out(event) | {"amount": money_out(event.amount)}


def close_out(event: ExpectedCloseSet) -> Plain:
    return when_out(event) | {"expected_close": event.expected_close.isoformat()}


def chance_out(event: ProbabilitySet) -> Plain:
    return when_out(event) | {"probability": event.probability}


OUT: dict[type[Any], tuple[str, Callable[[Any], Plain]]] = {
    OpportunityOpened: ("opportunity_opened", opened_out),
    Engaged: ("engaged", engaged_out),
    StageChanged: ("stage_changed", moved_out),
    OpportunityWon: ("opportunity_won", moved_out),
    Touched: ("touched", touched_out),
    Discovered: ("discovered", discovered_out),
    ForecastCalled: ("forecast_called", called_out),
    NextStepSet: ("next_step_set", next_out),
    AmountSet: ("amount_set", amount_out),
    ExpectedCloseSet: ("expected_close_set", close_out),
    ProbabilitySet: ("probability_set", chance_out),
}


def by_hand_out(deal: Opportunity) -> Plain:
    """Return the same dict as the codec."""
    history = []
    for event in deal.history:
        tag, write = OUT[type(event)]
        history.append({tag: write(event)})
    return {"leadflow": "opportunity", "version": 1, "data": {"id": deal.id, "history": history}}


# -- by hand: in -------------------------------------------------------------------------------------------------------


def only(plain: Plain, *names: str) -> None:
    strange = plain.keys() - {*names}
    if strange:
        raise ValueError(strange)


def of(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(value)
    return value


def text(plain: Plain, name: str) -> Any:
    return of(str, plain[name]) if name in plain else None


def instant(value: Any) -> datetime:
    moment = datetime.fromisoformat(of(str, value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


def when_in(plain: Plain, *names: str) -> Plain:
    only(plain, "at", "by", "recorded_at", *names)
    times: Plain = {"at": instant(plain["at"])}
    if "by" in plain:
        times["by"] = of(str, plain["by"])
    if "recorded_at" in plain:
        times["recorded_at"] = instant(plain["recorded_at"])
    return times


def money_in(plain: Plain) -> Money:
    only(plain, "amount", "currency")
    return Money(of(str, plain["amount"]), of(str, plain["currency"]))


def stage_in(plain: Plain) -> Stage:
    only(plain, "code", "label", "category", "probability", "forecast_category", "requires")
    return Stage(
        code=of(str, plain["code"]),
        label=of(str, plain["label"]),
        category=of(str, plain.get("category", "open")),
        probability=of(float, plain["probability"]),
        forecast_category=of(str, plain["forecast_category"]),
        requires=frozenset(of(str, one) for one in plain.get("requires", ())),
    )


def moved_in(kind: type[Any], plain: Plain) -> Any:
    times = when_in(plain, "stage", "note")
    return kind(stage=stage_in(plain["stage"]), note=of(str, plain.get("note", "")), **times)


def opened_in(plain: Plain) -> OpportunityOpened:
    times = when_in(plain, *_OPENED)
    only(plain["pipeline"], "id", "version")
    only(plain["origin"], "kind", "reference")
    if (plain["pipeline"]["id"], plain["pipeline"]["version"]) != ("simple", 1):
        raise ValueError(plain["pipeline"])
    return OpportunityOpened(
        name=of(str, plain["name"]),
        pipeline=pipelines.SIMPLE,
        stage=stage_in(plain["stage"]),
        origin=Origin(of(str, plain["origin"]["kind"]), of(str, plain["origin"]["reference"])),
        account_id=text(plain, "account_id"),
        amount=money_in(plain["amount"]) if "amount" in plain else None,
        expected_close=date.fromisoformat(of(str, plain["expected_close"])) if "expected_close" in plain else None,
        probability=of(float, plain["probability"]),
        owner=text(plain, "owner"),
        **times,
    )


def engaged_in(plain: Plain) -> Engaged:
    times = when_in(plain, "engagement")
    inner = plain["engagement"]
    only(inner, "kind", "at", "channel", "campaign", "subject", "note")
    engagement = Engagement(
        of(str, inner["kind"]),
        at=instant(inner["at"]),
        channel=text(inner, "channel"),
        campaign=text(inner, "campaign"),
        subject=text(inner, "subject"),
        note=of(str, inner.get("note", "")),
    )
    return Engaged(engagement=engagement, **times)


def touched_in(plain: Plain) -> Touched:
    times = when_in(plain, "touch")
    inner = plain["touch"]
    only(inner, "kind", "at", "outcome", "subject", "note")
    touch = Touch(
        of(str, inner["kind"]),
        at=instant(inner["at"]),
        outcome=of(str, inner.get("outcome", "no_answer")),
        subject=text(inner, "subject"),
        note=of(str, inner.get("note", "")),
    )
    return Touched(touch=touch, **times)


def learned_in(plain: Plain) -> Learned:
    only(plain, "level", "value", "evidence", "source", "at")
    value = plain.get("value")
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        value = money_in(inner) if tag == "money" else date.fromisoformat(of(str, inner))
    elif value is not None:
        value = of(str, value)
    return Learned(
        of(str, plain["level"]),
        value=value,
        evidence=of(str, plain.get("evidence", "")),
        source=text(plain, "source"),
        at=instant(plain["at"]) if "at" in plain else None,
    )


def discovered_in(plain: Plain) -> Discovered:
    times = when_in(plain, "changes")
    changes = [(of(str, name), None if inner is None else learned_in(inner)) for name, inner in plain["changes"]]
    return Discovered(changes=changes, **times)


def called_in(plain: Plain) -> ForecastCalled:
    times = when_in(plain, "category", "pinned")
    category = plain["category"]
    pinned = of(bool, plain.get("pinned", False))
    return ForecastCalled(category=None if category is None else of(str, category), pinned=pinned, **times)


def next_in(plain: Plain) -> NextStepSet:
    times = when_in(plain, "next_step")
    inner = plain["next_step"]
    if inner is None:
        return NextStepSet(next_step=None, **times)
    only(inner, "action", "due")
    due = date.fromisoformat(of(str, inner["due"])) if "due" in inner else None
    return NextStepSet(next_step=NextStep(of(str, inner["action"]), due), **times)


def amount_in(plain: Plain) -> AmountSet:
    times = when_in(plain, "amount")
    return AmountSet(amount=money_in(plain["amount"]), **times)


def close_in(plain: Plain) -> ExpectedCloseSet:
    times = when_in(plain, "expected_close")
    return ExpectedCloseSet(expected_close=date.fromisoformat(of(str, plain["expected_close"])), **times)


def chance_in(plain: Plain) -> ProbabilitySet:
    times = when_in(plain, "probability")
    return ProbabilitySet(
        probability=None if plain["probability"] is None else of(float, plain["probability"]), **times
    )


IN: dict[str, Callable[[Plain], Any]] = {
    "opportunity_opened": opened_in,
    "engaged": engaged_in,
    "stage_changed": lambda plain: moved_in(StageChanged, plain),
    "opportunity_won": lambda plain: moved_in(OpportunityWon, plain),
    "touched": touched_in,
    "discovered": discovered_in,
    "forecast_called": called_in,
    "next_step_set": next_in,
    "amount_set": amount_in,
    "expected_close_set": close_in,
    "probability_set": chance_in,
}


def by_hand_in(plain: Plain) -> Opportunity:
    """Return the same opportunity as the codec."""
    only(plain, "leadflow", "version", "data")
    if (plain["leadflow"], plain["version"]) != ("opportunity", 1):
        raise ValueError(plain)
    only(plain["data"], "id", "history")
    history = []
    for told in of(list, plain["data"]["history"]):
        ((tag, inner),) = told.items()
        history.append(IN[tag](inner))
    return Opportunity(of(str, plain["data"]["id"]), history)


def rows() -> list[Row]:
    """Measure, and return a row for dumping and one for loading."""
    codec = Codec()
    deal = deal_of_twenty()
    plain = codec.dump(deal)
    assert len(deal.history) == 20
    assert by_hand_out(deal) == plain
    assert by_hand_in(plain) == codec.load(plain) == deal
    dumping = paired(lambda: codec.dump(deal), lambda: by_hand_out(deal), rounds=ROUNDS, times=TIMES)
    loading = paired(lambda: codec.load(plain), lambda: by_hand_in(plain), rounds=ROUNDS, times=TIMES)
    both = paired(
        lambda: codec.load(codec.dump(deal)), lambda: by_hand_in(by_hand_out(deal)), rounds=ROUNDS, times=TIMES
    )
    return [
        dumping.row("dump twenty events", "by hand", BOUND),
        loading.row("load twenty events", "by hand", BOUND),
        both.row("dump and load", "by hand", BOUND),
    ]
