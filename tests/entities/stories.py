"""
Stories: random sequences of commands on every kind of record, for the laws that hold whatever happens.

Every text that may name a person contains `SECRET` and a tag of HTML, so that a law can ask whether it is gone or
escaped. About one command in five is refused: by the rules, for a value, or for its time; what it left behind is kept
beside it.
"""

from datetime import UTC, date, datetime, timedelta

import attrs
from attrs import frozen
from hypothesis import strategies as st

from leadflow import (
    Account,
    Company,
    Consent,
    Contact,
    ContactRole,
    Engagement,
    Lead,
    LeadflowError,
    Learned,
    ListEntry,
    Milestone,
    Money,
    NextStep,
    Objection,
    Opportunity,
    Person,
    Pipeline,
    Proposal,
    Prospect,
    Recurring,
    Stage,
    TeamMember,
    Touch,
    pipelines,
)
from leadflow.allowance import ALLOWED
from leadflow.assessment import Evidence, Verdict
from leadflow.dealparts import DISQUALIFICATION_REASONS, LOSS_REASONS, BuyingRole, Origin, ProductInterest
from leadflow.events import LeadAbsorbed, Provenance, Wrote
from leadflow.stage import ForecastCategory

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = "Secret<script>"
RECORDS = (ListEntry, Lead, Prospect, Opportunity, Account, Contact)

TRADE = Pipeline(
    "trade",
    [
        Stage(code="quoted", probability=0.3),
        Stage(code="ordered", probability=1.0, requires={"amount", "next_step"}, forecast_category="commit"),
        Stage(code="signed", category="won", requires={"amount", "expected_close"}),
        Stage(code="paid", category="won"),
        Stage(code="gone", category="lost"),
        Stage(code="buried", category="lost"),
    ],
    moves=[
        ("quoted", "ordered"),
        ("ordered", "quoted"),
        ("quoted", "gone"),
        ("quoted", "signed"),
        ("ordered", "signed"),
        ("ordered", "gone"),
        ("signed", "paid"),
        ("gone", "buried"),
    ],
)
# The same codes as the simple pipeline with other chances, so that deals can go over to it, and back.
SECOND = Pipeline(
    "simple",
    [
        Stage(code="qualified", probability=0.25, label="Vetted"),
        Stage(code="proposal", probability=0.5, requires={"primary_contact"}),
        Stage(code="negotiation", probability=0.8, requires={"decision_maker"}),
        Stage(code="won", category="won"),
        Stage(code="lost", category="lost"),
    ],
    version=2,
    allow_back=False,
)
PIPELINES = (pipelines.SIMPLE, SECOND, TRADE)

words = st.integers(1, 3).map(lambda number: f"{SECRET} {number}")
codes = st.sampled_from(["a", "b", "c"])
labels = st.sampled_from(["fair", "web", "söderhamn"])
days = st.integers(0, 60).map(lambda number: date(2026, 3, 1) + timedelta(days=number))
monies = st.sampled_from([Money("10", "EUR"), Money("48000.50", "EUR"), Money(3, "USD")])
worths = monies | st.just(Recurring(Money(10, "EUR"), 1, 12)) | st.just(Recurring(Money(10, "EUR"), 3))
fields = st.sampled_from([{}, {"seats": 3}, {"nick": SECRET, "aliases": (SECRET,), "since": date(2020, 1, 1)}])
persons = st.builds(
    Person,
    words,
    email=st.none() | st.just("secret@secret.example"),
    phone=st.just(SECRET),
    handle=st.none() | words,
    job_title=st.none() | words,
    country=st.sampled_from([None, "DE"]),
)
companies = st.builds(
    Company,
    st.sampled_from(["Northwind", "Contoso"]),
    employees=st.none() | st.integers(0, 9),
    email=st.none() | st.just("secret@secret.example"),
    phone=st.none() | words,
)
products = st.builds(ProductInterest, codes, quantity=st.none() | st.integers(1, 5), note=st.none() | words)
reasons = st.sampled_from([*DISQUALIFICATION_REASONS, *LOSS_REASONS, "nonsense"])
stages = st.sampled_from([stage.code for pipeline in PIPELINES for stage in pipeline.stages])
contact_ids = st.sampled_from(["C-1", "C-2", "C-3"])


