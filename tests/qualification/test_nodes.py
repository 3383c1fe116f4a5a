"""The parts of a rule: what they say, what they refuse, and their three-valued logic."""

# ruff: noqa: SIM300, PLW0177 - comparisons with a fact build rules

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from itertools import product
from math import nan

import pytest

from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.money import Money
from leadflow.qualification import (
    FactSheet,
    Grid,
    KnockOut,
    Policy,
    Requirement,
    Scale,
    age,
    at_least,
    bands,
    cap,
    coalesce,
    engagements,
    fact,
    knock_out,
    points,
    require,
    touches,
)
from leadflow.qualification.awards import Points
from leadflow.qualification.comparisons import Compare, IsIn, TextMatch
from leadflow.qualification.logic import AllOf, AnyOf, AtLeast, Not
from leadflow.qualification.nodes import Reading
from leadflow.qualification.scores import Cap, Sum

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = fact("company.employees") >= 50
HERE = fact("company.country").equals("DE")
SOURCE = fact("source").equals("web")
EUR = Money("1000", "EUR")


def truth(predicate, **facts):
    return predicate.truth(Reading({name.replace("__", "."): value for name, value in facts.items()}, AT))


class TestKleene:
    """Strong Kleene logic."""

    @pytest.mark.parametrize(("a", "b"), list(product([True, False, None], repeat=2)))
    def test_tables(self, a, b):
        """False decides "and", true decides "or", and unknown is only where they leave it open."""
        known = {True: 60, False: 1, None: None}
        values = {"company.employees": known[a], "deal.proposals": known[b]}
        one, other = fact("company.employees") >= 50, fact("deal.proposals") >= 50
        both = False if False in (a, b) else None if None in (a, b) else True
        either = True if True in (a, b) else None if None in (a, b) else False
        reading = Reading(values, AT)
        assert (one & other).truth(reading) is both
        assert (one | other).truth(reading) is either
        assert (~one).truth(reading) is (None if a is None else not a)
        assert (~(one & other)).truth(reading) == (~one | ~other).truth(reading)

    def test_at_least(self):
        """It is true once enough are true, false once enough cannot be, else unknown."""
        two = at_least(2, SIZE, HERE, SOURCE)
        assert truth(two, company__employees=60, source="web") is True
        assert truth(two, company__employees=1, source="x") is False
        assert truth(two, company__employees=60, source="x") is None

    def test_shape(self):
        """Chains of & and | are flat, and a double "not" is gone."""
        assert SIZE & HERE & SOURCE == AllOf((SIZE, HERE, SOURCE))
        assert SIZE | (HERE | SOURCE) == AnyOf((SIZE, HERE, SOURCE))
        assert ~~SIZE == SIZE
        assert ~SIZE == Not(SIZE)
        assert at_least(1, [SIZE, HERE]) == AtLeast(1, (SIZE, HERE))


