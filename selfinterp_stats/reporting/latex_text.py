r"""Any text as LaTeX that compiles: escaped, with commands for signs that pdfLaTeX lacks.

What comes out is ASCII, and the same in pdfLaTeX, XeLaTeX and LuaLaTeX whatever the encoding of
fonts and files is.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"$\sim$",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "[": "{[}",  # a bracket that opens a row would be read as the argument of \\
    "*": "{*}",  # and so would a star
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{INFINITY}": r"$\infty$",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{HYPHEN}": "-",
    "\N{NON-BREAKING HYPHEN}": r"\mbox{-}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
    "\N{NO-BREAK SPACE}": "~",
    "\N{EURO SIGN}": "EUR",
    "\N{LATIN SMALL LETTER SHARP S}": r"\ss{}",
    "\N{LATIN SMALL LETTER AE}": r"\ae{}",
    "\N{LATIN CAPITAL LETTER AE}": r"\AE{}",
    "\N{LATIN SMALL LIGATURE OE}": r"\oe{}",
    "\N{LATIN CAPITAL LIGATURE OE}": r"\OE{}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"\o{}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"\O{}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"\l{}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"\L{}",
    "\N{LATIN SMALL LETTER DOTLESS I}": r"\i{}",
    "\N{MICRO SIGN}": r"$\mu$",
}

_ACCENTS: Final = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H",
    "\N{COMBINING CARON}": "v",
    "\N{COMBINING DOT BELOW}": "d",
    "\N{COMBINING CEDILLA}": "c",
}

_GREEK_NAMES: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK: Final = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK_NAMES.split(), strict=True))

# Widths of letters in 7-point Computer Modern, in points, by how wide they look.
_NARROW: Final = frozenset("ijlftIr.,;:'`!|()[]/ \N{RIGHT SINGLE QUOTATION MARK}")
_WIDE: Final = frozenset("mwMW%&@\N{MINUS SIGN}\N{PLUS-MINUS SIGN}\N{MULTIPLICATION SIGN}<>=+~^")
_WIDTHS: Final = {"narrow": 2.8, "plain": 4.1, "capital": 5.6, "wide": 6.4}


def escape_latex(text: str) -> str:
    """Escape what LaTeX would take for a command; signs become math where they need it.

    A letter that pdfLaTeX's standard fonts do not have is told by its code point.
    """
    single = re.sub(r"[ \t\r\n]+", " ", unicodedata.normalize("NFC", text))
    return "".join(map(_letter, single))


def breakable(text: str) -> str:
    """The same, where lines may also be broken after an underscore or a slash."""
    return re.sub(r"(\\_|/)(?=[^\s])", r"\1\\allowbreak{}", escape_latex(text))


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter.isascii():
        return letter if letter.isprintable() else ""
    if letter in _GREEK:
        return rf"$\{_GREEK[letter]}$"
    apart = unicodedata.normalize("NFD", letter)
    base, mark = apart[0], apart[1:]
    if base.isascii() and base.isalpha() and mark in _ACCENTS:
        return rf"\{_ACCENTS[mark]}{{{base}}}"
    compatible = unicodedata.normalize("NFKC", letter)
    if compatible.isascii() and compatible.isprintable():
        return "".join(map(_letter, compatible))
    return f"(U+{ord(letter):04X})" if letter.isprintable() else ""


def points_wide(text: str) -> float:
    r"""Estimate how wide a text is in ``\scriptsize`` of the standard classes, in points."""
    return sum(map(_points, text))


def _points(letter: str) -> float:
    if letter in _NARROW:
        return _WIDTHS["narrow"]
    if letter in _WIDE:
        return _WIDTHS["wide"]
    if letter.isupper():
        return _WIDTHS["capital"]
    if letter.isascii() or letter in _SPECIAL or letter in _GREEK:
        return _WIDTHS["plain"]
    # What stands for a letter may be its code point.
    return _WIDTHS["plain"] * (1 if len(_letter(letter)) < 8 else 8)
