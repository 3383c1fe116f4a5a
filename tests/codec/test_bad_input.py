"""Whatever comes in: a value, or one error that names everything that is wrong."""

import importlib.util
import json
import subprocess
import sys
from datetime import date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path

import pytest
from cattrs.errors import ClassValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

import leadflow.codec
from leadflow import Fields, InvalidError, Lead, Money, Opportunity, Person, pipelines
from leadflow.assessment import Assessment, Basis, Explanation, Finding, Question
from leadflow.codec import Codec
from leadflow.codec.forms import Forms
from leadflow.codec.kinds import KINDS
from leadflow.codec.problems import told
from leadflow.conversion import BulkResult, ConversionRequest, Create, Default, Failed, QualificationRequest
from leadflow.engagement import Rfm
from leadflow.events import Assigned
from leadflow.pipeline import Pipeline
from leadflow.qualification import Combined

from .building import AT, DEAL, LEAD, build

GOLDEN = [json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent / "golden").glob("*.json"))]
CODEC = Codec()


def problems(make):
    """Return what is wrong, by path."""
    with pytest.raises(InvalidError) as caught:
        make()
    return {problem.path: problem.message for problem in caught.value.problems}


def wrong(kind, data):
    """Return what is wrong with the dict of a kind."""
    found = problems(lambda: CODEC.load({"leadflow": kind, "version": 1, "data": data}))
    return {path.removeprefix("data").removeprefix("."): message for path, message in found.items()}


class TestEnvelope:
    """It is judged first."""

    @pytest.mark.parametrize("plain", [None, [], "{}", 5, b"{}", {1}])
    def test_is_a_dict(self, plain):
        """A text of JSON is none: reading it is the host's."""
        assert "must be a dict with the keys leadflow, version and data" in problems(lambda: CODEC.load(plain))[""]

    def test_all_at_once(self):
        """What is missing, what is unknown and what is wrong."""
        found = problems(lambda: CODEC.load({"leadflow": "leed", "versoin": 1}))
        assert found == {
            "versoin": "is no part of the envelope (did you mean 'version'?)",
            "version": "is missing",
            "data": "is missing",
            "leadflow": found["leadflow"],
        }
        assert found["leadflow"].startswith("is unknown: 'leed' (did you mean 'lead'")
        assert problems(lambda: CODEC.load({"leadflow": 5, "version": 1, "data": {}})).keys() == {"leadflow"}
        assert "got None" in problems(lambda: CODEC.load({"leadflow": None, "version": 1, "data": {}}))["leadflow"]

    def test_another_kind_than_was_asked_for(self):
        """It says both."""
        assert problems(lambda: CODEC.load(CODEC.dump(LEAD), Opportunity)) == {
            "leadflow": "must be 'opportunity', got 'lead'"
        }
        assert problems(lambda: CODEC.load(CODEC.dump(LEAD), int)) == {"leadflow": "must be 'int', got 'lead'"}
        assert problems(lambda: CODEC.load(CODEC.dump(LEAD), "lead")) == {"kind": "must be a class, got 'lead'"}