def few(values, *, unique=False):
    return st.lists(values, max_size=2, unique=unique)


def engagements(at):
    return st.builds(
        Engagement,
        st.sampled_from(["form", "download", "mail_open", "custom.visit"]),
        at=st.integers(0, 5).map(lambda number: at - timedelta(days=number)),
        note=st.just("") | words,
        subject=st.none() | words,
        fields=fields,
        value=st.none() | monies,
    )


def touches(at):
    return st.builds(
        Touch,
        st.sampled_from(["call", "email"]),
        at=st.integers(0, 5).map(lambda number: at - timedelta(days=number)),
        outcome=st.sampled_from(["no_answer", "held"]),
        note=st.just("") | words,
    )


def consents(at):
    return st.builds(
        Consent,
        st.sampled_from(["email", "phone"]),
        purpose=st.sampled_from(["sales", "marketing"]),
        granted=st.booleans(),
        at=st.integers(0, 5).map(lambda number: at - timedelta(days=number)),
        basis=st.sampled_from(["consent", "contract"]),
    )


def evidence(at):
    return st.builds(
        Evidence,
        policy_id=st.just("icp"),
        at=st.just(at),
        verdict=st.sampled_from(Verdict),
        facts=st.just({"company.employees": 420}),
        personal_facts=st.just({"person.job_title": SECRET}),
    )


learned = {
    "budget": st.sampled_from(["none", "approved", "unknown"]) | monies,
    "authority": st.sampled_from(["none", "decides"]) | st.builds(Learned, st.just("aware"), evidence=words),
    "need": st.sampled_from(["none", "defined"]) | words,
    "timeline": st.sampled_from(["none", "agreed"]) | days,
    "next_step": st.just("agreed") | words,
    "catalyst": st.just("confirmed") | words,
    "ratings": st.dictionaries(st.sampled_from(["champion", "custom.politics"]), st.sampled_from(["weak", "unknown"])),
}
corrections = {
    "person": persons,
    "company": companies,
    "source": labels,
    "campaign": labels,
    "estimated_value": monies,
    "product_interest": few(products | codes),
    "tags": few(codes),
    "fields": fields,
    "name": words,
    "account_id": st.just("A-1"),
    "type": st.sampled_from(["new", "renewal"]),
    "needs": few(words),
    "competitors": few(labels),
    "team": few(st.builds(TeamMember, codes, st.none() | labels)),
}


def correcting(entity):
    names = sorted(entity._CORRECTABLE)
    values = st.fixed_dictionaries({}, optional={name: corrections[name] for name in names})
    return st.tuples(values, few(st.sampled_from(names)), st.just("") | words).map(
        lambda drawn: ((), {**drawn[0], "clear": drawn[1], "note": drawn[2]})
    )


def given_by_name(**values):
    return st.fixed_dictionaries({}, optional=values).map(lambda drawn: ((), drawn))


def given_in_order(*values, **named):
    return st.tuples(st.tuples(*values), st.fixed_dictionaries({}, optional=named))


@st.composite
def moving(draw, deal):
    """Draw a stage, mostly one that the pipeline allows, with a reason where that is a lost one (mostly)."""
    legal = st.sampled_from(deal.pipeline.moves_from(deal.stage.code) or ("qualified",))
    stage = draw(st.one_of(legal, legal, legal, stages))
    losing = stage in ("lost", "gone") or draw(st.integers(0, 9)) == 9
    return (stage,), {"reason": draw(reasons), "note": draw(words)} if losing else {}


def undoing(entity):
    last = entity.version
    return given_by_name(note=words).flatmap(
        lambda drawn: few(st.integers(max(1, last - 2), last), unique=True).map(
            lambda versions: (tuple(versions), drawn[1])
        )
    )


