"""What a host can get wrong: each mistake is one error that names what was handed over and says the way out."""

import gc
import inspect

import pytest

from leadflow import Account, Assessment, InvalidError, InvalidTypeError, Lead, Money, When, rfm
from leadflow.conversion import (
    SKIP,
    STANDARD_SETTINGS,
    Applied,
    AsyncConversionService,
    BulkResult,
    BulkSummary,
    ConversionService,
    ConversionSettings,
    Create,
    DealTerms,
    Failed,
    Owners,
    TermDefaults,
    UseExisting,
    merge_provenance,
    plan_conversion,
    plan_qualification,
)
from leadflow.pipelines import SALESFORCE
from leadflow.qualification import Bant
from leadflow.stores import (
    AsyncInMemoryStore,
    ChangeSet,
    EventRecord,
    InMemoryStore,
    MatchKey,
    RecordVersion,
    match_keys,
)

TERMS = DealTerms(amount=Money("48000", "EUR"))


def stored(*records):
    store = InMemoryStore()
    store.commit(ChangeSet.new(*records))
    return store


def parts(shop, **changes):
    return {"qualify_with": shop.says(), "convert_with": shop.says(), "new_id": lambda kind: kind} | changes


def awaited(coroutine):
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError


class Answers(InMemoryStore):
    """A store with one method that answers something else."""

    def __init__(self, method, answer):
        super().__init__()
        setattr(self, method, lambda *arguments: answer)


