"""
The codec: any value as a plain dict in an envelope that says what it is, and back.

Theory. The envelope has three keys: ``leadflow`` names the kind, ``version`` the version of the form, ``data`` holds
the value. It is judged first; what kind of value follows, and how it is to be read, depends on it. Then the data is
read quickly, and where that fails a second time with care, to tell everything that is wrong.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any, Final, TypeVar, overload

from attrs import field, frozen

from leadflow.codec.forms import Forms, Known
from leadflow.codec.kinds import KINDS, NAMES
from leadflow.codec.scalars import Outside, Value
from leadflow.codec.versions import UPCASTERS, Upcasters, lift, newest, upcaster_problems
from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.pipeline import Pipeline
from leadflow.pipelines import PRESETS
from leadflow.validation import check, each, instance, invalid, shown, to_tuple

__all__ = ["Codec"]

_Kind = TypeVar("_Kind")
_KEYS: Final = ("leadflow", "version", "data")


def _pipelines(values: Iterable[Pipeline]) -> tuple[Pipeline, ...]:
    return to_tuple(values)


@frozen(kw_only=True, slots=False, eq=False)  # forms are made on first use
class Codec:
    """
    Makes plain dicts of values and values of plain dicts.

    >>> from leadflow.money import Money
    >>> codec = Codec()
    >>> codec.dump(Money("48000.00", "EUR"))
    {'leadflow': 'money', 'version': 1, 'data': {'amount': '48000.00', 'currency': 'EUR'}}
    >>> codec.load(codec.dump(Money("48000.00", "EUR")), Money)
    Money('48000.00', 'EUR')

    Attributes:
        pipelines: Those of the host; the presets are known too, unless one given has the id and version of a preset.
        upcasters: What lifts older dicts, by the name of the kind and the version that it lifts from. Default:
            leadflow's own.

    Raises:
        InvalidError: If a pipeline is none, two have one id and version, or an upcaster lifts what there is not.
    """

    pipelines: tuple[Pipeline, ...] = field(default=(), converter=_pipelines)
    upcasters: Upcasters = field(default=UPCASTERS, repr=False)

    def __attrs_post_init__(self) -> None:
        strange = each("pipelines", self.pipelines, instance, Pipeline, "a Pipeline")
        check("Codec", *strange, *upcaster_problems(self.upcasters))
        seen: dict[tuple[str, int], Pipeline] = {}
        for one in self.pipelines:
            if seen.setdefault((one.id, one.version), one) != one:
                rule = (
                    f"must not hold two pipelines {one.id!r} version {one.version}; give what was changed a new version"
                )
                raise invalid("Codec", Problem("pipelines", rule))

    @property
    def version(self) -> int:
        """The version of the dict form that it writes; it reads this and all before."""
        return newest(self.upcasters)

    @cached_property
    def _known(self) -> Known:
        return {(one.id, one.version): one for one in (*PRESETS.values(), *self.pipelines)}

    @cached_property
    def _quick(self) -> Forms:
        return Forms(self._known)

    @cached_property
    def _others(self) -> dict[tuple[int, bool], Forms]:
        return {}

    def _forms(self, version: int, *, careful: bool) -> Forms:
        """Return the forms for dicts of a version."""
        if version == self.version and not careful:
            return self._quick
        forms = self._others.get((version, careful))
        if forms is None:
            steps = partial(lift, self.upcasters, version) if version < self.version else None
            forms = self._others[version, careful] = Forms(self._known, steps, careful=careful)
        return forms

    def dump(self, value: object) -> dict[str, Any]:
        """
        Return a value as a dict of str, int, float, bool, None, list and dict, which any JSON writer can write.

        Raises:
            InvalidError: Naming everything in it that has no dict form.
        """
        kind = type(value)
        if kind not in NAMES:
            raise invalid("dump", Problem("", _no_kind(value), is_type=True))
        try:
            data = self._quick.whole(kind).write(value)
        except InvalidError:
            data = _with_care("dump", lambda: self._forms(self.version, careful=True).whole(kind).write(value))
        return {"leadflow": NAMES[kind], "version": self.version, "data": data}

    @overload
    def load(self, plain: object) -> Any: ...  # noqa: ANN401 - whatever it is
    @overload
    def load(self, plain: object, kind: type[_Kind]) -> _Kind: ...
    def load(self, plain: object, kind: type[Any] = object) -> Value:
        """
        Return the value that a dict describes; the dict may come from anywhere.

        Args:
            plain: What `dump` returned, in this version or an older one.
            kind: The class that it must be of, or derive from; default: any.

        Raises:
            InvalidError: Naming everything that is wrong with it, each with the path.
        """
        check("load", instance("kind", kind, type, "a class"))
        found, version, data = _opened(plain, kind, self.version)
        try:
            return self._forms(version, careful=False).whole(found).read(data, None)
        except Exception:  # noqa: BLE001 - what was wrong is found out with care
            return _with_care(
                "load", lambda: self._forms(version, careful=True).whole(found).read(data, None), under="data"
            )


def _with_care(subject: str, work: Callable[[], Value], under: str = "") -> Value:
    try:
        return work()
    except InvalidError as error:
        problems = [problem.under(under) if under else problem for problem in error.problems]
    raise invalid(subject, *problems)


def _opened(plain: Outside, kind: type[Any], version: int) -> tuple[type[Any], int, Outside]:
    """Return what an envelope says it holds, in which version, and the data."""
    if type(plain) is not dict:
        rule = "must be a dict with the keys leadflow, version and data"
        raise invalid("load", Problem("", f"{rule}, got {shown(plain)}", is_type=True))
    name, given = plain.get("leadflow"), plain.get("version")
    problems = [
        Problem(str(key)[:80], f"is no part of the envelope{did_you_mean(str(key)[:80], _KEYS)}")
        for key in plain
        if key not in _KEYS
    ]
    problems += [Problem(key, "is missing") for key in _KEYS if key not in plain]
    if "version" in plain:
        problems += _version_problems(given, version)
    if "leadflow" in plain:
        problems += _kind_problems(name, kind)
    if problems:
        raise invalid("load", *problems)
    return KINDS[str(name)], int(str(given)), plain["data"]


def _version_problems(given: object, version: int) -> list[Problem]:
    if type(given) is not int:
        return [Problem("version", f"must be a whole number (int), got {shown(given)}", is_type=True)]
    if given < 1:
        return [Problem("version", f"must be at least 1, got {shown(given)}")]
    if given > version:
        rule = f"is newer than {version}, the newest that this leadflow knows, got {shown(given)}"
        return [Problem("version", f"{rule}; upgrade leadflow to read it")]
    return []


def _kind_problems(name: object, kind: type[Any]) -> list[Problem]:
    if type(name) is not str:
        return [Problem("leadflow", f"must be the name of a kind (str), got {shown(name)}", is_type=True)]
    if name not in KINDS:
        return [Problem("leadflow", f"is unknown: {shown(name)}{did_you_mean(name[:200], KINDS)}")]
    if not issubclass(KINDS[name], kind):
        wanted = NAMES.get(kind, kind.__name__)
        return [Problem("leadflow", f"must be {wanted!r}, got {name!r}", is_type=True)]
    return []


def _no_kind(value: object) -> str:
    if hasattr(value, "assess"):
        rule = "a policy of your own has no dict form; store what it is made from, or write it as a Policy"
    else:
        rule = "has no dict form; dump an entity, an event, a plan or another value of leadflow's"
    return f"{rule}, got {shown(value)}"