def absorbing(entity, at, kind=None):
    """Draw what another record brought along: any part of what its event can tell."""
    kind = kind or entity._ABSORBED
    values = {
        "engagements": few(engagements(at)),
        "touches": few(touches(at)),
        "consents": few(consents(at)),
        "owner": codes,
        "tags": few(codes),
        "fields": fields,
        "person": persons,
        "company": companies,
        "account_id": st.just("A-1"),
        "amount": monies,
        "needs": few(words),
        "product_interest": few(products),
        "opportunity_ids": st.just(("O-7",)),
        "next_step": st.builds(NextStep, words, days),
        "provenance": st.just((Provenance("tags", ("X-2",)),)),
        "wrote": st.just((Wrote("C-1", (3,)),)),
    }
    told = {name: values[name] for name in values if name in {field.name for field in attrs.fields(kind)}}
    return given_by_name(**told).map(lambda drawn: (("X-2",), drawn[1]))


# Per command what it is called with, as a function of the record and the time.
ANY = {
    "assign": lambda entity, at: given_in_order(st.none() | codes),
    "correct": lambda entity, at: correcting(entity),
    "redact": lambda entity, at: st.just(((), {"reason": "GDPR Art. 17"})),
    "undone": lambda entity, at: undoing(entity),
}
RELATED = ANY | {
    "engage": lambda entity, at: given_in_order(engagements(at)),
    "touch": lambda entity, at: given_in_order(touches(at)),
    "discover": lambda entity, at: given_by_name(**learned),
    "record_consent": lambda entity, at: st.lists(consents(at), min_size=1, max_size=3).map(lambda said: (said, {})),
}
MERGEABLE = RELATED | {
    "merged": lambda entity, at: given_by_name(into=st.sampled_from(["X-1", "<b>"])).map(
        lambda drawn: ((), {"into": "X-1"} | drawn[1])
    ),
    "absorbed": absorbing,
}
CANDIDATE = MERGEABLE | {
    "nurture": lambda entity, at: given_by_name(revisit_on=days, note=words),
    "disqualify": lambda entity, at: given_in_order(reasons, note=words),
    "reopen": lambda entity, at: given_by_name(note=words),
}
COMMANDS = {
    ListEntry: RELATED | {"became": lambda entity, at: given_in_order(st.just("L-1"))},
    Lead: CANDIDATE
    | {
        "qualified": lambda entity, at: evidence(at).flatmap(
            lambda found: given_by_name(override=words).map(
                lambda drawn: ((), {**drawn[1], "prospect_id": "P-1", "evidence": found})
            )
        )
    },
    Prospect: CANDIDATE
    | {
        "withdraw": lambda entity, at: given_by_name(note=words),
        "lead_absorbed": lambda entity, at: absorbing(entity, at, LeadAbsorbed),
        "converted": lambda entity, at: evidence(at).flatmap(
            lambda found: given_by_name(
                account_id=st.just("A-1"),
                contact_id=contact_ids,
                opportunity_id=st.sampled_from(["O-1", "O-2", "O-3"]),
                another=words,
                override=words,
            ).map(lambda drawn: ((), {**drawn[1], "evidence": found}))
        ),
    },
    Opportunity: MERGEABLE
    | {
        "move_to": lambda entity, at: moving(entity),
        "win": lambda entity, at: given_in_order(st.none() | worths, stage=stages, note=words),
        "lose": lambda entity, at: given_in_order(reasons, stage=stages, note=words),
        "reopen": lambda entity, at: given_by_name(note=words),
        "call": lambda entity, at: given_in_order(st.none() | st.sampled_from(ForecastCategory), pinned=st.booleans()),
        "set_amount": lambda entity, at: given_in_order(worths),
        "set_expected_close": lambda entity, at: given_in_order(days),
        "set_probability": lambda entity, at: given_in_order(st.sampled_from([None, 0, 0.35, 1.0, 1.5])),
        "adopt": lambda entity, at: given_in_order(st.sampled_from(PIPELINES)),
        "withdraw": lambda entity, at: given_by_name(note=words),
        "add_role": lambda entity, at: given_in_order(contact_ids, st.sampled_from(BuyingRole), primary=st.booleans()),
        "remove_role": lambda entity, at: given_in_order(contact_ids),
        "propose": lambda entity, at: given_in_order(st.builds(Proposal, codes, amount=st.none() | monies)),
        "add_milestone": lambda entity, at: given_in_order(st.builds(Milestone, codes, words, due=st.none() | days)),
        "complete_milestone": lambda entity, at: given_in_order(codes),
        "drop_milestone": lambda entity, at: given_in_order(codes),
        "set_next_step": lambda entity, at: given_in_order(st.none() | words | st.builds(NextStep, words, days)),
        "raise_objection": lambda entity, at: given_in_order(words),
        "answer_objection": lambda entity, at: given_in_order(words),
        "review": lambda entity, at: given_by_name(note=words),
    },
    Account: ANY | {"withdraw": lambda entity, at: given_by_name(note=words)},
    Contact: ANY
    | {
        "record_consent": RELATED["record_consent"],
        "withdraw": lambda entity, at: given_by_name(note=words),
    },
}

