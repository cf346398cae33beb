"""What Matplotlib's SVG needs before it can stand in a page, or be kept in a repository.

Knows markup only, nothing of what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

POINTS: Final = 72
# On a page an inch of a drawing is this wide: its type is then about as large as the page's notes.
REM: Final = 7.7


def compacted(drawing: str, name: str) -> str:
    """Shorten what Matplotlib writes for a figure of thousands of points, to about a third.

    Ids become short and begin with `name`, so that several drawings can stand in one page; the
    points of a panel share one style and are placed to a tenth of a typographic point.
    """
    body = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    body = re.sub(r"\n[ \n]+", "\n", body)
    referred = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    short = {long: f"{name}-{place}" for place, long in enumerate(referred)}
    body = re.sub(
        r' id="([^"]+)"',
        lambda found: f' id="{short[found[1]]}"' if found[1] in short else "",
        body,
    )
    body = re.sub(r'(href="#|url\(#)([^")]+)', lambda found: found[1] + short[found[2]], body)
    point = r'\s*<use [^>]*style="'
    return re.sub(
        rf'<g (clip-path="[^"]+")>({point}([^"]*)"/>(?:{point}\3"/>)+)',
        lambda found: f'<g {found[1]} style="{found[3]}">{_placed(found[2])}',
        body,
    )


def themed(drawing: str, variables: Mapping[str, str]) -> str:
    """Make a drawing part of a page: its size at most so many rem, its colours CSS variables.

    Parameters
    ----------
    drawing : str
        An SVG document.
    variables : mapping of str to str
        The name of the variable that stands for each colour.
    """
    body = drawing[drawing.index("<svg") :]
    body = re.sub(
        r'width="([\d.]+)pt" height="[\d.]+pt"',
        lambda found: f'style="--drawn: {float(found[1]) / POINTS * REM:.1f}rem"',
        body,
        count=1,
    )
    for colour, variable in variables.items():
        body = body.replace(f": {colour}", f": var({variable})")
    return body


def _placed(points: str) -> str:
    return re.sub(
        r'<use xlink:href="([^"]+)" x="([\d.]+)" y="([\d.]+)" style="[^"]*"/>',
        lambda found: (
            f'<use xlink:href="{found[1]}" x="{float(found[2]):.1f}" y="{float(found[3]):.1f}"/>'
        ),
        points,
    )
