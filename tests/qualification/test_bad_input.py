"""Wrong arguments to public functions: each is refused in words, with the way out, and none gives a wrong verdict."""

from datetime import UTC, datetime, timedelta

import pytest

from leadflow import Money
from leadflow.assessment import FindingKind, Verdict
from leadflow.errors import InvalidError
from leadflow.qualification import (
    Bant,
    Combined,
    FactSheet,
    IdealCustomerProfile,
    Policy,
    Questionnaire,
    Scorecard,
    all_of,
    any_of,
    at_least,
    bands,
    cap,
    coalesce,
    compare,
    diff,
    engagement_points,
    engagements,
    fact,
    framework,
    knock_out,
    points,
    require,
    screen,
    touches,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE, COUNTRY, STATUS = fact("company.employees"), fact("company.country"), fact("status")
BIG = SIZE >= 50
TEN = points(10, when=BIG)
RULE = Policy("p", require=[BIG])
ASKING = Questionnaire(policy=RULE, at=AT)
EMPTY = FactSheet({})


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: IdealCustomerProfile(excluded_countries="KP"), "write excluded_countries=['KP']"),
        (lambda: IdealCustomerProfile(industries=None), "industries must be a list of texts, got None"),
        (lambda: IdealCustomerProfile(employees=(1, 2, 3)), "employees must be a pair"),
        (lambda: IdealCustomerProfile(revenue=5), "revenue must be a pair"),
        (lambda: IdealCustomerProfile(countries=["Germany"]), "two capital letters such as 'DE', got 'Germany'"),
        (lambda: COUNTRY.is_in("Germany"), "two capital letters"),
        (lambda: COUNTRY.equals("de"), "did you mean 'DE'?"),
        (lambda: coalesce(COUNTRY, "Germany"), "default must be an ISO 3166 code"),
        (lambda: coalesce(COUNTRY, "DE").equals("Germany"), "two capital letters"),
        (lambda: FactSheet({"company.country": "Germany"}), "company.country must be an ISO 3166 code"),
        (lambda: STATUS.equals("won"), "constant is unknown: 'won'"),
        (lambda: fact("deal.roles").includes("boss"), "item is unknown: 'boss'"),
        (lambda: fact("deal.roles").equals(frozenset({"boss"})), "is unknown: 'boss'"),
        (lambda: fact("company.revenue").is_in(Money("5", "EUR")), "use .between(low, high) or .equals(amount)"),
        (lambda: FactSheet({}, missing="n/a"), "write missing=['n/a']"),
        (lambda: FactSheet({}, missing=None), "missing must be a list of values, got None"),
        (lambda: FactSheet({}, engagements=1), "engagements must be a list of what happened, got 1"),
        (lambda: FactSheet({}, known_at="x"), "known_at must be a timezone-aware datetime"),
        (lambda: FactSheet({}, known_at=AT.replace(tzinfo=None)), "known_at must be timezone-aware"),
        (lambda: FactSheet({}, subject_id=5), "subject_id must be a str"),
        (lambda: FactSheet.of(None), "opportunity must be a record"),
        (lambda: fact("custom.t", levels="gold"), "write levels=['gold']"),
        (lambda: fact("custom.x", []), "type must be one of"),
        (lambda: Scorecard(groups={"fit": [TEN]}, limits={"fitt": (0, 5)}), "did you mean 'fit'?"),
        (lambda: Scorecard(groups={}), "must hold at least one group"),
        (lambda: Scorecard(groups={"fit": [BIG]}), "write points(10, when=...)"),
        (lambda: Policy("p", score=BIG), "write points(10, when=...)"),
        (lambda: cap([BIG]), "write points(10, when=...)"),
        (lambda: Bant(levels=None), "levels must be a mapping"),
        (lambda: Bant(score="no"), "score must be True or False"),
        (lambda: Bant(threshold=5), "threshold must be left out without score=True"),
        (lambda: Bant(score=True, at_least=2), "at_least must be left out where points are given"),
        (lambda: framework("f", {"budgett": "willing"}), "did you mean 'budget'?"),
        (lambda: framework("f", {5: "weak"}), "names of dimensions (str), got 5"),
        (lambda: framework("f", {}), "at least one dimension"),
        (lambda: Policy("p", require=[BIG], questions=None), "questions must be a mapping"),
        (lambda: Policy("p", require=[BIG], valid_for=timedelta(days=-1)), "valid_for must be longer than nothing"),
        (lambda: Policy("p", require=[BIG], valid_for=30), "timedelta(days=30)"),
        (lambda: bands(SIZE, None, None), "cuts must be a list of values, got None"),
        (lambda: at_least(1, 5), "[0] must be a criterion, got 5"),
        (lambda: engagements(1), "kind must be a text, a list of texts, or None for all, got 1"),
        (lambda: engagements(within=30), "within must be a timedelta, such as timedelta(days=30), got 30"),
        (lambda: touches(1), "kind must be a text"),
        (lambda: touches(outcome=1), "outcome must be a text"),
        (lambda: engagement_points(1, points=5), "kinds must be"),
        (lambda: engagement_points("webinar", points=5, half_life=30), "half_life must be a timedelta, such as"),
        (lambda: points(5, when=BIG, unknown=float("nan")), "unknown must be a fraction"),
        (lambda: require(TEN), "when must be a criterion, got 10 if company.employees >= 50"),
        (lambda: all_of(RULE, id=0), "id must be a str, got 0"),
        (lambda: any_of(RULE, BIG), "policies[1] must have assess(subject, *, at), got company.employees >= 50"),
        (lambda: Combined("x", how="all_of", policies=None), "policies must be"),
        (lambda: screen(None, [], at=AT), "policy must have assess"),
        (lambda: screen(RULE, None, at=AT), "subjects must be a list of subjects, got None"),
        (lambda: screen(RULE, [], at=None), "at must be a timezone-aware datetime"),
        (lambda: compare(RULE, None, [], at=AT), "after must have assess"),
        (lambda: diff(None, RULE), "before must be an Assessment"),
        (lambda: ASKING.answer([], 5), "fact must be the name of a fact"),
        (lambda: ASKING.answer("company.employes", 5), "did you mean 'company.employees'?"),
        (lambda: Questionnaire(policy=all_of(Bant(), RULE), at=AT), "a combination of bant, p; ask for each of them"),
        (lambda: Questionnaire(policy=5, at=AT), "must be a Policy, whose facts have kinds, got 5"),
        (lambda: Questionnaire(policy=RULE, at=AT, unanswerable="x"), "unanswerable must be"),
        (lambda: RULE.assess(EMPTY, at=AT, rates="x"), "rates must be ExchangeRates"),
    ],
)
def test_refused_in_words(build, words):
    """The message names the argument, what was got and the way out, and is short."""
    with pytest.raises(InvalidError) as caught:
        build()
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: COUNTRY.is_in("DE") & SIZE >= 50, "(a >= 50) & (b < 3)"),
        (lambda: BIG | SIZE >= 50, "(a >= 50) & (b < 3)"),
        (lambda: BIG & fact("person.is_contactable") >= 50, "(a >= 50) & (b < 3)"),
        (lambda: ~SIZE >= 50, "~(a >= 50)"),
        (lambda: BIG <= 5, "is no value to compare with 5, got company.employees >= 50"),
        (lambda: BIG & 5, "must be a criterion, got 5"),
        (lambda: Policy("p", require=[SIZE != 50]), "~a.equals(...)"),
        (lambda: Policy("p", require=[SIZE in (1, 2)]), ".is_in(...)"),
        (lambda: 50 in SIZE, ".is_in(...)"),
    ],
)
def test_traps_of_operators(build, words):
    """Missing parentheses and operators that mean something else are named."""
    with pytest.raises(InvalidError) as caught:
        build()
    assert words in str(caught.value)