# Which question tells beforehand whether a command is possible; `can_change` for all that are not here.
TWINS = {
    "correct": lambda entity, args, named: entity.can_correct(
        *(name for name in named if name not in ("clear", "note")), *named["clear"]
    ),
    "redact": lambda entity, args, named: ALLOWED,
    "record_consent": lambda entity, args, named: ALLOWED,
    "nurture": lambda entity, args, named: entity.can_nurture(),
    "disqualify": lambda entity, args, named: entity.can_disqualify(),
    "reopen": lambda entity, args, named: entity.can_reopen(),
    "qualified": lambda entity, args, named: entity.can_qualify(),
    "converted": lambda entity, args, named: entity.can_convert(),
    "withdraw": lambda entity, args, named: entity.can_withdraw(),
    "undone": lambda entity, args, named: entity.can_undo(*args),
    "merged": lambda entity, args, named: entity.can_merge(),
    "absorbed": lambda entity, args, named: entity.can_absorb(),
    "lead_absorbed": lambda entity, args, named: entity.can_absorb(),
    "move_to": lambda entity, args, named: entity.can_move_to(args[0]),
    "win": lambda entity, args, named: entity.can_win(args[0], stage=named.get("stage")),
    "lose": lambda entity, args, named: entity.can_lose(stage=named.get("stage")),
    "call": lambda entity, args, named: entity.can_call(),
    "set_probability": lambda entity, args, named: entity.can_call(),
    "set_expected_close": lambda entity, args, named: entity.can_call(),
    "adopt": lambda entity, args, named: entity.can_adopt(args[0]),
    "remove_role": lambda entity, args, named: entity.can_remove_role(args[0]),
}


