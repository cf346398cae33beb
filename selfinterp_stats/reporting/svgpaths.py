"""The outlines of an SVG in few letters: hundredths of a point, steps from where the pen is.

Matplotlib writes millionths and absolute places. A drawing of some thousand strokes is a third as
large without, and no eye sees the difference.
"""

from __future__ import annotations

import re
from typing import Final

_HUNDREDTHS: Final = 100
_COMMAND: Final = re.compile(r"([MLQCz])([^MLQCz]*)")


def shortened_paths(drawing: str) -> str:
    """Shorten every outline of an SVG as Matplotlib writes it.

    Parameters
    ----------
    drawing : str
        An SVG document.

    Returns
    -------
    str
        The same drawing to a hundredth of its unit, which is a typographic point.
    """
    return re.sub(r' d="([^"]*)"', lambda found: f' d="{shortened(found[1])}"', drawing)


def shortened(outline: str) -> str:
    """Shorten one outline.

    Each place is rounded before steps are taken from it, so that rounding does not add up.

    Parameters
    ----------
    outline : str
        Commands ``M``, ``L``, ``Q``, ``C`` and ``z``, with absolute places.
    """
    pen = begun = (0, 0)
    written = []
    for letter, numbers in _COMMAND.findall(outline):
        if letter == "z":
            written.append("z")
            pen = begun
            continue
        flat = [round(float(number) * _HUNDREDTHS) for number in numbers.split()]
        places = list(zip(flat[::2], flat[1::2], strict=True))
        written.append(min(_ways(letter, places, pen), key=len))
        pen = places[-1]
        if letter == "M":
            begun = pen
    return "".join(written)


def _ways(letter: str, places: list[tuple[int, int]], pen: tuple[int, int]) -> list[str]:
    """Every way to write a command: in places, in steps, and a level or upright line by itself."""
    steps = [(x - pen[0], y - pen[1]) for x, y in places]
    ways = [letter + _joined(places), letter.lower() + _joined(steps)]
    if letter == "L":
        ((x, y),), ((across, down),) = places, steps
        if not across:
            ways += [f"V{_number(y)}", f"v{_number(down)}"]
        elif not down:
            ways += [f"H{_number(x)}", f"h{_number(across)}"]
    return ways


def _joined(pairs: list[tuple[int, int]]) -> str:
    """Numbers with a blank between them, but where a sign keeps them apart."""
    return " ".join(_number(number) for pair in pairs for number in pair).replace(" -", "-")


def _number(hundredths: int) -> str:
    """Write a number without zeros that say nothing: .5 for 0.50."""
    sign = "-" if hundredths < 0 else ""
    whole, rest = divmod(abs(hundredths), _HUNDREDTHS)
    decimals = f".{rest:02}".rstrip("0") if rest else ""
    return f"{sign}{whole or ('' if decimals else '0')}{decimals}"