worth, LEVEL, FREE = fact("deal.amount"), fact("discovery.need.level"), fact("source")


@pytest.mark.parametrize(
    "given",
    [
        {"require": [(SIZE >= 50) & (SIZE < 10)]},
        {"require": [(SIZE > 50) & (SIZE <= 50)]},
        {"require": [SIZE.equals(5) & (SIZE > 5)]},
        {"require": [SIZE >= 50, SIZE < 10]},
        {"require": [SIZE.between(1, 5) & ~(SIZE < 9)]},
        {"require": [FREE.equals("a") & FREE.equals("b")]},
        {"require": [FREE.is_in("a", "b") & ~FREE.is_in("a", "b")]},
        {"require": [LEVEL.at_least("stated") & LEVEL.equals("none")]},
        {"require": [(worth > Money(5, "EUR")) & (worth < Money(5, "EUR"))]},
        {"require": [fact("person.is_contactable") & ~fact("person.is_contactable")]},
        {"require": [STATUS.equals("new") & STATUS.equals("working")]},
        {"require": [COUNTRY.equals("DE")], "knock_out": [COUNTRY.is_in("DE", "AT")]},
        {"score": [points(5, when=(SIZE >= 50) & (SIZE < 10))]},
        {"score": [cap([TEN], high=11)]},
        {"score": [cap([TEN], low=-1)]},
    ],
)
def test_what_cannot_be_meant(given):
    """Tests that exclude each other, and limits that never cut, are refused when the policy is built."""
    with pytest.raises(InvalidError, match=r"can never hold|leaves nobody|can never cut"):
        Policy("p", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"require": [(SIZE >= 50) & (SIZE <= 50)]},
        {"require": [SIZE.equals(5) | (SIZE > 5), SIZE >= 1]},
        {"require": [(worth > Money(5, "EUR")) & (worth < Money(5, "USD"))]},
        {"require": [FREE.contains("a") & FREE.contains("b")]},
        {"require": [fact("tags").includes("a") & ~fact("tags").includes("b")]},
        {"require": [require(SIZE >= 50, unknown="yes"), require(SIZE < 10, unknown="yes")]},
        {"require": [COUNTRY.equals("DE")], "knock_out": [COUNTRY.equals("KP")]},
        {"require": [at_least(1, SIZE >= 50, SIZE < 10)]},
        {"score": [cap([TEN], 0, 10)]},
    ],
)
def test_what_can_be_meant(given):
    """Where some value passes, or an unknown may, nothing is refused."""
    assert Policy("p", **given)