@st.composite
def beginnings(draw, kind):
    """Draw a new record: made by its own command, or imported in the middle of its life."""
    at = START
    when = {"at": at, "by": draw(st.sampled_from([None, "ada"])), "recorded_at": at + timedelta(hours=1)}
    shared = {
        "source": draw(labels),
        "owner": draw(st.none() | codes),
        "tags": draw(few(codes)),
        "fields": draw(fields),
    }
    told = {
        "engagements": draw(few(engagements(at))),
        "touches": draw(few(touches(at))),
        "consents": draw(few(consents(at))),
    }
    whom = {"person": draw(persons), "company": draw(st.none() | companies)}
    imported = draw(st.booleans())
    if kind is ListEntry:
        return (
            ListEntry.imported("<b>", **whom, **shared, **told, **when)
            if imported
            else ListEntry.add("<b>", **whom, **shared, consents=told["consents"], **when)
        )
    if kind is Lead:
        if imported:
            status = draw(st.sampled_from(["new", "working", "disqualified", "merged"]))
            return Lead.imported("<b>", status=status, **whom, **shared, **told, **when)
        entry = draw(st.none() | beginnings(ListEntry))
        return Lead.capture("<b>", **whom, **shared, entry=entry, engagement=Engagement("form", at=at), **when)
    if kind is Prospect:
        status = draw(st.sampled_from(["active", "nurturing", "disqualified", "merged", "withdrawn"]))
        return Prospect.imported("<b>", status=status, **whom, **shared, **told, **when)
    if kind is Account:
        make = Account.imported if imported else Account.add
        return make("<b>", draw(words), company=whom["company"], **shared, **when)
    if kind is Contact:
        make = Contact.imported if imported else Contact.add
        account_id = draw(st.sampled_from([None, "A-1"]))
        return make("<b>", whom["person"], account_id=account_id, consents=told["consents"], **shared, **when)
    pipeline = draw(st.sampled_from(PIPELINES))
    parts = {
        "needs": draw(few(words)),
        "objections": draw(few(st.builds(Objection, words))),
        "contact_roles": draw(st.sampled_from([(), (ContactRole("C-1", "decision_maker", primary=True),)])),
        "origin": Origin.from_campaign("spring"),
        "pipeline": pipeline,
    }
    if not imported:
        stage = draw(st.sampled_from([None, *(stage.code for stage in pipeline.open_stages)]))
        probability = draw(st.sampled_from([None, 0.35]))
        return Opportunity.open(
            "<b>",
            draw(words),
            draw(worths),
            expected_close=draw(days),
            stage=stage,
            probability=probability,
            **parts,
            **shared,
            **told,
            **when,
        )
    stage = draw(st.sampled_from(pipeline.stages))
    return Opportunity.imported(
        "<b>",
        draw(words),
        amount=draw(st.none() | worths),
        stage=stage.code,
        closed_at=None if stage.is_open else at - timedelta(days=1),
        reason="price" if stage.is_lost else None,
        created_at=draw(st.sampled_from([None, at - timedelta(days=30)])),
        proposals=draw(st.sampled_from([(), (Proposal("a"),)])),
        milestones=draw(st.sampled_from([(), (Milestone("a", SECRET),)])),
        **parts,
        **shared,
        **told,
        **when,
    )


@frozen
class Step:
    """One command of a story, with what it was tried on and what came of it (one of `after` and `error` is None)."""

    before: object
    command: str
    args: tuple
    named: dict
    after: object
    error: object

    @property
    def twin(self):
        ask = TWINS.get(self.command)
        return ask(self.before, self.args, self.named) if ask else self.before.can_change()


# Commands worth trying more often: those that lead somewhere, or need something to be there before.
OFTEN = ["move_to"] * 7 + ["win", "lose", "reopen", "reopen", "add_role", "add_role", "remove_role", "remove_role"]
OFTEN += [
    "set_probability",
    "call",
    "raise_objection",
    "answer_objection",
    "add_milestone",
    "complete_milestone",
    "touch",
]


@st.composite
def stories(draw, kind, longest=10):
    """Draw a beginning and the commands tried after it, one on what the other left."""
    entity = draw(beginnings(kind))
    steps = []
    known = sorted(COMMANDS[kind])
    for command in draw(st.lists(st.sampled_from(known + [name for name in OFTEN if name in known]), max_size=longest)):
        later = draw(
            st.sampled_from([timedelta(minutes=7), timedelta(0), timedelta(days=2)] * 3 + [-timedelta(days=1)])
        )
        recorded = entity.updated_at + max(later, timedelta(0))
        at = entity.updated_at + later
        args, named = draw(COMMANDS[kind][command](entity, at))
        when = {"at": at, "by": draw(st.sampled_from([None, "bo"])), "recorded_at": recorded}
        try:
            after, error = getattr(entity, command)(*args, **named, **when), None
        except LeadflowError as refusal:
            after, error = None, refusal
        steps.append(Step(entity, command, tuple(args), named, after, error))
        entity = after or entity
    return entity, steps


def records(kind):
    """Draw what a story ends with."""
    return stories(kind).map(lambda story: story[0])