class Seen:
    """A store whose methods are callable objects, so that only an answer shows whether they are awaited."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return Method(getattr(self.inner, name))


class Method:
    def __init__(self, method):
        self.method = method

    def __call__(self, *arguments):
        return self.method(*arguments)


class TestStoresOfTheOtherKind:
    """A store is found out when the service is built, else at its first answer, before anything is written."""

    def test_an_async_store_in_a_plain_service(self, shop):
        """Named with its methods, and with the service that it belongs to."""
        with pytest.raises(InvalidTypeError) as caught:
            ConversionService(AsyncInMemoryStore(), **parts(shop))
        said = str(caught.value)
        assert "store must not have async methods, got load(), candidates(), receipt(), commit() of <" in said
        assert said.endswith("use AsyncConversionService for a store whose methods are awaited")

    def test_a_plain_store_in_an_async_service(self, shop):
        """The other way round."""
        with pytest.raises(InvalidTypeError, match=r"store must have async methods, got plain load\(\).*use Conv"):
            AsyncConversionService(stored(shop.lead()), **parts(shop))

    def test_methods_that_do_not_say(self, shop):
        """Callable objects pass at first; their answers are looked at, and no coroutine is left behind."""
        service = ConversionService(Seen(AsyncInMemoryStore()), **parts(shop))
        with pytest.raises(
            InvalidTypeError, match=r"Seen\.load must answer at once, got something to await; use Async"
        ):
            service.qualify("L-1", **shop.later)
        gc.collect()  # a coroutine that nobody awaited would warn here
        other = AsyncConversionService(Seen(stored(shop.lead())), **parts(shop))
        with pytest.raises(
            InvalidTypeError, match=r"Seen\.receipt must be awaited \(async def\), got None at once; use"
        ):
            awaited(other.qualify("L-1", key="k", **shop.later))

    def test_something_else_to_await(self, shop):
        """Not only coroutines: a future is no answer either."""

        class Future:
            def __await__(self):
                yield

        with pytest.raises(InvalidTypeError, match="got something to await"):
            ConversionService(Answers("load", Future()), **parts(shop)).qualify("L-1", **shop.later)

    def test_such_stores_work_where_they_belong(self, shop):
        """The check does not refuse what answers rightly."""
        assert isinstance(shop.service(Seen(stored(shop.lead()))).qualify("L-1", **shop.later), Applied)
        there = AsyncInMemoryStore()
        there.sync = stored(shop.lead())
        service = AsyncConversionService(Seen(there), **parts(shop))
        assert isinstance(awaited(service.qualify("L-1", **shop.later)), Applied)


class TestStoresThatAnswerNonsense:
    """An answer that the port does not allow is an error that names store, method and what was expected."""

    @pytest.mark.parametrize(
        ("method", "answer", "says"),
        [
            (
                "load",
                {"id": "L-1"},
                "Answers.load must return a record, or None where there is none, got {'id': 'L-1'}",
            ),
            ("receipt", "yes", "Answers.receipt must return a Receipt, or None where there is none, got 'yes'"),
            ("commit", None, "Answers.commit must return Committed() when all is written, else Stale(ids), KeyTaken"),
            ("candidates", None, "Answers.candidates must return records, got None"),
            ("candidates", ["A-1"], "Answers.candidates must return records, got ['A-1']"),
        ],
    )
    def test_answers(self, shop, method, answer, says):
        """Both services say so."""
        records = (shop.lead(), shop.prospect())

        def call(service):
            if method == "candidates":
                return service.convert("P-1", terms=TERMS, **shop.later)
            return service.qualify("L-1", key="k", **shop.later)

        store = Answers(method, answer)
        if method != "commit":
            store.commit(ChangeSet.new(*records))
        else:
            InMemoryStore.commit(store, ChangeSet.new(*records))
        with pytest.raises(InvalidTypeError) as caught:
            call(shop.service(store))
        assert says in str(caught.value)

        class Later(AsyncInMemoryStore):
            pass

        later = Later()
        later.sync = store
        with pytest.raises(InvalidTypeError, match=f"Later.{method} must return"):
            awaited(call(AsyncConversionService(later, **parts(shop))))


class TestPolicies:
    """A policy that does not assess is named by the part it was handed over as."""

    @pytest.mark.parametrize("answer", ["yes", True, None])
    def test_what_is_no_assessment(self, shop, answer):
        """Whatever it returned."""

        class Nods:
            def assess(self, subject, *, at):
                return answer

        with pytest.raises(InvalidTypeError) as caught:
            shop.service(stored(shop.lead()), qualify_with=Nods()).qualify("L-1", **shop.later)
        assert f"qualify_with.assess must return an Assessment, got {answer!r} from <" in str(caught.value)
        with pytest.raises(InvalidTypeError, match=r"convert_with\.assess must return an Assessment"):
            shop.service(stored(shop.prospect()), convert_with=Nods()).convert("P-1", **shop.later)

    def test_an_async_policy(self, shop):
        """It is told so, and its coroutine does not complain later."""

        class Waits:
            async def assess(self, subject, *, at):
                """Judge somewhere else."""

        with pytest.raises(InvalidTypeError, match="it must not be async"):
            shop.service(stored(shop.lead()), qualify_with=Waits()).qualify("L-1", **shop.later)
        gc.collect()

    def test_one_that_takes_no_time(self, shop):
        """A method with another signature is shown what it is called with; its own errors pass through."""

        class Timeless:
            def assess(self, subject):
                """Judge without a time."""

        class Broken:
            def assess(self, subject, *, at):
                return len(3)

        with pytest.raises(
            InvalidTypeError, match=r"qualify_with\.assess must take the lead or prospect, and at=, got <"
        ):
            shop.service(stored(shop.lead()), qualify_with=Timeless()).qualify("L-1", **shop.later)
        with pytest.raises(TypeError, match="has no len") as caught:
            shop.service(stored(shop.lead()), qualify_with=Broken()).qualify("L-1", **shop.later)
        assert not isinstance(caught.value, InvalidError)


class TestOwners:
    """A router that cannot be called, or that names nobody, is an error and no refusal."""

    def test_one_that_takes_nothing(self, shop):
        """It is told what it gets."""
        with pytest.raises(InvalidTypeError, match="owner must take one argument, the lead or prospect, got <function"):
            shop.qualification(shop.lead(), owner=lambda: "bob")

    @pytest.mark.parametrize("answer", [7, "", ["bob"]])
    def test_one_that_names_nobody(self, shop, answer):
        """None is how to say nobody."""
        with pytest.raises(InvalidTypeError) as caught:
            shop.conversion(shop.prospect(), owner=lambda source: answer)
        assert f"owner must return a user id (str), or None for nobody, got {answer!r} from <function" in str(
            caught.value
        )


class TestIds:
    """What `new_id` gives is checked where it is asked for, and again where it is written."""

    def test_none(self, shop):
        """The source is named, not only the record."""
        with pytest.raises(InvalidTypeError) as caught:
            shop.service(stored(shop.prospect()), new_id=lambda kind: None).convert("P-1", terms=TERMS, **shop.later)
        assert "new_id('account') must return a new id, a str of 1 to 191 printable" in str(caught.value)
        assert ", got None from <function" in str(caught.value)

    def test_one_that_takes_nothing(self, shop):
        """It is told what it gets."""
        with pytest.raises(InvalidTypeError, match="must take one argument, the kind of record, got <function"):
            shop.service(stored(shop.lead()), new_id=lambda: "x").qualify("L-1", **shop.later)

    def test_one_id_for_everything(self, shop):
        """The same id for a second record, or that of the source, is said with both names and the way out."""
        with pytest.raises(InvalidError) as caught:
            shop.service(stored(shop.prospect()), new_id=lambda kind: "X").convert("P-1", terms=TERMS, **shop.later)
        assert "contact must have an id of its own, got 'X', which is given as account too" in str(caught.value)
        assert "look at what new_id returns" in str(caught.value)
        with pytest.raises(
            InvalidError, match="prospect must have an id of its own, got 'L-1', which is given as lead_id"
        ):
            shop.service(stored(shop.lead()), new_id=lambda kind: "L-1").qualify("L-1", **shop.later)

    def test_an_id_in_use(self, shop):
        """Found by the store: looked up, and refused with the code, the record that has it and the way out."""
        store = stored(shop.lead(), shop.account())
        refusal = shop.service(store, new_id=lambda kind: "A-9").qualify("L-1", **shop.later)
        assert [(reason.code, reason.path, reason.ids) for reason in refusal.reasons] == [
            ("id_taken", "prospect", ("A-9",))
        ]
        assert "must be a new id, got that of account 'A-9'; give another, or look at what new_id" in str(refusal)
        assert len(store) == 2


class TestArguments:
    """Arguments that are not there, not meant or of no sensible type."""

    @pytest.mark.parametrize(
        ("method", "names"),
        [
            ("qualify", "at, by, key, override, owner, prospect, recorded_at"),
            ("convert", "account, another, at, by, contact, key, opportunity, override, owner, recorded_at, terms"),
            (
                "qualify_and_convert",
                "account, at, by, contact, key, opportunity, override, owner, prospect, recorded_at, terms",
            ),
        ],
    )
    def test_unknown_ones(self, shop, method, names):
        """All that there are, or the nearest; all of them are in the signature too."""
        call = getattr(shop.service(), method)
        with pytest.raises(InvalidTypeError) as caught:
            call("L-1", zzz=1, **shop.later)
        assert f"zzz is no argument (known: {names})" in str(caught.value)
        with pytest.raises(InvalidTypeError, match=r"kee is no argument \(did you mean 'key'\?\)"):
            call("L-1", kee="x", **shop.later)
        given = set(names.split(", ")) - set(When.__annotations__)
        for service in (ConversionService, AsyncConversionService):
            assert given < set(inspect.signature(getattr(service, method)).parameters)

    def test_unknown_ones_of_planners(self, shop):
        """The planners name theirs."""
        with pytest.raises(InvalidTypeError, match=r"settngs is no argument \(did you mean 'settings'\?\)"):
            shop.qualification(shop.lead(), settngs=None)
        with pytest.raises(InvalidTypeError, match=r"anothr is no argument \(did you mean 'another'\?\)"):
            shop.conversion(shop.prospect(), anothr="x")

    @pytest.mark.parametrize("id_", [[], {}, None, 3])
    def test_ids_that_are_none(self, shop, id_):
        """Also what cannot be hashed."""
        service = shop.service()
        for method, name in (("qualify", "lead_id"), ("convert", "prospect_id"), ("qualify_and_convert", "lead_id")):
            with pytest.raises(InvalidTypeError) as caught:
                getattr(service, method)(id_, **shop.later)
            assert str(caught.value) == f"{method}: {name} must be a str, got {id_!r}"

    def test_no_time(self, shop):
        """A time that is missing is missing, not None."""
        lead = shop.lead()
        with pytest.raises(InvalidTypeError) as caught:
            plan_qualification(lead, evidence=shop.judged(lead), prospect=Create("P-1"))
        assert str(caught.value) == "plan_qualification: at must be given, a timezone-aware datetime"
        prospect = shop.prospect()
        with pytest.raises(InvalidTypeError, match="at must be given"):
            plan_conversion(
                prospect, evidence=shop.judged(prospect), account=SKIP, contact=SKIP, opportunity=Create("O-1")
            )
        with pytest.raises(InvalidTypeError, match="at must be a timezone-aware datetime, got None"):
            shop.service().qualify("L-1", at=None)

    def test_nothing_where_values_belong(self, shop):
        """None for a collection is no collection."""
        with pytest.raises(InvalidTypeError, match=r"relies_on must be a tuple .* got None"):
            ChangeSet.of((None, shop.lead()), relies_on=None)
        with pytest.raises(InvalidTypeError, match=r"absent must be a tuple .* got None"):
            ChangeSet.of((None, shop.lead()), absent=None)
        with pytest.raises(InvalidTypeError, match=r"blank_companies must be a tuple \(or frozenset\) .* got None"):
            ConversionSettings(blank_companies=None)
        with pytest.raises(InvalidTypeError, match="blank_companies"):
            ConversionSettings(blank_companies="self")
        with pytest.raises(InvalidTypeError, match=r"keys must be a tuple .* got None"):
            InMemoryStore().candidates(None, 5)
        with pytest.raises(InvalidTypeError, match="free_providers must be a set of domains, got 3"):
            match_keys(shop.lead(), free_providers=3)
        assert InMemoryStore().candidates({MatchKey("account", "name", "x")}, 5) == ()

    def test_classes_where_objects_belong(self, shop):
        """A class has the methods, but nobody can call them; one whose methods need no object will do."""

        class Static:
            @staticmethod
            def assess(subject, *, at):
                return shop.judged(subject, at=at)

        with pytest.raises(InvalidTypeError) as caught:
            ConversionService(InMemoryStore, qualify_with=shop.says, convert_with=shop.says, new_id=str)
        assert [problem.path for problem in caught.value.problems] == ["store", "qualify_with", "convert_with"]
        assert all("give an object of the class" in problem.message for problem in caught.value.problems)
        store = InMemoryStore()
        store.commit(ChangeSet.new(shop.lead()))
        assert shop.service(store, qualify_with=Static).qualify("L-1", **shop.later).id_of("prospect")

    @pytest.mark.parametrize(
        ("make", "paths"),
        [
            (lambda: Applied(5), ["records"]),
            (lambda: Applied([5], plans=[6], is_repeat=7), ["records[0]", "plans[0]", "is_repeat"]),
            (lambda: BulkResult(-1, 5, 5), ["position", "id", "outcome"]),
            (lambda: Failed("late"), ["error"]),
            (lambda: BulkSummary.of(5), ["results"]),
            (lambda: BulkSummary.of([5]), ["results[0]"]),
            (lambda: BulkSummary().plus(5), ["results[0]"]),
            (lambda: merge_provenance(None), ["record"]),
            (lambda: RecordVersion.of(None), ["record"]),
            (lambda: EventRecord("", "", -1, None), ["kind", "id", "version", "event"]),
            (lambda: rfm([5], at=None), ["engagements[0]", "at"]),
        ],
    )
    def test_what_is_no_value_of_ours(self, make, paths):
        """Is told with its path, and never ends in an error about a missing attribute."""
        with pytest.raises(InvalidError) as caught:
            make()
        assert [problem.path for problem in caught.value.problems] == paths

    @pytest.mark.parametrize("kind", [None, int, "lead", object, [Lead]])
    def test_kinds_that_are_none(self, kind):
        """Asking a store for all of something that it never holds is a mistake, not an empty answer."""
        with pytest.raises(InvalidTypeError, match=r"all: kind must be one of Account, Contact, .*ListEntry, got "):
            InMemoryStore().all(kind)


class TestRefusalsThatHelp:
    """A refusal asks only what would help, and says what else to do."""

    def converted(self, shop):
        store = stored(shop.prospect(lead=shop.rich_lead()))
        shop.service(store).convert("P-1", terms=TERMS, **shop.later)
        return store

    def test_a_second_conversion(self, shop):
        """No question mends it; another= does, with new discovery or an override."""
        store = self.converted(shop)
        service = shop.service(store, convert_with=Bant(), new_id=lambda kind: f"{kind}-second")
        refusal = service.convert("P-1", terms=TERMS, **shop.later)
        assert "already_converted" in refusal.codes
        assert refusal.questions == ()
        assert "another= with a reason opens a further deal, once discovery" in str(refusal)
        assert "override=" in str(refusal)
        assert len(service.convert("P-1", another="second site", **shop.later).questions) == 4
        done = service.convert("P-1", another="second site", override="they said so", terms=TERMS, **shop.later)
        assert isinstance(done, Applied)

    def test_reasons_that_answers_may_mend(self, shop):
        """What is missing beside the verdict does not silence the questions."""
        prospect = shop.prospect()
        refusal = shop.conversion(prospect, evidence=shop.judged(prospect, "undecided"), terms=None)
        assert refusal.codes == {"undecided", "missing_fields"}
        assert refusal.questions

    def test_open_deals_without_a_product(self, shop):
        """Named as what they are; several in the plural."""
        known = (shop.account(), shop.deal("O-8"), shop.deal())
        (warning,) = shop.planned(shop.prospect(), account=UseExisting("A-9"), known=known).warnings
        assert warning.message == (
            "opportunity 'O-8', opportunity 'O-9' are open with 'A-9', and no product is named there or here"
        )
        prospect = shop.prospect(lead=shop.rich_lead())
        known = (shop.account(), shop.deal(product_interest=["router"]))
        (warning,) = shop.planned(prospect, account=UseExisting("A-9"), known=known).warnings
        assert warning.message == "opportunity 'O-9' about the same product is open with 'A-9'"


class TestWhatIsShown:
    """Results and settings read well where they are printed."""

    def test_applied(self, shop):
        """In words, rows and HTML; a repeat says that it is one."""
        service = shop.service(stored(shop.lead()))
        done = service.qualify("L-1", key="k", **shop.later)
        assert str(done) == "written: prospect 'prospect-1' version 1, lead 'L-1' version 2"
        assert done.to_rows()[1] == {"record": "lead", "id": "L-1", "version": 2}
        assert "prospect-1" in done._repr_html_()
        again = service.qualify("L-1", key="k", **shop.later)
        assert str(again).startswith("written before: ")
        assert "written before" in again._repr_html_()

    def test_change_sets(self, shop):
        """HTML with a row per event, text escaped."""
        shown = ChangeSet.new(Account.add("A<1>", "x", **shop.now))._repr_html_()
        assert "1 new: account &#x27;A&lt;1&gt;&#x27; version 1" in shown
        assert "AccountAdded" in shown

    def test_signatures_are_short(self):
        """No default is reprinted whole in what `help` shows."""
        for function in (plan_conversion, ConversionService, ConversionSettings, TermDefaults, match_keys):
            defaults = [parameter.default for parameter in inspect.signature(function).parameters.values()]
            assert [default for default in defaults if len(repr(default)) > 60] == []
        assert repr(STANDARD_SETTINGS) == "ConversionSettings()"

    def test_what_differs_is_shown(self):
        """A repr has what was given, and no more."""
        terms = TermDefaults(name="{party}!", pipeline=SALESFORCE, calendar=None)
        assert repr(terms) == f"TermDefaults(name='{{party}}!', pipeline={SALESFORCE!r}, calendar=None)"
        settings = ConversionSettings(owners=Owners(queues={"q"}), blank_companies=["x"])
        assert repr(settings) == (
            "ConversionSettings(owners=Owners(active=None, queues=frozenset({'q'})), blank_companies=frozenset({'x'}))"
        )
        assert repr(DealTerms()) == "DealTerms()"

    def test_policies_are_still_assessors(self, shop):
        """The host's own policy of these tests keeps the promise that the others break."""
        assert isinstance(shop.says().assess(shop.lead(), at=shop.at), Assessment)