class TestStrict:
    """Each scalar has one form; nothing is made of anything else."""

    @pytest.mark.parametrize(
        ("kind", "data", "path"),
        [
            ("question", {"fact": 1, "text": "x"}, "fact"),
            ("question", {"fact": "x", "text": "x", "swing": 1.0}, "swing"),
            ("question", {"fact": "x", "text": "x", "swing": "1"}, "swing"),
            ("question", {"fact": "x", "text": "x", "swing": True}, "swing"),
            ("question", {"fact": "x", "text": "x", "gates": "0.5"}, "gates"),
            ("question", {"fact": "x", "text": "x", "gates": True}, "gates"),
            ("question", {"fact": "x", "text": "x", "gates": float("nan")}, "gates"),
            ("question", {"fact": "x", "text": "x", "gates": float("inf")}, "gates"),
            ("question", {"fact": "x", "text": "x", "gates": 10**400}, "gates"),
            ("create", {"id": "A-1", "anyway": 1}, "anyway"),
            ("create", {"id": "A-1", "anyway": "true"}, "anyway"),
            ("money", {"amount": 5, "currency": "EUR"}, "amount"),
            ("money", {"amount": 5.0, "currency": "EUR"}, "amount"),
            ("money", {"amount": "NaN", "currency": "EUR"}, "amount"),
            ("money", {"amount": "1_000", "currency": "EUR"}, "amount"),
            ("money", {"amount": " 1", "currency": "EUR"}, "amount"),
            ("assigned", {"owner": None, "at": "2026-03-02T09:00:00"}, "at"),
            ("assigned", {"owner": None, "at": "2026-03-02"}, "at"),
            ("assigned", {"owner": None, "at": "yesterday"}, "at"),
            ("assigned", {"owner": None, "at": 1772442000}, "at"),
            ("assigned", {"owner": None, "at": AT}, "at"),
            ("expected_close_set", {"expected_close": "20260331", "at": "2026-03-02T09:00:00Z"}, "expected_close"),
            ("expected_close_set", {"expected_close": "2026-02-30", "at": "2026-03-02T09:00:00Z"}, "expected_close"),
            ("expected_close_set", {"expected_close": 5, "at": "2026-03-02T09:00:00Z"}, "expected_close"),
            ("touch", {"kind": "fax", "at": "2026-03-02T09:00:00Z"}, "kind"),
            ("touch", {"kind": 5, "at": "2026-03-02T09:00:00Z"}, "kind"),
            ("basis", {"policy_id": "icp", "valid_for": 1.5}, "valid_for"),
            ("basis", {"policy_id": "icp", "valid_for": "1e5"}, "valid_for"),
            ("basis", {"policy_id": "icp", "valid_for": 10**20}, "valid_for"),
            ("basis", {"policy_id": "icp", "reads": "abc"}, "reads"),
            ("basis", {"policy_id": "icp", "reads": {"a": 1}}, "reads"),
            ("basis", {"policy_id": "icp", "personal": ["a", "a"]}, "personal"),
            ("basis", {"policy_id": "icp", "personal": "a"}, "personal"),
            ("person", {"name": "Mara", "email": 5}, "email"),
            ("person", {"name": "Mara", "email": "mara"}, "email"),
            ("fiscal_calendar", {"tz": 5}, "tz"),
            ("fiscal_calendar", {"tz": "../etc/passwd"}, "tz"),
            ("fiscal_calendar", {"tz": "+25:00"}, "tz"),
            ("fiscal_calendar", {"tz": ""}, "tz"),
            ("fields", {"a": 1.5}, "a"),
            ("fields", {"a": None}, "a"),
            ("fields", {"a": {"date": "2026-03-02", "x": 1}}, "a"),
            ("fields", {"a": {"decimal": 1}}, "a.decimal"),
            ("fields", {"a": {"decimal": "NaN"}}, "a.decimal"),
            ("fields", {"a": {"decimals": "1"}}, "a"),
            ("fields", {"a": {"float": "1"}}, "a.float"),
            ("fields", {"a": ["x"]}, "a"),
            ("fields", {5: "x"}, ""),
            ("fields", [], ""),
            ("discovered", {"changes": [["need"]], "at": "2026-03-02T09:00:00Z"}, "changes[0]"),
            ("opportunity_lost", {"stage": "lost", "reason": {}, "at": "2026-03-02T09:00:00Z"}, "stage"),
            ("policy", {"schema": 1}, "id"),
            ("policy", {"schema": 1, "id": "x", "how": "all_of", "policies": []}, "policies"),
            ("combined", {"schema": 1, "id": "x", "require": []}, ""),
            ("policy", CODEC.dump(build(Combined, full=True))["data"], ""),
        ],
    )
    def test_refused(self, kind, data, path):
        """With the path to what is wrong."""
        assert path in wrong(kind, data)

    def test_an_int_where_a_float_is_meant(self):
        """Other writers of JSON drop the ``.0``; a probability of 1 is one."""
        plain = {"leadflow": "question", "version": 1, "data": {"fact": "x", "text": "x", "gates": 1}}
        assert repr(CODEC.load(plain, Question).gates) == "1.0"

    def test_a_time_in_the_other_spelling_of_utc(self):
        """JavaScript writes Z."""
        plain = {"leadflow": "assigned", "version": 1, "data": {"owner": None, "at": "2026-03-02T09:00:00.120Z"}}
        assert CODEC.load(plain, Assigned).at == datetime.fromisoformat("2026-03-02T09:00:00.120+00:00")


