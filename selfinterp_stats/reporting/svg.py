"""What Matplotlib's SVG needs before it can stand in a page, or be kept in a repository.

Knows markup only, nothing of what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from selfinterp_stats.reporting.svgpaths import shortened_paths

POINTS: Final = 72
# On a page an inch of a drawing is this wide: its type is then about as large as the page's notes.
REM: Final = 7.7


def compacted(drawing: str, name: str) -> str:
    """Shorten what Matplotlib writes for a figure of thousands of points, to about a third.

    Ids become short and begin with `name`, so that several drawings can stand in one page; the
    points of a panel share one style and are placed to a tenth of a typographic point, outlines
    and letters to a hundredth.
    """
    body = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    body = re.sub(r"\n[ \n]+", "\n", body).replace("<g/>\n", "")
    referred = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    short = {long: f"{name}-{place}" for place, long in enumerate(referred)}
    body = re.sub(
        r' id="([^"]+)"',
        lambda found: f' id="{short[found[1]]}"' if found[1] in short else "",
        body,
    )
    body = re.sub(r'(href="#|url\(#)([^")]+)', lambda found: found[1] + short[found[2]], body)
    body = re.sub(r'<use ([^>]*) transform="translate\(([^ )]+) ([^ )]+)\)"/>', _moved, body)
    point = r'\s*<use [^>]*style="'
    body = re.sub(
        rf'<g (clip-path="[^"]+")>({point}([^"]*)"/>(?:{point}\3"/>)+)',
        lambda found: f'<g {found[1]} style="{found[3]}">{_placed(found[2])}',
        body,
    )
    return shortened_paths(body)


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


def sharing_outlines(page: str) -> str:
    """Keep each outline once in a page of several drawings, which all draw the same letters.

    Parameters
    ----------
    page : str
        With drawings whose ids are unique in it.

    Returns
    -------
    str
        The page, where drawings refer to the outlines of the first that has them, by short ids.
    """
    shared: dict[str, str] = {}
    renamed: dict[str, str] = {}

    def once(found: re.Match[str]) -> str:
        known = found[2] in shared
        renamed[found[1]] = shared.setdefault(found[2], f"o-{len(shared)}")
        return "" if known else f'<path id="{renamed[found[1]]}" {found[2]}/>\n'

    page = re.sub(r'<path id="([^"]+)" ([^>]*)/>\n?', once, page)
    return re.sub(
        r'(<use xlink:href="#)([^"]+)',
        lambda found: found[1] + renamed.get(found[2], found[2]),
        page,
    )


def _moved(letter: re.Match[str]) -> str:
    """A letter's place in the few words that mean the same."""
    across, down = (f"{float(letter[side]):.2f}".rstrip("0").rstrip(".") for side in (2, 3))
    return f'<use {letter[1]} x="{across}"' + (f' y="{down}"/>' if down != "0" else "/>")


def _placed(points: str) -> str:
    return re.sub(
        r'<use xlink:href="([^"]+)" x="([\d.]+)" y="([\d.]+)" style="[^"]*"/>',
        lambda found: (
            f'<use xlink:href="{found[1]}" x="{float(found[2]):.1f}" y="{float(found[3]):.1f}"/>'
        ),
        points,
    )
