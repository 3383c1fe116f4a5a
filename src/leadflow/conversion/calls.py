"""
What both services share: their parts, and the flow that each of their calls comes to.

A call is checked whole before anything is loaded: its own arguments, the requests that they make, the ids that `new_id`
gives. The options of each call are written out where it is public, in `leadflow.conversion.services`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Unpack

from attrs import evolve, frozen

from leadflow.assessment import Assessor
from leadflow.conversion import flows
from leadflow.conversion.asking import Flow, port_problem
from leadflow.conversion.attempts import Applied, Plan
from leadflow.conversion.bulk import Batch, at_position, items_problem
from leadflow.conversion.hosted import called, has_method, wrong_answer
from leadflow.conversion.judging import override_problem
from leadflow.conversion.mapping import NO_MAPPING, ConversionMapping
from leadflow.conversion.plans import ConversionPlan, QualificationPlan
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import ConversionRequest, Moment, OwnerChoice, QualificationRequest, when_problems
from leadflow.conversion.settings import STANDARD_SETTINGS, ConversionSettings
from leadflow.conversion.targets import Create, DealTarget, FindOrCreate, Target
from leadflow.conversion.terms import NO_TERMS, DealTerms
from leadflow.errors import InvalidError, Problem
from leadflow.events import When
from leadflow.validation import check, code, instance, invalid, optional, shown, when, whole

__all__ = ["Calls"]

_COMMON: Final = ("key", "owner", "override")
_DEAL: Final = ("account", "contact", "opportunity", "terms")
# What each call takes beside `When`, for the message about an argument that it does not take.
_QUALIFY: Final = (*_COMMON, "prospect")
_CONVERT: Final = (*_COMMON, *_DEAL, "another")
_DIRECT: Final = (*_COMMON, "prospect", *_DEAL)


@frozen(kw_only=True)
class Calls:
    """
    The parts of a service but for the store, and a flow per call; see `leadflow.conversion.ConversionService`.

    Attributes:
        qualify_with: The policy that decides which leads become prospects.
        convert_with: The policy that decides which prospects become deals.
        new_id: Makes a new id.
        settings: What the host has decided once.
        attempts: How often to plan and commit while others are faster.
        mapping: Which fields go where, for hosts that decide nothing else; part of the settings from then on.
    """

    awaited: ClassVar[bool] = False
    """Whether the store's methods are awaited."""

    qualify_with: Assessor
    convert_with: Assessor
    new_id: Callable[[str], str]
    settings: ConversionSettings = STANDARD_SETTINGS
    attempts: int = 3
    mapping: ConversionMapping | None = None

    def __attrs_post_init__(self) -> None:
        check(
            type(self).__name__,
            port_problem(getattr(self, "store", None), awaited=self.awaited),
            _does("qualify_with", self.qualify_with, "assess"),
            _does("convert_with", self.convert_with, "assess"),
            None
            if callable(self.new_id)
            else Problem("new_id", f"must be callable, got {shown(self.new_id)}", is_type=True),
            instance("settings", self.settings, ConversionSettings, "ConversionSettings"),
            whole("attempts", self.attempts, 1),
            *self._mapping_problems(),
        )
        if self.mapping is not None:
            # One place to look: from here on the settings have it.
            object.__setattr__(self, "settings", evolve(self.settings, mapping=self.mapping))

    def _mapping_problems(self) -> list[Problem | None]:
        strange = optional(instance, "mapping", self.mapping, ConversionMapping, "a ConversionMapping")
        if strange or self.mapping is None or not isinstance(self.settings, ConversionSettings):
            return [strange]
        rule = "must be given once, got it here and another in the settings"
        return [when(self.settings.mapping not in (NO_MAPPING, self.mapping), "mapping", rule)]

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
        problems = _problems(when, key=key, override=override, known=_QUALIFY)
        (request,) = _all_built(
            "qualify", problems, lambda: self._qualification(lead_id, prospect, owner=owner, override=override)
        )
        return flows.qualifying(self, request, Moment(**when), key, named=_named(prospect))

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
        problems = _problems(when, key=key, override=override, known=_CONVERT)
        given = {"owner": owner, "override": override, "another": another}
        (request,) = _all_built(
            "convert",
            problems,
            lambda: self._conversion(prospect_id, account, contact, opportunity, terms=terms, **given),
        )
        return flows.converting(self, request, Moment(**when), key, named=_named(account, contact, opportunity))

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
        problems = _problems(when, key=key, override=override, known=_DIRECT)
        new = Create(self._new("prospect")) if prospect is None else prospect
        new_id = new.id if isinstance(new, Create) else "?"
        given = {"owner": owner, "override": override}
        first, second = _all_built(
            "qualify_and_convert",
            problems,
            lambda: self._qualification(lead_id, new, **given),
            lambda: self._conversion(new_id, account, contact, opportunity, terms=terms, **given),
        )
        named = _named(prospect, account, contact, opportunity)
        return flows.direct(self, first, second, Moment(**when), key, named=named)

    def _apply(self, plan: Plan, key: str | None) -> Flow[Applied | Refusal]:
        check(
            "apply",
            instance("plan", plan, (QualificationPlan, ConversionPlan), "a plan"),
            optional(code, "key", key),
        )
        return flows.applying(self, plan, key)

    def _batch(self, step: str, items: object, options: Mapping[str, Any]) -> Batch:
        """Return what all items share, checked once: what is wrong for every item is no item's failure."""
        check(f"{step}_many", items_problem("items", items, awaited=self.awaited))
        dry = evolve(self, new_id="? {}".format)
        getattr(dry, f"_{step}")("?", **at_position(options, 0)).close()
        return Batch(getattr(self, f"_{step}"), options)

    def _new(self, kind: str) -> str:
        path = f"new_id({kind!r})"
        made: str = called(path, self.new_id, kind, takes="one argument, the kind of record")
        if code("", made):
            raise wrong_answer(path, made, self.new_id, "a new id, a str of 1 to 191 printable characters")
        return made

    def _qualification(self, lead_id: str, prospect: Create | None, **given: Any) -> QualificationRequest:  # noqa: ANN401
        target = Create(self._new("prospect")) if prospect is None else prospect
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
            account=FindOrCreate(self._new("account")) if account is None else account,
            contact=FindOrCreate(self._new("contact")) if contact is None else contact,
            opportunity=Create(self._new("opportunity")) if opportunity is None else opportunity,
            terms=NO_TERMS if terms is None else terms,
            **given,
        )


def _named(*targets: Target | DealTarget | None) -> frozenset[str]:
    """Return the new ids that a caller chose: they may be in use; what `new_id` makes is taken to be new."""
    return frozenset(target.id for target in targets if isinstance(target, Create | FindOrCreate))


def _problems(
    when: Mapping[str, Any], *, key: object, override: object, known: tuple[str, ...]
) -> list[Problem | None]:
    return [optional(code, "key", key), *when_problems(when, known), override_problem(override, when.get("by"))]


def _does(path: str, value: object, *methods: str) -> Problem | None:
    missing = [method for method in methods if not has_method(value, method)]
    hint = "; give an object of the class" if isinstance(value, type) else ""
    return Problem(path, f"must have {', '.join(missing)}, got {shown(value)}{hint}", is_type=True) if missing else None


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