class TestVerdicts:
    def test_a_penalty_that_does_not_apply_is_no_obstacle(self):
        """Points that would be lost, and are not, speak for the subject; those that are lost speak against it."""
        card = Policy("p", score=[points(-20, when=FREE.equals("list")), TEN], threshold=5)
        spared = card.assess(FactSheet({"source": "web", "company.employees": 5}), at=AT)
        assert spared.verdict is Verdict.NOT_QUALIFIED
        assert [item.speaks_for for item in spared.findings] == [True, False]
        assert "-20" not in spared.why_not()
        assert "[+] no points lost by: -20 if source is 'list'" in spared.why()
        lost = card.assess(FactSheet({"source": "list", "company.employees": 60}), at=AT)
        assert [item.speaks_for for item in lost.findings if item.kind is FindingKind.POINTS] == [False, True]

    def test_the_outcome_is_named(self):
        """A policy says which of its facts are known only afterwards."""
        assert Policy("p", require=[BIG, STATUS.equals("new")]).after_outcome == ("status",)
        assert Policy("p", require=[BIG, engagements().count() >= 1]).after_outcome == ()

    def test_a_profile_asks_in_its_own_words(self):
        """A fact of the host's own has a neutral question, unless the profile brings one."""
        kilns = fact("custom.kilns", int) >= 5
        plain = IdealCustomerProfile(require=[kilns])
        assert plain.assess(EMPTY, at=AT).questions[0].text == "what do we know about kilns?"
        asking = IdealCustomerProfile(require=[kilns], questions={"custom.kilns": "how many kilns do they run?"})
        assert asking.assess(EMPTY, at=AT).questions[0].text == "how many kilns do they run?"

    def test_choices_of_a_closed_fact(self):
        """A questionnaire offers the only texts that can be."""
        asking = Questionnaire(policy=Policy("p", knock_out=[knock_out(fact("deal.type").equals("new"))]), at=AT)
        assert asking.options("deal.type") == ("new", "expansion", "renewal")
        assert fact("deal.type") == coalesce(fact("deal.type"), "new").operand
        assert coalesce(fact("deal.type"), "new").options == ("new", "expansion", "renewal")
