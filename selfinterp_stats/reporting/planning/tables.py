"""The tables of `selfinterp plan`, for readers."""

from __future__ import annotations

from typing import Final

from selfinterp_stats.estimates.planning import Plan
from selfinterp_stats.reporting import cells, layout, rounding

FIRST: Final = ("scenarios", "attributes", "trials", "reports", "correlation", "cost", "hdi_width")
_SIZES: Final = ("scenarios", "attributes", "trials", "reports")
_HALVES: Final = (
    "The latent correlation is that of half of the choices with half of the reports, divided by "
    "the root of how far halves agree; choice noise is told from how often choices go as fitted "
    "weights say, report noise from repeated reports. What is found is the slope of the paper’s "
    "regression of all data, which enters no prediction."
)


def _assumed(row: cells.Row) -> str:
    noise = f"choice noise {row['choice_noise']:.3g}, report noise {row['report_noise']:.3g}"
    given = f"latent correlation {rounding.written(row['correlation'], 2)}, {noise}"
    return given if row["assumed"] == "as given" else f"{row['assumed']}: {given}"


def _cost(value: float) -> str:
    if value != value or value == round(value):  # noqa: PLR0124 - not a number
        return rounding.whole(value)
    return rounding.written(value, 2)


def _header(found: Plan) -> tuple[str, ...]:
    prob = rounding.percent(found.settings.hdi_prob)
    low, high = found.wanted.rope
    region = "0" if low == high == 0 else rounding.region((low, high))
    return (
        "scenarios",
        "attributes",
        "trials",
        "reports",
        "calls",
        "cost",
        "r found\non average",
        "share of\nlatent r",
        f"{prob} HDI\nwidth",
        f"P(HDI\nexcludes {region})",
        "sd between\nstudies",
    )


def _cells(row: cells.Row) -> tuple[str, ...]:
    sizes = tuple(rounding.whole(cells.figure(row, name)) for name in (*_SIZES, "calls"))
    return (
        *sizes,
        _cost(cells.figure(row, "cost")),
        rounding.written(cells.figure(row, "attenuated_r")),
        rounding.written(cells.figure(row, "retained"), 2),
        rounding.written(cells.figure(row, "hdi_width")),
        rounding.share(cells.figure(row, "p_excludes"), 1000),
        rounding.written(cells.figure(row, "between_studies")),
    )


def designs_table(found: Plan) -> layout.ReadingTable:
    """Give every design, by what is assumed."""
    return layout.ReadingTable(
        "plan",
        "What each design would find, and what it costs",
        "assumed",
        _header(found),
        "r" * 11,
        [(_assumed(row), _cells(row)) for row in found.table.to_dict("records")],
        (_note(found),),
    )


def cheapest_table(found: Plan) -> layout.ReadingTable:
    """Give the cheapest design that reaches what is wanted."""
    wanted = found.wanted
    words = f"an HDI of width {wanted.width:g} or less"
    if wanted.retained:
        words += f" that keeps {rounding.percent(wanted.retained)} of the latent correlation"
    if wanted.probability:
        words += f" that excludes the ROPE with a probability of {wanted.probability:g} or more"
    missing = ("no design of the grid", *[""] * 10)
    return layout.ReadingTable(
        "plan_cheapest",
        f"The cheapest design with {words}",
        "assumed",
        _header(found),
        "l" + "r" * 10,
        [
            (
                _assumed(row),
                missing if cells.text(row["scenarios"]) == "" else _cells(row),
            )
            for row in found.cheapest.to_dict("records")
        ],
        (_note(found),),
    )


def own_table(found: Plan) -> layout.ReadingTable:
    """Give what was predicted of a study's own design beside what its data give."""
    prob = rounding.percent(found.settings.hdi_prob)

    def apart(row: cells.Row, name: str) -> str:
        predicted = cells.figure(row, f"predicted_{name}")
        seen = cells.figure(row, f"found_{name}")
        return f"{100 * (predicted / seen - 1):+.1f}%".replace("-", rounding.MINUS)

    return layout.ReadingTable(
        "plan_own",
        "The study’s own design: predicted and found",
        "base model · set",
        (
            "condition",
            "latent r",
            "choice\nnoise",
            "report\nnoise",
            "reliability of\nhalf the choices",
            "of half the\nreports",
            "r,\npredicted",
            "r,\nfound",
            "apart",
            f"{prob} HDI width,\npredicted",
            "width,\nfound",
            "apart",
        ),
        "l" + "r" * 11,
        [
            (
                f"{row['base_model']} · {row['set']}",
                (
                    str(row["condition"]),
                    rounding.written(row["correlation"], 3),
                    rounding.written(row["choice_noise"], 3),
                    rounding.written(row["report_noise"], 1),
                    rounding.written(row["weight_reliability"], 3),
                    rounding.written(row["report_reliability"], 3),
                    rounding.written(row["predicted_r"]),
                    rounding.written(cells.figure(row, "found_r")),
                    apart(row, "r"),
                    rounding.written(row["predicted_width"]),
                    rounding.written(cells.figure(row, "found_width")),
                    apart(row, "width"),
                ),
            )
            for row in found.own.to_dict("records")
        ],
        (_HALVES,),
    )


def _note(found: Plan) -> str:
    wanted = found.wanted
    costs = (wanted.cost_per_choice, wanted.cost_per_report)
    priced = "calls are counted" if costs == (1, 1) else f"{costs[0]:g} and {costs[1]:g}"
    return (
        "Of one report set of one base model. Averages over 1,000 studies drawn from a pool of "
        "4,000 simulated scenarios; the HDI is that of the paper’s regression. It is an interval "
        "for the correlation that such studies find, which noise brings nearer to zero than the "
        f"latent one: few trials narrow an HDI cheaply, around less. Cost per choice and per "
        f"report: {priced}."
    )
