"""Laws of every record, whatever happens to it: the fold, the one door, time, compaction, redaction, immutability."""

import copy
import inspect
import json
import pickle
import typing
from collections.abc import Mapping
from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow import HistoryError, InvalidError, NotAllowedError, UnknownStageError
from leadflow.allowance import Allowance
from leadflow.entity import Entity
from leadflow.events import Opening, Redacted
from leadflow.fields import Fields
from leadflow.redaction import redacted

from .stories import COMMANDS, RECORDS, SECRET, START, TWINS, records, stories

# Attributes that hold what names a person, as a whole or in parts.
PERSONAL = {"person", "company", "name", "needs", "next_step", "fields", "discovery", "evidence", "product_interest"}
PERSONAL |= {"engagements", "touches", "milestones", "objections"}

# A story is ten commands, and each law is tried on six kinds of record.
LAW = settings(max_examples=max(5, settings().max_examples * 3 // 10))

each_record = pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)


def state(entity):
    """Return every attribute, the history aside."""
    return {field.name: getattr(entity, field.name) for field in attrs.fields(type(entity)) if field.name != "history"}


def public(kind):
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def returns(kind, name):
    return typing.get_type_hints(inspect.unwrap(getattr(kind, name))).get("return")


@each_record
class TestFold:
    """A record is the fold of its events."""

    @given(st.data())
    @LAW
    def test_replay(self, kind, data):
        """The constructor works every attribute out of id and history."""
        entity = data.draw(records(kind))
        again = kind(entity.id, entity.history)
        assert again == entity
        assert state(again) == state(entity)
        assert kind(entity.id, list(entity.history)) == attrs.evolve(entity) == entity

    @given(st.data())
    @settings(max_examples=5)
    def test_no_state_without_an_event(self, kind, data):
        """Neither the constructor nor `attrs.evolve` takes an attribute that events make."""
        entity = data.draw(records(kind))
        derived = [field.name for field in attrs.fields(kind) if not field.init]
        assert set(derived) == set(state(entity)) - {"id"}
        for name in derived:
            with pytest.raises(TypeError):
                kind(entity.id, entity.history, **{name.lstrip("_"): None})
            with pytest.raises(TypeError):
                attrs.evolve(entity, **{name.lstrip("_"): None})

    @given(st.data())
    @settings(max_examples=15)
    def test_histories_that_cannot_be(self, kind, data):
        """An opening comes first, once; events are of the record's kinds; recording never goes back."""
        entity = data.draw(records(kind))
        opening = entity.history[0]
        other = next(record for record in RECORDS if record is not kind)
        foreign = data.draw(records(other)).history[0]
        for broken, position in (
            ((), 0),
            (entity.history[1:], 0),
            ((foreign,), 0),
            ((*entity.history, attrs.evolve(opening, recorded_at=entity.updated_at)), len(entity.history)),
            ((*entity.history, foreign), len(entity.history)),
            ((*entity.history, "an event"), len(entity.history)),
        ):
            with pytest.raises(HistoryError) as caught:
                kind(entity.id, broken)
            assert caught.value.position == position
            assert caught.value.entity == f"{kind.kind} '<b>'"
        early = Redacted(reason="x", at=START - timedelta(days=1))
        with pytest.raises(HistoryError, match="recorded_at must not go back"):
            kind(entity.id, (*entity.history, early))

    @pytest.mark.parametrize("history", [None, 5, "ab"])
    def test_what_is_no_history(self, kind, history):
        """Both what is wrong with the id and with the history."""
        with pytest.raises(InvalidError) as caught:
            kind("", history)
        assert [problem.path for problem in caught.value.problems] == ["id", "history"]


@each_record
class TestOneDoor:
    """State changes only by commands, and every command leaves an event or nothing."""

    def test_every_command_is_in_the_stories(self, kind):
        """A public method that returns the record is a command; the laws below try each."""
        commands = {name for name in public(kind) if returns(kind, name) is typing.Self}
        makers = {name for name in commands if inspect.ismethod(getattr(kind, name))}
        assert commands - makers - {"compacted"} == set(COMMANDS[kind])

    def test_every_question_is_a_twin(self, kind):
        """Every `can_...` says whether some command is possible."""
        questions = {name for name in public(kind) if name.startswith("can_")}
        used = {"can_change", *(_twin_name(command) for command in TWINS if command in COMMANDS[kind])}
        assert questions == used - {"can_redact", "can_record_consent"}
        assert all(returns(kind, name) is Allowance for name in questions)

    @given(st.data())
    @LAW
    def test_a_command_appends_or_changes_nothing(self, kind, data):
        """Whatever a command does, what it was called on stays; what it returns has more events, and only more."""
        _, steps = data.draw(stories(kind))
        for step in steps:
            before = step.before
            assert kind(before.id, before.history) == before
            assert state(kind(before.id, before.history)) == state(before)
            if step.error is not None:
                assert isinstance(step.error, NotAllowedError | InvalidError | HistoryError | UnknownStageError)
                assert str(step.error)
                continue
            new = step.after.history[len(before.history) :]
            assert new
            assert step.after.version == before.version + len(new)
            if step.command != "redact":
                assert all(one is other for one, other in zip(before.history, step.after.history, strict=False))
            expected = {"win": {1, 2}, "touch": {1, 2}, "record_consent": {1, 2, 3}}.get(step.command, {1})
            assert len(new) in expected

    @given(st.data())
    @LAW
    def test_twins_agree(self, kind, data):
        """A twin that says yes is never contradicted by the rules; one that says no is right, and says why."""
        _, steps = data.draw(stories(kind))
        for step in steps:
            if step.twin:
                assert not isinstance(step.error, NotAllowedError)
                continue
            assert all(step.twin.reasons)
            assert isinstance(step.error, NotAllowedError | UnknownStageError)
            if isinstance(step.error, NotAllowedError):
                assert step.error.reasons == step.twin.reasons

    @given(st.data())
    @settings(max_examples=15)
    def test_questions_change_nothing(self, kind, data):
        """Queries without arguments leave the record as it was, and none raises."""
        entity = data.draw(records(kind))
        before = state(entity)
        for name in ("to_rows", "_repr_html_", "compacted", "can_change", "can_correct"):
            getattr(entity, name)()
        assert state(entity) == before
        assert kind(entity.id, entity.history) == entity


def _twin_name(command):
    return {
        "qualified": "can_qualify",
        "converted": "can_convert",
        "undone": "can_undo",
        "merged": "can_merge",
        "absorbed": "can_absorb",
        "lead_absorbed": "can_absorb",
        "set_probability": "can_call",
        "set_expected_close": "can_call",
    }.get(command, f"can_{command}")


@each_record
class TestTime:
    """A record as of a time is what was recorded by then."""

    @given(st.data())
    @LAW
    def test_as_of(self, kind, data):
        """Nothing recorded later is seen, everything recorded by then is; before the first there is nothing."""
        entity = data.draw(records(kind))
        assert entity.as_of(entity.updated_at) == entity
        assert entity.as_of(entity.history[0].recorded_at - timedelta(microseconds=1)) is None
        for moment in {event.recorded_at + step for event in entity.history for step in (timedelta(0), timedelta(1))}:
            then = entity.as_of(moment)
            known = tuple(event for event in entity.history if event.recorded_at <= moment)
            assert then == kind(entity.id, known)
            assert state(then) == state(kind(entity.id, known))
            assert then.updated_at <= moment

    @given(st.data())
    @LAW
    def test_as_of_as_of(self, kind, data):
        """Two times are the earlier of the two."""
        entity = data.draw(records(kind))
        one, other = data.draw(st.tuples(*[st.sampled_from([event.recorded_at for event in entity.history])] * 2))
        assert entity.as_of(one).as_of(min(one, other)) == entity.as_of(min(one, other))

    @given(st.data())
    @LAW
    def test_recording_never_goes_back(self, kind, data):
        """`recorded_at` rises along the history, and no event was known before it happened."""
        entity = data.draw(records(kind))
        recorded = [event.recorded_at for event in entity.history]
        assert recorded == sorted(recorded)
        assert all(event.at <= event.recorded_at for event in entity.history)
        assert entity.created_at <= entity.updated_at == recorded[-1]
        assert entity.version >= len(entity.history)

    @given(st.data())
    @settings(max_examples=5)
    def test_naive_times(self, kind, data):
        """As of a time without a zone cannot be said."""
        with pytest.raises(InvalidError, match="t must be timezone-aware"):
            data.draw(records(kind)).as_of(START.replace(tzinfo=None))


@each_record
class TestCompaction:
    """A record can do without its history, except for the past."""

    def test_imports_carry_every_attribute(self, kind):
        """Whatever a record's state consists of, its import event has, and nothing that is no attribute."""
        derived = {field.name for field in attrs.fields(kind) if not field.init} - {"created_at", "_changed_at"}
        assert derived == {field.name for field in attrs.fields(kind._IMPORT)} - {
            field.name for field in attrs.fields(Opening)
        }
        for opening in kind._OPENINGS:
            assert {field.name for field in attrs.fields(opening)} <= derived | {
                field.name for field in attrs.fields(Opening)
            }

    @given(st.data())
    @LAW
    def test_it_keeps_everything(self, kind, data):
        """All attributes, version and times; one event; doing it again changes nothing."""
        entity = data.draw(records(kind))
        short = entity.compacted()
        assert state(short) == state(entity)
        assert (short.version, short.created_at, short.updated_at) == (
            entity.version,
            entity.created_at,
            entity.updated_at,
        )
        assert len(short.history) == 1
        assert short.compacted() == short
        assert state(kind(short.id, short.history)) == state(entity)

    @given(st.data())
    @LAW
    def test_life_goes_on(self, kind, data):
        """A command does to the compacted record what it does to the whole one, and counts on; undoing needs a past."""
        _, steps = data.draw(stories(kind))
        for step in steps[-3:]:
            short = step.before.compacted()
            event = (step.after or step.before).history[-1]
            when = {"at": event.at, "by": event.by, "recorded_at": event.recorded_at}
            if step.command == "undone":
                assert not any(short.can_undo(version) for version in step.args)
            elif step.error is None:
                after = getattr(short, step.command)(*step.args, **step.named, **when)
                assert after.version == step.after.version
                # The author of a forecast call or a chance may differ only where the drawn `by` does.
                assert state(after) == state(step.after)


@each_record
class TestRedaction:
    """What names a person goes everywhere; figures stay."""

    @given(st.data())
    @LAW
    def test_nothing_personal_remains(self, kind, data):
        """Not in the state, nor in events, evidence, rows, HTML or a pickle; a trace is left."""
        entity = data.draw(records(kind))
        at = entity.updated_at + timedelta(days=1)
        clean = entity.redact(reason="GDPR Art. 17", at=at, by="dpo")
        everything = [repr(clean), repr(clean.history), repr(state(clean)), str(clean.to_rows()), clean._repr_html_()]
        assert not [text for text in everything if "secret" in text.lower()]
        assert b"secret" not in pickle.dumps(clean).lower()
        assert clean.history[-1] == Redacted(reason="GDPR Art. 17", at=at, by="dpo")
        assert clean.version == entity.version + 1
        assert clean.as_of(at).history == clean.history
        past = clean.as_of(entity.updated_at)
        assert past is not None
        assert "secret" not in repr(past.history).lower()

    @given(st.data())
    @LAW
    def test_figures_stay(self, kind, data):
        """Codes, dates, amounts, stages, chances and counts are what they were, now and at any time before."""
        entity = data.draw(records(kind))
        clean = entity.redact(reason="x", at=entity.updated_at)
        for event, before in zip(clean.history, entity.history, strict=False):
            assert type(event) is type(before)
            assert (event.at, event.by, event.recorded_at) == (before.at, before.by, before.recorded_at)
        kept = set(state(entity)) - PERSONAL - {"id", "_changed_at"}
        for name in kept:
            assert getattr(clean, name, None) == getattr(entity, name, None)
        for name in ("engagements", "touches", "proposals", "milestones", "objections", "product_interest"):
            assert len(getattr(clean, name, ())) == len(getattr(entity, name, ()))
        for one, other in zip(getattr(clean, "objections", ()), getattr(entity, "objections", ()), strict=True):
            assert one.answered == other.answered
        for one, other in zip(getattr(clean, "milestones", ()), getattr(entity, "milestones", ()), strict=True):
            assert (one.code, one.due, one.done_at) == (other.code, other.due, other.done_at)

    @given(st.data())
    @LAW
    def test_twice_is_once(self, kind, data):
        """There is nothing left to take out."""
        entity = data.draw(records(kind))
        clean = entity.redact(reason="x", at=entity.updated_at)
        assert tuple(map(redacted, clean.history)) == clean.history
        assert state(clean.redact(reason="x", at=clean.updated_at)) == state(clean)
        assert state(clean.compacted()) == state(clean)


@each_record
class TestValue:
    """A record is a value."""

    @given(st.data())
    @LAW
    def test_equality(self, kind, data):
        """Of kind, id and history; the hash goes with it."""
        entity, steps = data.draw(stories(kind))
        assert entity == kind(entity.id, entity.history)
        assert hash(entity) == hash(kind(entity.id, entity.history))
        assert entity != kind("other", entity.history)
        assert entity != entity.history
        for step in steps:
            if step.after is not None:
                assert step.after != step.before
                assert hash(step.after) != hash(step.before)

    @given(st.data())
    @settings(max_examples=15)
    def test_copies(self, kind, data):
        """Pickles and copies are equal in every attribute."""
        entity = data.draw(records(kind))
        for other in (pickle.loads(pickle.dumps(entity)), copy.copy(entity), copy.deepcopy(entity)):
            assert other == entity
            assert state(other) == state(entity)
            assert hash(other) == hash(entity)

    @given(st.data())
    @settings(max_examples=15)
    def test_deep_immutability(self, kind, data):
        """Nothing that can be reached from it can be changed."""
        entity = data.draw(records(kind))
        for value in reached(entity):
            assert not isinstance(value, list | dict | set | bytearray)
            if attrs.has(type(value)):
                for field in attrs.fields(type(value)):
                    with pytest.raises(AttributeError):
                        setattr(value, field.name, None)

    @given(st.data())
    @settings(max_examples=15)
    def test_in_a_notebook(self, kind, data):
        """Short repr without history or names; rows of plain values; HTML without anybody's tags."""
        entity = data.draw(records(kind))
        assert SECRET not in repr(entity)
        assert "Event" not in repr(entity)
        assert len(repr(entity)) < 120
        assert str(entity) == f"{kind.kind} '<b>'"
        rows = entity.to_rows()
        assert json.loads(json.dumps(rows)) == rows
        assert [row["event"] for row in rows] == [type(event).__name__ for event in entity.history]
        html = entity._repr_html_()
        assert "<script" not in html.lower()
        assert "<b>" not in html

    def test_entity_itself_is_abstract(self, kind):
        """The base tells no story."""
        assert issubclass(kind, Entity)
        assert kind.__doc__
        assert not inspect.isabstract(kind)


def reached(value, seen=None):
    """Yield every value that can be reached through attributes, tuples and sets."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    if attrs.has(type(value)):
        inside = [getattr(value, field.name) for field in attrs.fields(type(value))]
    elif isinstance(value, Fields):
        inside = [*value, *value.values()]
    elif isinstance(value, tuple | frozenset):
        inside = value
    else:
        assert not isinstance(value, Mapping)
        return
    for item in inside:
        yield from reached(item, seen)