class TestComparisons:
    """What is asked of one value."""

    @pytest.mark.parametrize(
        ("predicate", "yes", "no"),
        [
            (fact("company.employees").equals(5), 5, 6),
            (fact("company.employees") < 5, 4, 5),
            (fact("company.employees") <= 5, 5, 6),
            (fact("company.employees") > 5, 6, 5),
            (5 <= fact("company.employees"), 5, 4),
            (fact("company.employees").between(2, 4), 2, 5),
            (fact("company.employees").between(2, 2), 2, 1),
            (fact("company.employees").is_in(1, 2.0), 2, 3),
            (fact("company.employees").is_in({1, 2}), 2, 3),
            (fact("source").equals("web"), "web", "Web"),
            (fact("source").contains("EB"), "web", "wbe"),
            (fact("source").contains("EB", ignore_case=False), "wEB", "web"),
            (fact("source").startswith("w"), "Web", "ew"),
            (fact("source").endswith("B"), "web", "bew"),
            (fact("source").endswith("B", ignore_case=False), "weB", "web"),
            (fact("source").contains("."), "a.b", "ab"),
            (fact("tags").includes("vip"), frozenset({"vip", "x"}), frozenset({"x"})),
            (fact("person.is_contactable").equals(constant=False), False, True),
            (fact("discovery.budget.level") > "willing", "identified", "willing"),
            (fact("discovery.budget.level").at_least("willing"), "approved", "none"),
            (fact("discovery.budget.level") < "willing", "none", "willing"),
            (fact("discovery.budget.level").between("willing", "identified"), "identified", "approved"),
            (fact("person.seniority").at_least("director"), "vp", "manager"),
            (fact("custom.tier", levels=("bronze", "silver")) >= "silver", "silver", "bronze"),
            (fact("deal.expected_close") <= date(2026, 3, 31), date(2026, 3, 31), date(2026, 4, 1)),
            (fact("created_at") >= AT, AT, AT - timedelta(seconds=1)),
            (fact("custom.trial", timedelta) > timedelta(days=3), timedelta(days=4), timedelta(days=3)),
            (fact("deal.amount").between(EUR, EUR * 2), EUR, EUR * 3),
            (fact("deal.amount").equals(EUR), Money("1000.00", "EUR"), EUR * 2),
        ],
    )
    def test_yes_no_unknown(self, predicate, yes, no):
        """Each is true for one value, false for another, unknown without one."""
        name = predicate.operand.name
        for value, expected in ((yes, True), (no, False), (None, None)):
            assert predicate.truth(Reading({name: value}, AT)) is expected

    def test_asking_whether_known_opens_nothing(self):
        """Whether something is known is never unknown, so there is nothing to ask."""
        assert list(fact("source").is_known().open_facts(Reading({}, AT), 1.0)) == []

    def test_the_host_s_decimal_context(self):
        """A host that computes with four digits does not change our points or fingerprints."""
        with localcontext() as context:
            context.prec = 2
            context.traps[InvalidOperation] = False
            rough = Policy("p", score=[points("1234.567", when=fact("deal.amount") > Money("1234567.89", "EUR"))])
            assert rough.score.reach == (0, 1_234_567)
            rough_print = rough.fingerprint
        fine = Policy("p", score=[points("1234.567", when=fact("deal.amount") > Money("1234567.89", "EUR"))])
        assert rough == fine
        assert rough_print == fine.fingerprint

    def test_derived_values(self):
        """A default and an age read the same fact as what they are made of."""
        level = coalesce(fact("discovery.need.level"), "none")
        assert level.reads == (fact("discovery.need.level"),)
        assert age(coalesce(fact("created_at"), AT)).reads == (fact("created_at"),)
        assert (level >= "stated").test("defined")
        assert Policy("p", score=[bands(age(fact("created_at")), [3], [1, 0])], threshold=1).bank.keys() == {
            "created_at"
        }
        rule = at_least(1, coalesce(age(fact("created_at")), 0) < 3, SIZE)
        assert truth(rule) is True
        asked = Policy("p", require=[age(fact("created_at")) < 3]).assess(FactSheet({}), at=AT).questions
        assert [question.fact for question in asked] == ["created_at"]

    def test_equal_rules_are_equal(self):
        """Constants have one form: 50, 50.0 and Decimal(50) make the same rule, as do sets in any order."""
        assert (fact("company.employees") >= 50.0) == SIZE == (fact("company.employees") >= Decimal(50))
        assert fact("source").is_in("b", "a", "b") == fact("source").is_in(["a", "b"])
        assert hash(fact("source").is_in("b", "a")) == hash(fact("source").is_in("a", "b"))
        assert (fact("company.employees") >= Decimal("0.1")) != (fact("company.employees") >= 0.1)
        assert (fact("deal.amount") >= Money("1000.00", "EUR")) == (fact("deal.amount") >= EUR)

    def test_yes_or_no_facts_are_criteria(self):
        """A fact that is yes or no may stand where a criterion is wanted."""
        customer, reachable = fact("account.is_customer"), fact("person.is_contactable")
        assert Policy("p", require=[customer]).require[0].when == customer.equals(constant=True)
        assert (customer & reachable) == (customer.equals(constant=True) & reachable.equals(constant=True))
        assert (customer | reachable).text == "account.is_customer is yes or person.is_contactable is yes"
        assert (~customer).text == "not (account.is_customer is yes)"

    @pytest.mark.parametrize(
        ("predicate", "words"),
        [
            (SIZE & (HERE | SOURCE), "company.employees >= 50 and (company.country is 'DE' or source is 'web')"),
            (
                at_least(1, SIZE, HERE & SOURCE),
                "at least 1 of: company.employees >= 50, (company.country is 'DE' and source is 'web')",
            ),
            (fact("source").contains("eb", ignore_case=False), "source contains 'eb' (exact case)"),
            (fact("source").is_known(), "source is known"),
            (coalesce(fact("source"), "web").equals("x"), "source (or 'web' where unknown) is 'x'"),
            (fact("deal.amount").between(EUR, EUR * 2), "deal.amount between 1,000 EUR and 2,000 EUR"),
            (require(SIZE), "company.employees >= 50"),
            (cap([points(1, when=SIZE)], low=-2, high=4), "the sum of 1: at least -2 and at most 4"),
            (cap(points(1.5, when=SIZE), name="fit"), "fit: no limit"),
            (
                Grid(Scale(["B", "A"], [1], group="fit"), Scale(["2", "1"], [1], group="heat")),
                "fit (B, A from 1) by heat (2, 1 from 1)",
            ),
        ],
    )
    def test_words(self, predicate, words):
        """Every part says what it asks."""
        assert predicate.text == words


