"""The laws of the algebra, on random policies and subjects."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, product

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.assessment import FindingKind, Verdict
from leadflow.engagement import Engagement
from leadflow.errors import InvalidError
from leadflow.money import Money
from leadflow.qualification import (
    FactSheet,
    Policy,
    Scale,
    age,
    at_least,
    bands,
    cap,
    coalesce,
    engagement_points,
    engagements,
    fact,
    knock_out,
    points,
    policy_from_dict,
    require,
)
from leadflow.qualification.comparisons import Operand
from leadflow.qualification.explaining import _questions
from leadflow.qualification.interpreter import judge
from leadflow.qualification.lint import conflict
from leadflow.qualification.logic import Predicate
from leadflow.qualification.nodes import Reading, walk
from leadflow.qualification.scores import Award

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)

# Few facts with few values, so that criteria overlap and contradict each other often.
DOMAINS = {
    "company.employees": (1, 49, 50, 51, 500.5),
    "source": ("web", "list", "Referral"),
    "person.is_contactable": (True, False),
    "discovery.need.level": ("none", "stated", "defined"),
    "tags": (frozenset(), frozenset({"vip"}), frozenset({"vip", "old"})),
    "deal.amount": (Money("5", "EUR"), Money("50", "EUR")),
    "deal.expected_close": (date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 1)),
    "created_at": (AT, AT - timedelta(days=3), AT - timedelta(hours=1)),
}
EMPLOYEES, SOURCE, NEED = fact("company.employees"), fact("source"), fact("discovery.need.level")
LEAVES = (
    EMPLOYEES >= 50,
    EMPLOYEES < 50,
    EMPLOYEES.between(49, 51),
    EMPLOYEES.is_in(1, 50),
    SOURCE.equals("web"),
    SOURCE.is_in("web", "list"),
    SOURCE.contains("E"),
    SOURCE.startswith("R", ignore_case=False),
    SOURCE.endswith("b"),
    fact("person.is_contactable").equals(constant=True),
    NEED.at_least("stated"),
    NEED.between("none", "stated"),
    NEED.equals("none"),
    fact("tags").includes("vip"),
    fact("tags").equals(frozenset({"vip"})),
    fact("deal.amount") > Money("10", "EUR"),
    fact("deal.amount").between(Money("1", "EUR"), Money("9", "EUR")),
    fact("deal.amount").equals(Money("5", "EUR")),
    age(fact("created_at")) >= 1,
    age(fact("deal.expected_close")) >= 0,
    fact("deal.expected_close") <= date(2026, 3, 2),
)
CLOSED_LEAVES = (
    SOURCE.is_known(),
    coalesce(EMPLOYEES, 50) >= 50,
    coalesce(age(fact("created_at")), 9) >= 1,
    age(coalesce(fact("created_at"), AT)) >= 1,
    coalesce(NEED, "stated").at_least("stated"),
)


def predicates(leaves):
    def inside(inner):
        several = st.lists(inner, min_size=1, max_size=4)
        counted = several.flatmap(lambda items: st.integers(1, len(items)).map(lambda count: at_least(count, items)))
        return st.one_of(
            st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
            st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
            inner.map(lambda item: ~item),
            counted,
        )

    return st.recursive(st.sampled_from(leaves), inside, max_leaves=5).filter(can_hold)


def can_hold(predicate):
    return not any(isinstance(part, Predicate) and conflict(part) for _, part in walk(predicate))


NUMBERS = st.integers(-9, 9).filter(bool)


def scores(leaves, unknown):
    awards = st.one_of(
        st.builds(lambda n, when, u: points(n, when=when, unknown=u), NUMBERS, predicates(leaves), unknown),
        st.builds(
            lambda gives, u: bands(EMPLOYEES, [50, 51], gives, unknown=u), st.tuples(NUMBERS, NUMBERS, NUMBERS), unknown
        ),
        st.builds(lambda gives, u: bands(NEED, ["stated"], gives, unknown=u), st.tuples(NUMBERS, NUMBERS), unknown),
    )

    def group(items, low, width):
        least, most = (reach // 1000 for reach in cap(items).item.reach)
        low = min(max(low, least), most)
        return cap(items, low, min(low + width, most))

    groups = st.builds(
        group,
        st.lists(awards, max_size=3),
        st.integers(-5, 5),
        st.integers(0, 9),
    )
    return st.lists(awards | groups, max_size=4)


def built(knocks, gates, items, threshold):
    """Return a policy, leaving out what lint would refuse: repetition, and what cannot matter."""
    seen = {}
    for gate in (*knocks, *gates):
        seen.setdefault(gate.when, gate)
    items = [item for item in items if item.reach[0] != item.reach[1]]
    given = {"knock_out": [], "require": []}
    for gate in seen.values():
        name = "knock_out" if gate in knocks else "require"
        wider = {**given, name: [*given[name], gate]}
        try:
            Policy("p", **wider)
        except InvalidError:  # it leaves nobody to qualify beside another
            continue
        given = wider
    given["score"] = items
    if not any(given.values()):
        given["require"] = [require(EMPLOYEES >= 50)]
    if items:
        low, high = sum(item.reach[0] for item in items), sum(item.reach[1] for item in items)
        given["threshold"] = (low + 1 + (high - low - 1) * threshold // 100) / 1000
    return Policy("p", **given)


def policies(leaves, gate_unknown, score_unknown):
    return st.builds(
        built,
        st.lists(st.builds(lambda when, u: knock_out(when, unknown=u), predicates(leaves), gate_unknown), max_size=2),
        st.lists(st.builds(lambda when, u: require(when, unknown=u), predicates(leaves), gate_unknown), max_size=3),
        scores(leaves, score_unknown),
        st.integers(0, 100),
    )


STABLE = policies(LEAVES, st.just("range"), st.just("range"))
ANY = policies(
    LEAVES + CLOSED_LEAVES, st.sampled_from(["range", "yes", "no"]), st.sampled_from(["range", "zero", 0.5, 0.3])
)
SHEETS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in DOMAINS.items()})


def completions(policy, facts):
    """Yield ways in which the unknowns that the policy reads could turn out, all of them if there are few."""
    names = [read.name for read in policy.reads if read.name not in facts]
    for values in islice(product(*(DOMAINS[name] for name in names)), 60):
        yield facts | dict(zip(names, values, strict=True))


def assessed(policy, facts):
    return policy.assess(FactSheet(facts), at=AT)


class TestStablePolicies:
    """What is certain stays certain, whatever becomes known."""

    @given(STABLE, SHEETS)
    def test_bounds_contain_every_completion(self, policy, facts):
        """[low, high] contains the score of every completion, and a grade that is told is every completion's."""
        before = assessed(policy, facts)
        for complete in completions(policy, facts):
            after = assessed(policy, complete)
            assert after.low == after.high
            assert before.low <= after.low <= before.high

    @given(STABLE, SHEETS)
    def test_certain_verdicts_hold(self, policy, facts):
        """QUALIFIED and DISQUALIFIED stay; NOT_QUALIFIED can only sharpen; full knowledge is never undecided."""
        before = assessed(policy, facts).verdict
        for complete in completions(policy, facts):
            after = assessed(policy, complete).verdict
            assert after is not Verdict.UNDECIDED
            if before is Verdict.NOT_QUALIFIED:
                assert after in (Verdict.NOT_QUALIFIED, Verdict.DISQUALIFIED)
            elif before is not Verdict.UNDECIDED:
                assert after is before

    @given(STABLE, SHEETS, st.data())
    def test_learning_one_more_thing(self, policy, facts, data):
        """Each single answer narrows the range and keeps what was certain."""
        before = assessed(policy, facts)
        if before.missing():
            name = data.draw(st.sampled_from(before.missing()))
            after = assessed(policy, facts | {name: data.draw(st.sampled_from(DOMAINS[name]))})
            assert before.low <= after.low <= after.high <= before.high
            if before.verdict in (Verdict.QUALIFIED, Verdict.DISQUALIFIED):
                assert after.verdict is before.verdict

    @given(STABLE, SHEETS)
    def test_questions(self, policy, facts):
        """Undecided means that there is something to ask; only unknown facts are asked, each once."""
        found = assessed(policy, facts)
        asked = [question.fact for question in found.questions]
        assert bool(asked) == (found.verdict is Verdict.UNDECIDED)
        assert set(asked) <= set(found.missing())
        assert len(set(asked)) == len(asked)
        assert policy.is_stable

    @given(STABLE, SHEETS)
    def test_what_is_not_asked_does_not_matter(self, policy, facts):
        """Once every question is answered the verdict is certain, whatever else stays unknown."""
        asked = {question.fact for question in assessed(policy, facts).questions}
        for complete in completions(policy, facts):
            answered = {name: value for name, value in complete.items() if name in facts or name in asked}
            assert assessed(policy, answered).verdict is not Verdict.UNDECIDED


