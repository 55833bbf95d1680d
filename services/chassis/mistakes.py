"""Every mistake of a document at once: reading goes on where something was wrong, so that people mend a file in one go.

Inside ``all_mistakes`` a reader that fails gives ``WRONG`` instead, which stands for whatever was meant and takes
part in anything without effect; nothing that was read so leaves the block, since it ends with a DocumentError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import yaml

from services.chassis.marked_yaml import DocumentError, Mistake, mistake_at

T = TypeVar("T")
MISTAKES_MAX: Final = 200

_found: ContextVar[list[Mistake] | None] = ContextVar("mistakes", default=None)


class _Wrong:
    """Stands where something was wrong."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False

    def _never(self, _: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _never


WRONG: Final[Any] = _Wrong()


@contextmanager
def all_mistakes() -> Iterator[list[Mistake]]:
    """Find every mistake of a document; what was found so far is in the list.

    Raises:
        DocumentError: with all of them, in the order of the document.
    """
    found: list[Mistake] = []
    before = _found.set(found)
    try:
        yield found
    except DocumentError as error:
        found += error.mistakes
    except Exception:
        if not found:  # otherwise what was wrong could not be worked with
            raise
    finally:
        _found.reset(before)
    if found:
        raise DocumentError(*sorted(set(found))[:MISTAKES_MAX])


def tried(read: Callable[[yaml.Node], T], node: yaml.Node) -> T:
    """Read a value; inside ``all_mistakes`` one that is wrong is noted, and WRONG stands for it."""
    found = _found.get()
    if found is None:
        return read(node)
    try:
        return read(node)
    except DocumentError as error:
        found += error.mistakes
    except Exception:
        if not found:
            raise
    return WRONG  # type: ignore[no-any-return]


def whole(read: Callable[[yaml.Node], T], node: yaml.Node) -> T:
    """Read something of several values: WRONG as soon as any of them was."""
    found = _found.get()
    count = len(found) if found is not None else 0
    value = tried(read, node)
    return WRONG if found is not None and len(found) > count else value


def note(node: yaml.Node, wrong: str, remedy: str) -> None:
    """Note a mistake and go on; outside ``all_mistakes`` raise it.

    Raises:
        DocumentError: outside.
    """
    found = _found.get()
    if found is None:
        raise DocumentError(mistake_at(node, wrong, remedy))
    found.append(mistake_at(node, wrong, remedy))
