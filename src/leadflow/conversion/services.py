"""
Services: a store, two policies and a source of ids, put together once.

`ConversionService` and `AsyncConversionService` have the same methods and differ in nothing but waiting for the store.
A service holds no state of its own and may be shared between threads or tasks as far as its store may. Its methods
return what was written (`Applied`) or a `Refusal`; what a store raises passes through, and nothing was written then.
"""

from collections.abc import Callable
from typing import Any, NotRequired, Unpack

from attrs import field, frozen

from leadflow.assessment import Assessor
from leadflow.conversion import flows
from leadflow.conversion.asking import Flow, run, run_async
from leadflow.conversion.flows import Applied, Plan
from leadflow.conversion.judging import override_problem
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import ConversionRequest, Moment, OwnerChoice, QualificationRequest, when_problems
from leadflow.conversion.settings import STANDARD, ConversionSettings
from leadflow.conversion.targets import Create, DealTarget, FindOrCreate, Target
from leadflow.conversion.terms import NO_TERMS, DealTerms
from leadflow.errors import InvalidError, Problem
from leadflow.events import When
from leadflow.stores import AsyncStore, Store
from leadflow.validation import check, code, instance, invalid, optional, whole

__all__ = ["AsyncConversionService", "ConversionService", "ConvertOptions", "DirectOptions", "QualifyOptions"]

_PORT = ("load", "candidates", "receipt", "commit")


class _Common(When):
    key: NotRequired[str | None]
    owner: NotRequired[OwnerChoice]
    override: NotRequired[str | None]


class QualifyOptions(_Common):
    """
    What `ConversionService.qualify` takes, beside the lead's id and `When`.

    Attributes:
        key: Idempotency key: a retry under the same key gets the first result. Without one, a second call is refused
            and names the first result.
        owner: Who owns what is made: a user id, or a function that says who. Default: whoever owns the source.
        override: Why a verdict short of "qualified" is set aside; needs `by`.
        prospect: ``Create(id)``. Default: a new id.
    """

    prospect: NotRequired[Create | None]


class ConvertOptions(_Common):
    """
    What `ConversionService.convert` takes, beside the prospect's id and `When`.

    Attributes:
        key: See `QualifyOptions`; so are `owner` and `override`.
        account: What becomes of the company. Default: the one that matches, else a new one.
        contact: What becomes of the person. Default: the one that matches, else a new one.
        opportunity: What becomes of the deal. Default: a new one.
        terms: The terms of a new deal.
        another: Why a prospect that was converted before is converted again.
    """

    account: NotRequired[Target | None]
    contact: NotRequired[Target | None]
    opportunity: NotRequired[DealTarget | None]
    terms: NotRequired[DealTerms | None]
    another: NotRequired[str | None]


class DirectOptions(_Common):
    """
    What `ConversionService.qualify_and_convert` takes, beside the lead's id and `When`.

    Attributes:
        key: See `QualifyOptions`; so are `owner`, `override` and `prospect`.
        account: See `ConvertOptions`; so are `contact`, `opportunity` and `terms`.
    """

    prospect: NotRequired[Create | None]
    account: NotRequired[Target | None]
    contact: NotRequired[Target | None]
    opportunity: NotRequired[DealTarget | None]
    terms: NotRequired[DealTerms | None]


@frozen(kw_only=True)
class _Flows:
    """What both services share: their parts but for the store, and the flow that each call comes to."""

    qualify_with: Assessor
    convert_with: Assessor
    new_id: Callable[[str], str]
    settings: ConversionSettings = STANDARD
    attempts: int = 3

    def __attrs_post_init__(self) -> None:
        check(
            type(self).__name__,
            _does("store", getattr(self, "store", None), *_PORT),
            _does("qualify_with", self.qualify_with, "assess"),
            _does("convert_with", self.convert_with, "assess"),
            _does("new_id", self.new_id, "__call__"),
            instance("settings", self.settings, ConversionSettings, "ConversionSettings"),
            whole("attempts", self.attempts, 1),
        )

    def _qualify(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        prospect: Create | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        **when: Unpack[When],
    ) -> Flow[Applied | Refusal]:
        problems = [optional(code, "key", key), *when_problems(when), override_problem(override, when.get("by"))]
        (request,) = _all_built(
            "qualify", problems, lambda: self._qualification(lead_id, prospect, owner=owner, override=override)
        )
        return flows.qualifying(self, request, Moment(**when), key)

    def _convert(
        self,
        prospect_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        another: str | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        **when: Unpack[When],
    ) -> Flow[Applied | Refusal]:
        problems = [optional(code, "key", key), *when_problems(when), override_problem(override, when.get("by"))]
        given = {"owner": owner, "override": override, "another": another}
        (request,) = _all_built(
            "convert",
            problems,
            lambda: self._conversion(prospect_id, account, contact, opportunity, terms=terms, **given),
        )
        return flows.converting(self, request, Moment(**when), key)

    def _qualify_and_convert(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        prospect: Create | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        **when: Unpack[When],
    ) -> Flow[Applied | Refusal]:
        problems = [optional(code, "key", key), *when_problems(when), override_problem(override, when.get("by"))]
        new = Create(self.new_id("prospect")) if prospect is None else prospect
        new_id = new.id if isinstance(new, Create) else "?"
        given = {"owner": owner, "override": override}
        first, second = _all_built(
            "qualify_and_convert",
            problems,
            lambda: self._qualification(lead_id, new, **given),
            lambda: self._conversion(new_id, account, contact, opportunity, terms=terms, **given),
        )
        return flows.direct(self, first, second, Moment(**when), key)

    def _apply(self, plan: Plan, key: str | None) -> Flow[Applied | Refusal]:
        check(
            "apply",
            instance("plan", plan, (QualificationPlan, ConversionPlan), "a plan"),
            optional(code, "key", key),
        )
        return flows.applying(self, plan, key)

    def _qualification(self, lead_id: str, prospect: Create | None, **given: Any) -> QualificationRequest:  # noqa: ANN401
        target = Create(self.new_id("prospect")) if prospect is None else prospect
        return QualificationRequest(lead_id=lead_id, prospect=target, **given)

    def _conversion(
        self,
        prospect_id: str,
        account: Target | None,
        contact: Target | None,
        opportunity: DealTarget | None,
        *,
        terms: DealTerms | None,
        **given: Any,  # noqa: ANN401 - the request checks them
    ) -> ConversionRequest:
        return ConversionRequest(
            prospect_id=prospect_id,
            account=FindOrCreate(self.new_id("account")) if account is None else account,
            contact=FindOrCreate(self.new_id("contact")) if contact is None else contact,
            opportunity=Create(self.new_id("opportunity")) if opportunity is None else opportunity,
            terms=NO_TERMS if terms is None else terms,
            **given,
        )