class TestClosingForms:
    """A closing form picks a point of the range, and changes no verdict that was certain."""

    @given(STABLE, SHEETS)
    def test_lenient(self, policy, facts):
        """The lenient form decides everything, within what was possible."""
        before, after = assessed(policy, facts), assessed(policy.lenient(), facts)
        assert after.verdict is not Verdict.UNDECIDED
        assert before.if_unknown_is_no is after.verdict
        assert before.low <= after.low <= after.high <= before.high
        if before.verdict is not Verdict.UNDECIDED:
            assert after.verdict is before.verdict

    @given(STABLE, SHEETS, st.sampled_from(["yes", "no"]))
    def test_one_gate(self, policy, facts, unknown):
        """Closing one gate decides that gate alone."""
        before = assessed(policy, facts)
        for position, gate in enumerate(policy.require):
            gates = [
                evolve(gate, unknown=unknown) if n == position else other for n, other in enumerate(policy.require)
            ]
            after = assessed(policy.replace(require=gates), facts)
            bit = 1 << (len(policy.knock_out) + position)
            assert after.unknown == before.unknown & ~bit
            assert after.passed == before.passed | (bit if before.unknown & bit and unknown == "yes" else 0)

    @given(ANY, SHEETS)
    def test_known_facts_are_not_changed(self, policy, facts):
        """With nothing unknown, a closing form changes nothing."""
        complete = next(iter(completions(policy, facts)))
        assert assessed(policy.lenient(), complete).verdict is assessed(policy, complete).verdict