def refused(build, *parts, kind=InvalidError):
    with pytest.raises(kind) as caught:
        build()
    for part in parts:
        assert part in str(caught.value)


class TestOperatorTraps:
    """Python's operators that would silently drop half of a rule are caught, naming the right spelling."""

    @pytest.mark.parametrize(
        "build",
        [
            lambda: SIZE and HERE,
            lambda: not SIZE,
            lambda: 5 < fact("company.employees") < 9,
            lambda: bool(points(1, when=SIZE)),
            lambda: 1 if fact("source") else 2,
        ],
    )
    def test_truth(self, build):
        """No part has a truth of its own."""
        refused(build, "write (a) & (b), (a) | (b), ~(a), and .between(low, high)", kind=InvalidTypeError)

    @pytest.mark.parametrize(
        "build",
        [
            lambda: SIZE & (fact("source") == "web"),
            lambda: Policy("p", require=[fact("source") == "web"]),
            lambda: points(5, when=fact("source") == "web"),
            lambda: at_least(1, fact("source") == "web"),
            lambda: at_least(1, [SIZE, fact("source") == "web"]),
            lambda: require(fact("source") != "web"),
        ],
    )
    def test_equality(self, build):
        """== compares rules, so its outcome cannot be a criterion."""
        refused(build, ".equals(...)", kind=InvalidTypeError)

    @pytest.mark.parametrize("build", [lambda: 5 & SIZE, lambda: 5 | fact("person.is_contactable")])
    def test_parentheses(self, build):
        """& binds tighter than >, which is said."""
        refused(build, "bind tighter", "(a > 5) & (b < 3)", kind=InvalidTypeError)

    def test_no_criterion(self):
        """A value that is not yes or no is no criterion."""
        refused(lambda: require(fact("source")), "got source, a text; compare it with something")
        refused(lambda: require("source"), "write a comparison")
        refused(lambda: Policy("p", require=SIZE), "must be a list of criteria")
        refused(lambda: Policy("p", require="source"), "must be a list of criteria")
        refused(lambda: Policy("p", knock_out=5), "must be a list of criteria")
        refused(lambda: Policy("p", require=[True, "x", SIZE]), "[0] must be", "[1] must be")
        refused(lambda: Policy("p", require=[knock_out(SIZE)]), "require[0] must be a criterion or Requirement(...)")


