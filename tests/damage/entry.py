"""What an entry of the catalogue is, and small ways to damage a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Spoil = Callable[[Path], object]


@dataclass(frozen=True)
class Damage:
    """One damage, one call, one answer.

    Attributes
    ----------
    name : str
    call : str
        As typed after ``selfinterp``, in the folder that `world` makes.
    says : str
        The whole message, without the program's name; ``{here}`` stands for that folder, ``...``
        for words of the operating system or of a library, which vary.
    spoil : callable, optional
        Given that folder.
    status : int
    """

    name: str
    call: str
    says: str
    spoil: Spoil = lambda _: None
    status: int = 2


def text(file: str, content: str) -> Spoil:
    """Another text in place of a file's."""
    return lambda here: (here / file).write_text(content, encoding="utf-8", newline="")


def data(file: str, content: bytes) -> Spoil:
    """Other bytes in place of a file's."""
    return lambda here: (here / file).write_bytes(content)


def changed(file: str, old: str, new: str) -> Spoil:
    """Another text in the first place where `old` stands."""

    def spoil(here: Path) -> None:
        before = (here / file).read_bytes()
        assert old.encode() in before, f"{file} holds no {old!r}"
        (here / file).write_bytes(before.replace(old.encode(), new.encode(), 1))

    return spoil


def cut(file: str, end: int) -> Spoil:
    """The first `end` bytes alone; a negative `end` counts from the file's."""
    return lambda here: (here / file).write_bytes((here / file).read_bytes()[:end])


def lines(file: str, *numbers: int) -> Spoil:
    """Some lines alone, by number from 1."""

    def spoil(here: Path) -> None:
        kept = (here / file).read_text(encoding="utf-8").splitlines()
        (here / file).write_text("".join(kept[number - 1] + "\n" for number in numbers))

    return spoil


def cell(file: str, row: int, column: str, content: str) -> Spoil:
    """Another text in one cell; `row` counts lines, the header being 1."""

    def spoil(here: Path) -> None:
        rows = (here / file).read_text(encoding="utf-8").splitlines()
        header, cells = rows[0].split(","), rows[row - 1].split(",")
        # From the end: a question, with commas in it, stands before everything that is spoilt.
        cells[header.index(column) - len(header)] = content
        rows[row - 1] = ",".join(cells)
        (here / file).write_text("\n".join(rows) + "\n", encoding="utf-8")

    return spoil


def appended(file: str, more: str) -> Spoil:
    """A text after the end."""

    def spoil(here: Path) -> None:
        with (here / file).open("a", encoding="utf-8", newline="") as opened:
            opened.write(more)

    return spoil


def gone(file: str) -> Spoil:
    """No such file."""
    return lambda here: (here / file).unlink()


def folder(file: str) -> Spoil:
    """A folder in place of a file."""

    def spoil(here: Path) -> None:
        (here / file).unlink()
        (here / file).mkdir()

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """One damage after the other."""
    return lambda here: [spoil(here) for spoil in spoils]
