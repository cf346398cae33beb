"""What training on a file may cost: a range, since only the service knows its tokens and epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from data_collection.finetuning.training_file import TrainingFile
from data_collection.money import Prices
from data_collection.tokens import text_tokens

# US dollars per million trained tokens, as OpenAI charged for the paper's two base models in 2025.
PRICES: Final = {"gpt-4o-2024-08-06": 25.0, "gpt-4o-mini-2024-07-18": 3.0}

# The service's own choice of epochs gives every training run about this many examples.
_USUAL_EPOCHS: Final = 3
_FEW_EXAMPLES: Final = 100
_MANY_EXAMPLES: Final = 25_000
_MOST_EPOCHS: Final = 25


@dataclass(frozen=True)
class Estimate:
    """A range of tokens, and of dollars where a price is known.

    Attributes
    ----------
    epochs : int
    tokens : (int, int)
        Trained tokens: those of the file times the epochs.
    usd : (float, float) or None
    """

    epochs: int
    tokens: tuple[int, int]
    usd: tuple[float, float] | None


def estimate(
    file: TrainingFile,
    model: str,
    *,
    epochs: int | None = None,
    usd_per_million: float | None = None,
) -> Estimate:
    """The range of what a job may cost.

    Parameters
    ----------
    file : TrainingFile
    model : str
    epochs : int, optional
        About as many as OpenAI would choose unless given.
    usd_per_million : float, optional
        Price of a million trained tokens; of the paper's base models it is known.
    """
    rounds = epochs or _epochs(file.examples)
    low, high = text_tokens(file.text).times(rounds)
    base = model.split(":")[1] if model.startswith("ft:") and ":" in model[3:] else model
    price = PRICES.get(base) if usd_per_million is None else usd_per_million
    usd = None
    if price is not None:
        prices = Prices(prompt=price, completion=0.0)  # a trained token is one that was sent
        usd = (prices.cost(low, 0), prices.cost(high, 0))
    return Estimate(rounds, (low, high), usd)


def _epochs(examples: int) -> int:
    if examples * _USUAL_EPOCHS < _FEW_EXAMPLES:
        return min(_MOST_EPOCHS, _FEW_EXAMPLES // examples)
    if examples * _USUAL_EPOCHS > _MANY_EXAMPLES:
        return max(1, _MANY_EXAMPLES // examples)
    return _USUAL_EPOCHS