class TestRefusals:
    """What cannot be meant is refused when the rule is built."""

    @pytest.mark.parametrize(
        ("build", "words"),
        [
            (lambda: fact("company.employes"), "did you mean 'company.employees'?"),
            (lambda: fact("custom.tier"), "needs a type: fact('custom.tier', str)"),
            (lambda: fact("custom.tier", list), "must be one of"),
            (lambda: fact("company.employees", str), "is a number; leave its type out"),
            (lambda: fact("discovery.need.level", levels=("a", "b")), "leave its type out"),
            (lambda: fact("custom.tier", levels=("a", "a")), "must not repeat"),
            (lambda: fact(5), "name must be a str"),
            (lambda: fact("company.employees") > "5", "must be a number"),
            (lambda: fact("company.employees") > True, "must be a number"),
            (lambda: fact("company.employees") > nan, "must be finite"),
            (lambda: fact("company.employees") > Decimal("sNaN"), "must be finite"),
            (lambda: fact("company.employees") > Decimal("1e999999999"), "within 10**18"),
            (lambda: points("1e999999999", when=SIZE), "within a million points"),
            (lambda: points("0." + "1" * 99, when=SIZE), "at most three decimals"),
            (lambda: fact("source") > "a", "use .is_in(...)"),
            (lambda: fact("tags") > ("a",), "use .includes(...)"),
            (lambda: fact("person.is_contactable") > True, "use .equals(True)"),
            (lambda: fact("deal.amount") > 5, "Money('1000', 'EUR')"),
            (lambda: fact("deal.amount").between(EUR, Money("5000", "USD")), "must be in EUR like low"),
            (lambda: fact("company.employees").between(5, 4), "low must be at most high"),
            (lambda: fact("company.employees").between("5", None), "low must be a number"),
            (lambda: fact("discovery.need.level").between("defined", "stated"), "low must be at most high"),
            (lambda: fact("discovery.need.level") >= "statd", "did you mean 'stated'?"),
            (lambda: fact("source").is_in(), "at least one value"),
            (lambda: fact("source").is_in("a", 5), "options[1] must be text"),
            (lambda: fact("created_at") > datetime(2026, 1, 1), "timezone-aware"),  # noqa: DTZ001
            (lambda: fact("deal.expected_close") > AT, "must be a date without a time"),
            (lambda: fact("source").equals(fact("owner")), "compare facts with values only"),
            (lambda: fact("tags").contains("a"), "for a set use .includes(...)"),
            (lambda: fact("source").includes("a"), "for a text use .contains(...)"),
            (lambda: fact("source").contains(""), "part must be"),
            (lambda: age(fact("source")), "must be a date or an instant"),
            (lambda: age("source"), "must be a fact that is a date"),
            (lambda: coalesce(fact("company.employees"), "x"), "default must be a number"),
            (lambda: coalesce("x", "x"), "must be a fact"),
            (lambda: at_least(3, SIZE, HERE), "at most the number of criteria, 2"),
            (lambda: at_least(0, SIZE), "count must be at least 1"),
            (lambda: AllOf(()), "at least one criterion"),
            (lambda: AnyOf((SIZE, 5)), "items[1] must be a criterion"),
            (lambda: Compare(fact("source"), "~", "x"), "op is unknown"),
            (lambda: Compare("source", "=", "x"), "must be a fact or another value"),
            (lambda: IsIn(fact("source"), "ab"), "must hold at least one value, got 'ab'"),
            (lambda: TextMatch("source", "contains", "x"), "must be a fact or another value"),
            (lambda: require(SIZE, unknown="maybe"), "unknown is unknown: 'maybe'"),
            (lambda: Requirement("x"), "when must be a criterion"),
            (lambda: KnockOut(SIZE, reason=" "), "reason must be"),
            (lambda: points("x", when=SIZE), "must be a number of points"),
            (lambda: points(True, when=SIZE), "must be a number of points"),
            (lambda: points(nan, when=SIZE), "within a million"),
            (lambda: points(0.0001, when=SIZE), "at most three decimals"),
            (lambda: points(5, when=SIZE, unknown=2), "must be a fraction in [0, 1]"),
            (lambda: points(5, when=SIZE, unknown="maybe"), "'range', 'zero' or a fraction"),
            (lambda: bands("x", [1], [0, 1]), "must be a fact or another value"),
            (lambda: bands(fact("deal.amount"), [EUR], [0, 1]), "use points(...)"),
            (lambda: bands(fact("company.employees"), [], [0]), "at least one value"),
            (lambda: bands(fact("company.employees"), [5], [0]), "one more than cuts"),
            (lambda: bands(fact("company.employees"), [5, 5], [0, 1, 2]), "must ascend"),
            (lambda: bands(fact("company.employees"), ["a"], [0, 1]), "must be a number"),
            (lambda: cap(points(1, when=SIZE), low=5, high=4), "low must be at most high"),
            (lambda: cap(points(1, when=SIZE), low="x"), "must be a number of points"),
            (lambda: cap([5]), "items[0] must be something that gives points"),
            (lambda: Cap("x"), "must be something that gives points"),
            (lambda: Points(5, True), "when must be a criterion"),
            (lambda: Scale(["a"], [1]), "one more than cuts"),
            (lambda: Scale(["a", "a"], [1]), "must not repeat"),
            (lambda: Scale(["a", "b", "c"], [2, 1]), "must ascend"),
            (lambda: Scale(["a", 5], ["x"]), "labels[1]"),
            (lambda: Grid("a", "b"), "rows must be"),
            (lambda: engagements(kind="demo"), "kind[0] is unknown: 'demo'"),
            (lambda: touches(kind="cal").count(), "did you mean 'call'?"),
            (lambda: touches(outcome="reply").count(), "did you mean 'replied'?"),
            (lambda: engagements(within=timedelta(0)).count(), "longer than nothing"),
            (lambda: engagements().sum("values", "EUR"), "of is unknown"),
            (lambda: engagements().sum("value", "EURO"), "currency"),
        ],
    )
    def test_refused(self, build, words):
        """One clear error, naming what was got and the way out."""
        refused(build, words)

    def test_all_at_once(self):
        """A policy names all that is wrong with it."""
        refused(
            lambda: Policy(" x", version=0, require=[SIZE], score="ab", threshold="x", grades=5, valid_for=5),
            "id must",
            "version must",
            "threshold must",
            "grades must",
            "valid_for must",
        )


