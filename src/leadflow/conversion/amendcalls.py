"""
What a service merges and takes back; waiting for the store or not.

The two classes are the part of `ConversionService` and `AsyncConversionService` that has to do with what was recorded
twice or done by mistake; the rules are in `merging`, `unmerging` and `undoing`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar, Unpack

from attrs import field, frozen

from leadflow.conversion.amendflow import AMENDMENTS, Amendment, amending
from leadflow.conversion.amendments import MergeRequest, TakenBack, UnconversionRequest, UnmergeRequest
from leadflow.conversion.asking import Flow, run, run_async
from leadflow.conversion.attempts import Applied, Plan
from leadflow.conversion.calls import Calls
from leadflow.conversion.intakecalls import AsyncIntakeCalls, IntakeCalls
from leadflow.conversion.mergefields import MergeRule
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import Moment, when_problems
from leadflow.events import When
from leadflow.stores import AsyncStore, Store
from leadflow.validation import built, check, code, optional

__all__ = ["AmendCalls", "AsyncAmendCalls"]

_Request = TypeVar("_Request", MergeRequest, UnmergeRequest, UnconversionRequest)

_ARGUMENTS: Final = ("key", "note", "rules")


def _asked(step: str, make: Callable[[], _Request], key: object, when: Mapping[str, Any]) -> _Request:
    return built(step, make, optional(code, "key", key), *when_problems(when, _ARGUMENTS))


@frozen(kw_only=True)
class _Calls(Calls):
    def _merge(
        self, ids: Iterable[str], key: str | None, rules: Mapping[str, MergeRule | str] | None, note: str, when: When
    ) -> Flow[Applied | Refusal]:
        given = {} if rules is None else rules
        request = _asked("merge", lambda: MergeRequest(ids=ids, rules=given, note=note), key, when)
        return amending(self, request, Moment(**when), key)

    def _unmerge(self, id_: str, key: str | None, note: str, when: When) -> Flow[Applied | Refusal]:
        request = _asked("unmerge", lambda: UnmergeRequest(id=id_, note=note), key, when)
        return amending(self, request, Moment(**when), key)

    def _take_back(self, step: TakenBack, id_: str, key: str | None, note: str, when: When) -> Flow[Applied | Refusal]:
        name = "unqualify" if step is TakenBack.QUALIFICATION else "unconvert"
        request = _asked(name, lambda: UnconversionRequest(step=step, id=id_, note=note), key, when)
        return amending(self, request, Moment(**when), key)

    def _apply(self, plan: Plan | Amendment, key: str | None) -> Flow[Applied | Refusal]:
        if not isinstance(plan, AMENDMENTS):
            return super()._apply(plan, key)
        check("apply", optional(code, "key", key))
        return amending(self, plan.request, plan.moment, key, shown=plan)


@frozen(kw_only=True)
class AmendCalls(_Calls, IntakeCalls):
    """
    Merges what was recorded twice, and takes steps back.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    store: Store = field(kw_only=False)

    def merge(
        self,
        ids: Iterable[str],
        *,
        key: str | None = None,
        rules: Mapping[str, MergeRule | str] | None = None,
        note: str = "",
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Make one record of several leads, prospects or opportunities; see `leadflow.conversion.plan_merge`.

        Args:
            ids: The records; in which order makes no difference.
            key: Idempotency key: a retry under the same key gets the first result. Without one, a second call is
                refused as ``already_merged`` and names the survivor.
            rules: How custom fields merge that are not filled where they are blank, by name: ``maximum``.
            note: Why, in words.
            **when: See `When`.

        Returns:
            What was written, with the `MergePlan`, or a `Refusal` with every reason.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._merge(ids, key, rules, note, when), self.store)

    def unmerge(
        self,
        id: str,  # noqa: A002 - the interface's word
        *,
        key: str | None = None,
        note: str = "",
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Make a record that was merged go on by itself again; see `leadflow.conversion.plan_unmerge`.

        Args:
            id: The record that was merged.
            key: Idempotency key, as of `merge`.
            note: Why, in words.
            **when: See `When`.

        Returns:
            What was written, with the `UnmergePlan`, or a `Refusal` with what moved since.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._unmerge(id, key, note, when), self.store)

    def unconvert(
        self, prospect_id: str, *, key: str | None = None, note: str = "", **when: Unpack[When]
    ) -> Applied | Refusal:
        """
        Take back the last conversion of a prospect; see `leadflow.conversion.plan_unconversion`.

        The key of that conversion stays used: a late retry under it gets what was written then, with `is_repeat`, and
        converts nothing. To convert again is another request, under another key.

        Args:
            prospect_id: The prospect.
            key: Idempotency key, as of `merge`.
            note: Why, in words.
            **when: See `When`.

        Returns:
            What was written, with the `UnconversionPlan`, or a `Refusal` with what moved since.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._take_back(TakenBack.CONVERSION, prospect_id, key, note, when), self.store)

    def unqualify(
        self, lead_id: str, *, key: str | None = None, note: str = "", **when: Unpack[When]
    ) -> Applied | Refusal:
        """
        Take back all that came of a lead: conversions, the last first, and its qualification; see `unconvert`.

        Args:
            lead_id: The lead.
            key: Idempotency key, as of `merge`.
            note: Why, in words.
            **when: See `When`.

        Returns:
            What was written, with the `UnconversionPlan`, or a `Refusal` with what moved since.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._take_back(TakenBack.QUALIFICATION, lead_id, key, note, when), self.store)


@frozen(kw_only=True)
class AsyncAmendCalls(_Calls, AsyncIntakeCalls):
    """
    The same as `AmendCalls`, on an `AsyncStore`.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    awaited: ClassVar[bool] = True
    store: AsyncStore = field(kw_only=False)

    async def merge(
        self,
        ids: Iterable[str],
        *,
        key: str | None = None,
        rules: Mapping[str, MergeRule | str] | None = None,
        note: str = "",
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Make one record of several; see `AmendCalls.merge`."""
        return await run_async(self._merge(ids, key, rules, note, when), self.store)

    async def unmerge(
        self,
        id: str,  # noqa: A002 - the interface's word
        *,
        key: str | None = None,
        note: str = "",
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Make a record that was merged go on by itself again; see `AmendCalls.unmerge`."""
        return await run_async(self._unmerge(id, key, note, when), self.store)

    async def unconvert(
        self, prospect_id: str, *, key: str | None = None, note: str = "", **when: Unpack[When]
    ) -> Applied | Refusal:
        """Take back the last conversion of a prospect; see `AmendCalls.unconvert`."""
        return await run_async(self._take_back(TakenBack.CONVERSION, prospect_id, key, note, when), self.store)

    async def unqualify(
        self, lead_id: str, *, key: str | None = None, note: str = "", **when: Unpack[When]
    ) -> Applied | Refusal:
        """Take back all that came of a lead; see `AmendCalls.unqualify`."""
        return await run_async(self._take_back(TakenBack.QUALIFICATION, lead_id, key, note, when), self.store)
