"""Reads an element by names, in whatever order they stand; what nobody asked for is kept, and warned of."""

from __future__ import annotations

from collections.abc import Iterator

from services.workbench.imports.census.element import Element


class Reader:
    """Reads an element.

    Args:
        element: the element.
    """

    def __init__(self, element: Element) -> None:
        """Read nothing yet."""
        self._element = element
        self._left = list(element.children)
        self._inner: list[Reader] = []

    @property
    def line(self) -> int:
        """Where it begins."""
        return self._element.line

    def one(self, *names: str) -> str:
        """Give the text of the first element of one of these names; empty where there is none. Case does not matter."""
        found = self._find(names, leaf=True)
        if found is None:
            return ""
        self._left.remove(found)
        return found.text

    def all(self, *names: str) -> list[str]:
        """Give the texts of all elements of these names, empty ones left out."""
        texts = []
        while (found := self._find(names, leaf=True)) is not None:
            self._left.remove(found)
            texts.append(found.text)
        return [text for text in texts if text]

    def groups(self, *names: str) -> list[Reader]:
        """Give a reader for each element of these names."""
        made = []
        while (found := self._find(names, leaf=False)) is not None:
            self._left.remove(found)
            made.append(Reader(found))
        self._inner += made
        return made

    def rest(self, path: str = "") -> Iterator[tuple[str, str, int]]:
        """Give path, text and line of everything nobody asked for."""
        here = f"{path}/{self._element.name}" if path else self._element.name
        if self._element.text:
            yield here, self._element.text, self._element.line
        for element in self._left:
            yield from _everything(element, here)
        for reader in self._inner:
            yield from reader.rest(here)

    def _find(self, names: tuple[str, ...], *, leaf: bool) -> Element | None:
        wanted = {name.lower() for name in names}
        for element in self._left:
            if element.name.lower() in wanted and not (leaf and element.children):
                return element
        return None


def _everything(element: Element, path: str) -> Iterator[tuple[str, str, int]]:
    here = f"{path}/{element.name}"
    if element.text:
        yield here, element.text, element.line
    for child in element.children:
        yield from _everything(child, here)