class TestAllAtOnce:
    """Everything that is wrong is told, each with its path."""

    def test_structure_and_meaning(self):
        """What could not be read, what is unknown, what is missing, and what the class says of the rest."""
        found = wrong("person", {"nmae": "Mara", "phone": 5, "country": "germany", "email": "mara"})
        assert found.keys() == {"nmae", "name", "phone", "country", "email"}
        assert found["nmae"] == "is no part of 'person' (did you mean 'name'?)"
        assert found["name"] == "is missing"

    def test_across_a_history(self):
        """Events are judged each by itself; the record comes after them."""
        plain = CODEC.dump(DEAL)
        opened, lost = plain["data"]["history"]
        opened["opportunity_opened"] |= {"amount": {"amount": "x", "currency": "EURO"}, "needs": [5, ""]}
        lost["opportunity_lost"]["stage"] |= {"probability": 0.5}
        del lost["opportunity_lost"]["reason"]["code"]
        plain["data"]["id"] = ""
        assert problems(lambda: CODEC.load(plain)).keys() == {
            "data.id",
            "data.history[0].opportunity_opened.amount.amount",
            "data.history[0].opportunity_opened.amount.currency",
            "data.history[0].opportunity_opened.needs[0]",
            "data.history[1].opportunity_lost.stage.probability",
            "data.history[1].opportunity_lost.reason.code",
        }

    def test_histories_that_cannot_be(self):
        """No opening, another's events, a time that goes back: named by their place."""
        plain = CODEC.dump(DEAL)
        opened, lost = plain["data"]["history"]
        load = lambda *events: problems(lambda: CODEC.load({**plain, "data": {"id": "O-1", "history": list(events)}}))  # noqa: E731
        assert load().keys() == {"data.history[0]"}
        assert load(lost).keys() == {"data.history[0]"}
        assert load(opened, opened).keys() == {"data.history[1]"}
        assert "is unknown: 'lead_captured'" in load({"lead_captured": {}})["data.history[0]"]
        assert load({"opportunity_opened": {}, "x": 1}).keys() == {"data.history[0]"}
        assert load("opportunity_opened").keys() == {"data.history[0]"}


class TestPipelines:
    """A pipeline that is not known is named, with the way out."""

    TRADE = Pipeline("trade", pipelines.SIMPLE.stages)

    def test_unknown(self):
        """When it is loaded, and already when it is dumped: what is written can be read again."""
        deal = Opportunity.imported("O-1", "x", origin=DEAL.origin, pipeline=self.TRADE, stage="proposal", at=AT)
        rule = "is pipeline 'trade' version 1, which this codec does not know (known: 'hubspot' version 1, "
        found = problems(lambda: CODEC.dump(deal))
        assert found["history[0].opportunity_imported.pipeline"].startswith(rule)
        plain = Codec(pipelines=[self.TRADE]).dump(deal)
        found = problems(lambda: CODEC.load(plain))
        assert found["data.history[0].opportunity_imported.pipeline"].startswith(rule)
        assert "Codec(pipelines=[...])" in str(found)

    def test_another_of_the_same_name(self):
        """What would come back as something else is not written."""
        other = Codec(pipelines=[Pipeline("simple", self.TRADE.stages, allow_back=False)])
        assert "give what was changed a new version" in str(problems(lambda: other.dump(DEAL)))

    @pytest.mark.parametrize("reference", [None, "simple", {"id": "simple"}, {"id": 5, "version": "1"}])
    def test_references(self, reference):
        """By id and version, both."""
        plain = CODEC.dump(DEAL.history[0])
        plain["data"]["pipeline"] = reference
        assert all(path.startswith("data.pipeline") for path in problems(lambda: CODEC.load(plain)))

    def test_references_by_part(self):
        """Each part of a reference is told by its name; a version that Python cannot write out is told too."""
        plain = CODEC.dump(DEAL.history[0])
        plain["data"]["pipeline"] = {"id": 5, "version": "1"}
        assert problems(lambda: CODEC.load(plain)).keys() == {"data.pipeline.id", "data.pipeline.version"}
        plain["data"]["pipeline"] = {"id": "simple", "version": 10**5000}
        assert "which this codec does not know" in problems(lambda: CODEC.load(plain))["data.pipeline"]

    def test_given_ones(self):
        """What is no pipeline, and two of one name that differ."""
        changed = Pipeline("trade", self.TRADE.stages, allow_back=False)
        assert problems(lambda: Codec(pipelines=["simple"])).keys() == {"pipelines[0]"}
        assert problems(lambda: Codec(pipelines=5)).keys() == {"pipelines"}
        assert problems(lambda: Codec(pipelines=[self.TRADE, changed])).keys() == {"pipelines"}
        assert Codec(pipelines=[self.TRADE, self.TRADE])