def _does(path: str, value: object, *methods: str) -> Problem | None:
    missing = [method for method in methods if not callable(getattr(value, method, None))]
    return Problem(path, f"must have {', '.join(missing)}, got {value!r}", is_type=True) if missing else None


def _all_built(subject: str, problems: list[Problem | None], *makers: Callable[[], Any]) -> list[Any]:
    """Build values and report what is wrong with any of them, and what was found before, at once."""
    values: list[Any] = []
    found = list(problems)
    for make in makers:
        try:
            values.append(make())
        except InvalidError as error:
            found += error.problems
    if any(found):
        # What is shared between the values is wrong with each of them; it is said once.
        raise invalid(subject, *dict.fromkeys(found))
    return values


@frozen(kw_only=True)
class ConversionService(_Flows):
    """
    Qualifies and converts what is in a store.

    Attributes:
        store: Where the records are, opened for one tenant.
        qualify_with: The policy that decides which leads become prospects.
        convert_with: The policy that decides which prospects become deals.
        new_id: Makes a new id; called with the kind of record: ``prospect``, ``account``, ``contact``, ``opportunity``.
        settings: What the host has decided once.
        attempts: How often to plan and commit while others are faster.

    Raises:
        InvalidError: Naming every part that cannot do its work.
    """

    store: Store = field(kw_only=False)

    def qualify(self, lead_id: str, **options: Unpack[QualifyOptions]) -> Applied | Refusal:
        """
        Make a prospect of a lead.

        Args:
            lead_id: The lead.
            **options: See `QualifyOptions` and `When`.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._qualify(lead_id, **options), self.store)

    def convert(self, prospect_id: str, **options: Unpack[ConvertOptions]) -> Applied | Refusal:
        """
        Make an account, a contact and a deal of a prospect.

        Args:
            prospect_id: The prospect.
            **options: See `ConvertOptions` and `When`.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._convert(prospect_id, **options), self.store)

    def qualify_and_convert(self, lead_id: str, **options: Unpack[DirectOptions]) -> Applied | Refusal:
        """
        Make an account, a contact and a deal of a lead in one commit, by way of a prospect and by both policies.

        Args:
            lead_id: The lead.
            **options: See `DirectOptions` and `When`.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._qualify_and_convert(lead_id, **options), self.store)

    def apply(self, plan: Plan, *, key: str | None = None) -> Applied | Refusal:
        """
        Write a plan, provided that planning it again on fresh records gives the same.

        Args:
            plan: As it was shown to whoever decided.
            key: Idempotency key, see `QualifyOptions`.

        Raises:
            InvalidError: If it is no plan, or the key is no code.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._apply(plan, key), self.store)


@frozen(kw_only=True)
class AsyncConversionService(_Flows):
    """
    The same as `ConversionService`, on an `AsyncStore`.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    store: AsyncStore = field(kw_only=False)

    async def qualify(self, lead_id: str, **options: Unpack[QualifyOptions]) -> Applied | Refusal:
        """Make a prospect of a lead; see `ConversionService.qualify`."""
        return await run_async(self._qualify(lead_id, **options), self.store)

    async def convert(self, prospect_id: str, **options: Unpack[ConvertOptions]) -> Applied | Refusal:
        """Make an account, a contact and a deal of a prospect; see `ConversionService.convert`."""
        return await run_async(self._convert(prospect_id, **options), self.store)

    async def qualify_and_convert(self, lead_id: str, **options: Unpack[DirectOptions]) -> Applied | Refusal:
        """Make an account, a contact and a deal of a lead; see `ConversionService.qualify_and_convert`."""
        return await run_async(self._qualify_and_convert(lead_id, **options), self.store)

    async def apply(self, plan: Plan, *, key: str | None = None) -> Applied | Refusal:
        """Write a plan; see `ConversionService.apply`."""
        return await run_async(self._apply(plan, key), self.store)
