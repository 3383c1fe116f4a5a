"""
Writes the golden file of each kind that has none: ``PYTHONPATH=src python tests/codec/make_golden.py``.

A golden file is what some version of leadflow wrote, and what every later one must read and write again. It is never
written anew: what is there stays as it is. So do the defaults of what may be left out; those that are new are added.
"""

import json
from enum import Enum
from pathlib import Path

from building import build, defaults

from leadflow import InvalidError
from leadflow.codec import Codec
from leadflow.codec.kinds import KINDS

GOLDEN = Path(__file__).parent / "golden"
DEFAULTS = GOLDEN.parent / "defaults.json"


def main() -> None:
    """Write what is missing."""
    GOLDEN.mkdir(exist_ok=True)
    for name, kind in KINDS.items():
        path = GOLDEN / f"{name}.json"
        if not issubclass(kind, Enum) and not path.exists():
            try:
                plain = Codec().dump(build(kind, full=True))
            except InvalidError as error:
                print(f"{name}: say in building.py what it is made of ({error})"[:200])  # noqa: T201
                continue
            path.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(path.name)  # noqa: T201 - it is a command
    pinned = json.loads(DEFAULTS.read_text("utf-8")) if DEFAULTS.exists() else {}
    for path in sorted(GOLDEN.glob("*.json")):
        pinned[path.stem] = defaults(KINDS[path.stem]) | pinned.get(path.stem, {})
    DEFAULTS.write_text(json.dumps(pinned, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