class TestBothEvaluators:
    """The compiled function gives what the interpreter gives."""

    @settings(max_examples=300)
    @given(ANY, SHEETS, st.booleans())
    def test_on_sheets(self, policy, facts, foreign):
        """On facts carried by a sheet, an amount in another currency included."""
        if foreign and "deal.amount" in facts:
            facts = facts | {"deal.amount": Money("50", "USD")}
        subject = FactSheet(facts)
        first, compiled = policy.assess(subject, at=AT), policy.assess(subject, at=AT)
        assert compiled == first
        assert compiled.explanation == first.explanation
        plain = judge(policy, Reading({read.name: read.read(subject, AT) for read in policy.reads}, AT))
        assert plain == (compiled.verdict, compiled.low, compiled.high, compiled.passed, compiled.unknown)
        lenient = judge(policy.lenient(), Reading(facts, AT)).verdict
        assert compiled.if_unknown_is_no is lenient


class TestWords:
    """What is shared between assessments says the same as what is worked out for one of them alone."""

    @given(ANY | STABLE, SHEETS, st.booleans())
    def test_shared_findings_and_questions(self, policy, facts, is_foreign):
        """Findings and questions are those that follow from the values, also when the masks alone were looked at."""
        facts |= {"deal.amount": Money("5", "USD")} if is_foreign else {}
        found = assessed(policy, facts)
        reading = Reading(facts, AT)
        told = [item for item in found.findings if item.kind is not FindingKind.LIMIT]
        for criterion, item in zip(policy.criteria, told, strict=True):
            node = criterion.node
            span = node.range(reading) if isinstance(node, Award) else (0, 0)
            assert (item.path, item.text, item.holds) == (criterion.path, node.text, node.truth(reading))
            assert (item.low, item.high, item.note) == (*span, node.note(reading))
        if found.verdict is Verdict.UNDECIDED:
            is_open = policy.needed is not None and found.low < policy.needed <= found.high
            assert found.questions == _questions(policy, found.unknown, is_open, reading)
            assert found.questions == assessed(policy, facts).questions
        else:
            assert found.questions == ()


class TestOrder:
    """The order of criteria is irrelevant to everything but the order of what is told."""

    @given(STABLE, SHEETS, st.randoms(use_true_random=False))
    def test_shuffled(self, policy, facts, random):
        """Verdict, range, questions and findings are the same."""
        items = list(policy.score.items) if policy.score is not None else []
        gates, knocks = list(policy.require), list(policy.knock_out)
        for listed in (items, gates, knocks):
            random.shuffle(listed)
        one = assessed(policy, facts)
        other = assessed(evolve(policy, require=gates, knock_out=knocks, score=items), facts)
        assert (other.verdict, other.low, other.high) == (one.verdict, one.low, one.high)
        assert other.questions == one.questions
        told = [
            sorted((finding.text, str(finding.holds), finding.low, finding.high) for finding in found.findings)
            for found in (one, other)
        ]
        assert told[0] == told[1]


class TestDictForm:
    """The dict form keeps the policy and its fingerprint."""

    @given(ANY)
    def test_round_trip(self, policy):
        """Whatever can be built can be written down and read."""
        again = policy_from_dict(policy.to_dict())
        assert again == policy
        assert again.fingerprint == policy.fingerprint


class TestGradesAndEngagements:
    """Grades and engagement figures obey the same laws."""

    @given(st.lists(st.integers(0, 90), max_size=6), st.integers(1, 3), st.integers(1, 3), st.booleans())
    def test_engagements(self, days, per_day, at_most, tracked):
        """Compiled and interpreted agree on what is counted, tracked or not."""
        policy = Policy(
            "p",
            require=[engagements(within=timedelta(days=30)).count() >= 1],
            score=[
                engagement_points("form", points=2.5, per_day=per_day, at_most=at_most, half_life=timedelta(days=20))
            ],
            grades=Scale(["cold", "hot"], [2.5]),
        )
        happened = [Engagement("form", at=AT - timedelta(days=day)) for day in days]
        subject = FactSheet({}, engagements=happened if tracked else None)
        first, compiled = policy.assess(subject, at=AT), policy.assess(subject, at=AT)
        assert compiled == first
        assert compiled.grade == first.grade
        assert (compiled.grade is None) is not tracked
        assert all(isinstance(read, Operand) for read in policy.reads)