class TestLint:
    """What is legal and still cannot be meant is refused, with the path."""

    @pytest.mark.parametrize(
        ("policy", "words"),
        [
            ({}, "something to judge by"),
            ({"require": [SIZE, HERE, SIZE]}, "require[2] asks the same as require[0], so it can never matter"),
            ({"require": [SIZE], "knock_out": [SIZE]}, "makes it impossible to qualify"),
            ({"require": [SIZE], "threshold": 5}, "left out where nothing gives points"),
            ({"score": [points(5, when=SIZE)], "threshold": 6}, "threshold must be at most 5, all there is, got 6"),
            ({"score": [points(-5, when=SIZE)], "threshold": -5}, "must be above -5, which all have"),
            ({"score": [points(0, when=SIZE)]}, "score.items[0] gives 0 points"),
            ({"score": cap(points(5, when=SIZE), low=6)}, "score always gives 6"),
            ({"require": [SIZE], "grades": Scale(["a", "b"], [1])}, "left out where nothing gives points"),
            ({"score": points(5, when=SIZE), "grades": Scale(["a", "b"], [6])}, "grades.cuts[0] must leave something"),
            ({"score": points(5, when=SIZE), "grades": Scale(["a", "b"], [0])}, "grades.cuts[0] must leave something"),
            (
                {"score": points(5, when=SIZE), "grades": Scale(["a", "b"], [1], group="fit")},
                "is no group of the score",
            ),
            ({"require": [SIZE], "questions": {"company.employes": "x"}}, "did you mean 'company.employees'?"),
            ({"require": [SIZE], "questions": {"company.employees": ""}}, "questions[company.employees] must be text"),
        ],
    )
    def test_found(self, policy, words):
        """The message names the path."""
        refused(lambda: Policy("p", **policy), words)

    def test_grid(self):
        """A grid grades two groups; both must be certain."""
        score = [cap(points(5, when=SIZE), name="fit"), cap(points(5, when=HERE), name="heat")]
        grid = Grid(Scale(["B", "A"], [1], group="fit"), Scale(["2", "1"], [1], group="heat"))
        policy = Policy("p", score=score, grades=grid)
        sheet = {"company.employees": 60}
        assert policy.assess(FactSheet(sheet), at=AT).grade is None
        assert policy.assess(FactSheet(sheet | {"company.country": "DE"}), at=AT).grade == "A1"
        assert Sum(()).reach == (0, 0)
