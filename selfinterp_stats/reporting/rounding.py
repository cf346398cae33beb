"""How many digits a figure deserves, and how it is written for a reader.

The rule: a figure is written with the last decimal of which one unit is still larger than the
figure's own Monte Carlo standard error, three at the most. A posterior mean with an error of .011
gets one decimal, a slope's median with .0002 gets three. An exact figure gets three. A second run
with another seed then changes the last digit by one now and then, and the digit before it hardly
ever.

Cells are plain text with typographic signs (a real minus); `layout` knows how to say them in
Markdown, LaTeX and HTML.
"""

from __future__ import annotations

import math

MOST_DECIMALS = 3
MINUS = "\N{MINUS SIGN}"


def supported_decimals(mcse: float, *, most: int = MOST_DECIMALS) -> int:
    """Give the number of decimals that a Monte Carlo standard error supports.

    Parameters
    ----------
    mcse : float
        Monte Carlo standard error of the very figure that is to be written; 0 or NaN for a
        figure without one.
    most : int
        Upper bound.

    Returns
    -------
    int
        ``floor(-log10(mcse))``, held between 0 and `most`.
    """
    if not math.isfinite(mcse) or mcse <= 0:
        return most
    # The small addend keeps an error of exactly .01 at two decimals in binary arithmetic.
    return min(most, max(0, math.floor(-math.log10(mcse) + 1e-9)))


def quantile_mcse(sd: float, ess: float, prob: float) -> float:
    """Give the Monte Carlo error of the ends of an interval, taking the posterior as normal.

    The standard error of the sample quantile at ``p = (1 - prob) / 2``:
    ``sqrt(p (1 - p) / ess) / density(p)``.
    """
    from statistics import NormalDist

    if not (math.isfinite(sd) and math.isfinite(ess)) or ess <= 0:
        return math.nan
    tail = (1 - prob) / 2
    unit = NormalDist()
    return sd * math.sqrt(tail * (1 - tail) / ess) / unit.pdf(unit.inv_cdf(tail))


def share_mcse(share: float, ess: float) -> float:
    """Give the Monte Carlo error of a share of draws; ``1 / ess`` where all or none are in it."""
    if not (math.isfinite(share) and math.isfinite(ess)) or ess <= 0:
        return math.nan
    return math.sqrt(max(share * (1 - share), 1 / ess) / ess)


def written(value: float, decimals: int = MOST_DECIMALS) -> str:
    """Write a figure with so many decimals; nothing where there is none."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}∞"
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        return text.lstrip("-")
    return text.replace("-", MINUS)


def whole(value: float) -> str:
    """Write a whole number, thousands apart; nothing where there is none."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return written(value)
    return f"{round(value):,}".replace("-", MINUS)


def interval(
    low: float, high: float, low_mcse: float = math.nan, high_mcse: float = math.nan
) -> str:
    """Write an interval, both ends with the decimals that the less certain one supports."""
    if math.isnan(low) or math.isnan(high):
        return ""
    decimals = min(supported_decimals(low_mcse), supported_decimals(high_mcse))
    return f"[{written(low, decimals)}, {written(high, decimals)}]"


def share(value: float, ess: float = math.nan) -> str:
    """Write a share of draws; one that no draw contradicts is "> .999", not 1."""
    if value is None or math.isnan(value):
        return ""
    decimals = max(1, supported_decimals(share_mcse(value, ess)))
    nearly = 1 - 10**-decimals
    if value > nearly:
        return f"> {written(nearly, decimals)}"
    if value < 10**-decimals:
        return f"< {written(10**-decimals, decimals)}"
    return written(value, decimals)


def percent(prob: float) -> str:
    """Write a probability as a percentage without needless decimals: .95 as 95%."""
    return f"{round(100 * prob, 6):g}%"


def region(rope: tuple[float, float]) -> str:
    """Write the region of practical equivalence as it was asked for."""
    return "[" + ", ".join(f"{end:g}".replace("-", MINUS) for end in rope) + "]"