class Own:
    """A host's own policy."""

    def assess(self, subject, *, at): ...


class Customer(Person):
    """A host's own kind of person."""


class TestNoDictForm:
    """What cannot be written says so, with the path and the way out."""

    def test_what_is_no_kind(self):
        """A host's own policy, a store, a plain value."""
        assert (
            "a policy of your own has no dict form; store what it is made from"
            in problems(lambda: CODEC.dump(Own()))[""]
        )
        assert "has no dict form; dump an entity" in problems(lambda: CODEC.dump({"a": 1}))[""]

    def test_a_router(self):
        """A function that says who owns what: store what it returned."""
        request = QualificationRequest(lead_id="L-1", prospect=Create("P-1"), owner=lambda lead: "ada")
        assert "is a function, which has no dict form" in problems(lambda: CODEC.dump(request))["owner"]
        asked = ConversionRequest(
            prospect_id="P-1", account=Create("A-1"), contact=Create("C-1"), opportunity=Create("O-1"), owner=str
        )
        assert problems(lambda: CODEC.dump(asked)).keys() == {"owner"}

    def test_classes_of_a_hosts_own(self):
        """What would come back as something else is not written, wherever it stands."""
        lead = LEAD.correct(person=Customer("Mara", phone="1"), at=AT)
        found = problems(lambda: CODEC.dump(lead))
        assert found.keys() == {"history[1].corrected.person"}
        assert problems(lambda: CODEC.dump(Default("x", object(), "why"))).keys() == {"value"}

    @pytest.mark.parametrize(
        ("value", "paths"),
        [
            (Question(5, "x", float("nan"), 1.5), {"fact", "gates", "swing"}),
            (
                Finding(path="x", kind="points", text="x", holds="yes", facts=["a"], low=True, is_penalty=1),
                {"kind", "holds", "facts", "low", "is_penalty"},
            ),
            (Basis("icp", reads=("a", 5), personal={"a"}, valid_for=5), {"reads[1]", "personal", "valid_for"}),
            (
                Assessment(
                    verdict="qualified",
                    at=datetime(2026, 3, 2),  # noqa: DTZ001 - what is to be refused
                    basis=Basis("icp"),
                    values=(b"x",),
                    explainer=Explanation(),
                ),
                {"verdict", "at", "values[0]"},
            ),
            (Rfm(recency="a day", frequency=1, monetary=5), {"recency", "monetary"}),
            (Default("x", (Decimal("NaN"), {1}), "why"), {"value.tuple[0].decimal", "value.tuple[1]"}),
            (BulkResult(0, "L-1", Failed(TimeoutError("late"))), {"outcome.failed.error"}),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_values_that_no_check_has_seen(self, value, paths):
        """What a policy of the host's own left in a question or finding, and what no text can hold."""
        assert problems(lambda: CODEC.dump(value)).keys() == paths

    @pytest.mark.parametrize(
        ("hint", "value"),
        [
            (date, AT),
            (datetime, "2026-03-02"),
            (tzinfo, "Europe/Berlin"),
            (Fields, {"a": 1}),
            (tuple[str, int], ("a",)),
            (Pipeline, "simple"),
            (Own, Own()),
        ],
        ids=["date", "datetime", "tzinfo", "fields", "tuple", "pipeline", "a class of the host"],
    )
    def test_forms_of_parts(self, hint, value):
        """The form of each type refuses to write what is not of it."""
        assert problems(lambda: Forms({}).of(hint).write(value)).keys() == {""}


def test_a_class_that_stumbles():
    """Whatever a constructor raises for a dict is told as its problem."""
    stumbled = ClassValidationError("", [ZeroDivisionError("division by zero")], Person)
    (problem,) = told(stumbled, "person", {})
    assert str(problem) == "cannot be made (ZeroDivisionError: division by zero)"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([*KINDS, AT]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["at", "id", "history", "money", "date", "stage", *"ab"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def spoilt(draw):
    """Draw what was stored, with something taken out, put in, moved or replaced."""
    plain = json.loads(json.dumps(draw(st.sampled_from(GOLDEN))))
    for _ in range(draw(st.integers(1, 3))):
        whole = plain
        while True:
            keys = list(whole) if isinstance(whole, dict) else list(range(len(whole)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(whole[key], dict | list) and whole[key] and draw(st.integers(0, 3)):
                whole = whole[key]
                continue
            change = draw(st.integers(0, 3))
            if change == 0:
                del whole[key]
            elif change == 1:
                whole[key] = draw(junk)
            elif change == 2:
                whole[key] = draw(st.sampled_from([plain, [whole[key]], {"x": whole[key]}, str(whole[key])]))
                plain = (
                    json.loads(json.dumps(plain))
                    if whole[key] is not plain
                    else json.loads(json.dumps(draw(st.sampled_from(GOLDEN))))
                )
            elif isinstance(whole, dict):
                whole[draw(st.text(max_size=3))] = draw(junk)
            break
    return plain


def loaded(plain):
    """Return what a dict is, or the error that says why it is nothing; no class may have stumbled over it."""
    try:
        value, error = CODEC.load(plain), None
    except InvalidError as refusal:
        value, error = None, refusal
    assert error is None or (error.problems and "cannot be made" not in str(error))
    return value, error


class TestJunk:
    """Whatever comes in, nothing but an `InvalidError` comes out, or a value."""

    @given(junk)
    def test_anything(self, plain):
        """Anything at all, and as the data of any kind."""
        for kind in ("lead", "opportunity_opened", "policy", "fields", "change_set"):
            for given_ in (plain, {"leadflow": kind, "version": 1, "data": plain}):
                loaded(given_)

    @given(spoilt())
    @settings(max_examples=settings().max_examples * 3)
    def test_what_was_stored_and_spoilt(self, plain):
        """What loads all the same is a value that comes back."""
        value, error = loaded(plain)
        if error is None:
            assert CODEC.load(CODEC.dump(value)) == value

    def test_deep(self):
        """Depth is no danger: no type holds itself, and a policy has a limit."""
        nest = None
        for _ in range(10_000):
            nest = [nest]
        assert wrong("lead", nest)
        assert wrong("lead", {"id": "L-1", "history": nest})
        assert wrong("policy", {"schema": 1, "id": "x", "require": nest})


def test_without_cattrs_in_this_process(monkeypatch):
    """The same, as a caller would catch it; what was imported before stays usable."""
    with monkeypatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(ImportError, match=r"pip install leadflow\[codec\]") as caught:
            importlib.reload(leadflow.codec)
        assert caught.value.name == "cattrs"
    assert importlib.reload(leadflow.codec).Codec is Codec


def test_without_cattrs():
    """It says what to install."""
    program = "import sys; sys.modules['cattrs'] = None; import leadflow.codec"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ImportError: leadflow.codec needs cattrs: pip install leadflow[codec]" in run.stderr


def test_typed():
    """What is asked for is what comes, or an error."""
    assert CODEC.load(CODEC.dump(LEAD), Lead).person == LEAD.person
    assert CODEC.load(CODEC.dump(Money(1, "EUR")), Money) == Money(1, "EUR")
