"""What the simulated models want, how they choose, and what they say about it.

A model chooses A with probability logistic(intercept + sum of slope x (A - B) / range). A base
model has native slopes in every context. Training on choices puts others into the contexts of the
training file; training on reports makes the model's reports follow its slopes more closely, also
elsewhere. A report mixes the weights with an unrelated signal and adds noise.

Scales: slopes are log-odds per range of an attribute; weights are slopes divided by a context's
largest absolute one, times 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from data_collection.participant.draws import normals, uniform, uniforms
from data_collection.participant.reading import Context, Prompt

Values = tuple[float, ...]

# Median over contexts of the largest absolute slope, its spread (sd of the logarithm), and the sd
# of the intercept: as in the paper's fits.
_NATIVE_SIZE: Final = 5.5
_LEARNED_SIZE: Final = 10.0
_SIZE_SD: Final = 0.25
_INTERCEPT_SD: Final = 0.4


@dataclass(frozen=True)
class Weights:
    """What decides a model's choices in one context.

    Attributes
    ----------
    scaled : tuple of float
        +-100 scale.
    slopes : tuple of float
        Log-odds of A per range of an attribute.
    intercept : float
        Log-odds of A between equal options.
    """

    scaled: Values
    slopes: Values
    intercept: float


@dataclass(frozen=True)
class Insight:
    """How a model's reports follow its weights.

    Attributes
    ----------
    stage : str
        What the model was trained on last.
    correlation : float
        Share of the weights in an expected report, as the cosine of an angle: close to the
        correlation over contexts and attributes.
    spread : float
        Standard deviation of expected reports before they are held within -100 to 100.
    noise : float
        Standard deviation of one report around its expectation, likewise.
    """

    stage: str
    correlation: float
    spread: float
    noise: float


# Near the paper's: untrained models say little, introspection training helps.
UNTRAINED: Final = Insight("untrained", 0.43, spread=15, noise=15)
TRAINED_ON_CHOICES: Final = Insight("choices", 0.48, spread=35, noise=35)
TRAINED_ON_REPORTS: Final = Insight("reports", 0.78, spread=60, noise=35)


@dataclass(frozen=True)
class Mind:
    """One model.

    Attributes
    ----------
    seed : int
        Of the server.
    base : str
        The base model, on which native weights depend.
    widths : mapping of Context to tuple of float
        Range (largest less smallest value) of each attribute, by context without role.
    insight : Insight
    learned : mapping of Context to Weights
        What training put in the place of native weights.
    told : mapping of Context to tuple of float
        Reports that training gave as examples.
    known : dict of Context to Weights
        Native weights that were drawn before: only saves time.
    """

    seed: int
    base: str
    widths: Mapping[Context, Values]
    insight: Insight = UNTRAINED
    learned: Mapping[Context, Weights] = field(default_factory=dict)
    told: Mapping[Context, Values] = field(default_factory=dict)
    known: dict[Context, Weights] = field(default_factory=dict, repr=False, compare=False)

    def weights(self, context: Context) -> Weights:
        """The weights behind the choices in a context."""
        found = self.learned.get(context) or self.known.get(context)
        if found is None:
            found = self.known[context] = self._native(context)
        return found

    def probability_of_a(self, prompt: Prompt) -> float:
        """Probability of choosing A."""
        weights = self.weights(prompt.context)
        widths = self.widths.get(prompt.context.without_role) or _apparent_widths(prompt)
        log_odds = weights.intercept
        for slope, a, b, width in zip(weights.slopes, prompt.a, prompt.b, widths, strict=True):
            log_odds += slope * (a - b) / width
        # Beyond 40 the probability is 1 to every digit, and exp would overflow far beyond.
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, log_odds))))

    def report_centre(self, context: Context) -> Values:
        """Where reports lie before noise is added, +-100 scale but not held within it."""
        if context in self.told:
            return self.told[context]
        scaled = self.weights(context).scaled
        count = len(scaled)
        unrelated = scaled_to_largest(
            [200 * u - 100 for u in uniforms(count, self._name(context), self.insight.stage)]
        )
        cosine = self.insight.correlation
        sine = math.sqrt(1 - cosine**2)
        # Standard deviation of values uniform within +-1 of which one was made +-1.
        sd = 100 * math.sqrt(1 / count + (count - 1) / count / 3)
        return tuple(
            self.insight.spread * (cosine * weight + sine * other) / sd
            for weight, other in zip(scaled, unrelated, strict=True)
        )

    def expected_report(self, context: Context) -> Values:
        """Mean of an endless series of valid reports."""
        noise = self.insight.noise
        return tuple(_mean_within_100(centre, noise) for centre in self.report_centre(context))

    def report(self, context: Context, *words: object) -> tuple[int, ...]:
        """One report; `words` tell it from others."""
        centre = self.report_centre(context)
        noise = normals(len(centre), self._name(context), "report", *words)
        return tuple(
            round(max(-100.0, min(100.0, mean + self.insight.noise * z)))
            for mean, z in zip(centre, noise, strict=True)
        )

    def learn(self, context: Context, direction: Values, seed: int) -> Weights:
        """Weights that training towards `direction` (any scale) leaves: not quite the same ones.

        Parameters
        ----------
        context : Context
        direction : tuple of float
        seed : int
            Of the training.
        """
        aim = scaled_to_largest(direction)
        errors = normals(len(aim), self._name(context), "learning", seed)
        # An error of 35 points leaves a correlation of about .9 with what was to be learned.
        scaled = scaled_to_largest([w + 35 * e for w, e in zip(aim, errors, strict=True)])
        return self._sized(context, scaled, _LEARNED_SIZE, "learned")

    def _native(self, context: Context) -> Weights:
        drawn = uniforms(len(context.names), self._name(context), "native")
        scaled = scaled_to_largest([200 * u - 100 for u in drawn])
        return self._sized(context, scaled, _NATIVE_SIZE, "native size")

    def _sized(self, context: Context, scaled: Values, median: float, what: str) -> Weights:
        size, intercept = normals(2, self._name(context), what)
        largest = median * math.exp(_SIZE_SD * size)
        slopes = tuple(weight / 100 * largest for weight in scaled)
        return Weights(scaled, slopes, _INTERCEPT_SD * intercept)

    def _name(self, context: Context) -> str:
        return "\x1f".join((str(self.seed), self.base, context.question, *context.names))


def scaled_to_largest(values: Values | list[float]) -> Values:
    """Values divided by the largest absolute one, times 100."""
    largest = max(abs(value) for value in values) or 1.0
    return tuple(100.0 * value / largest for value in values)


def chosen(mind: Mind, prompt: Prompt, *words: object) -> tuple[str, float]:
    """The option chosen and the probability that it had.

    Parameters
    ----------
    mind : Mind
    prompt : Prompt
    words : object
        Tell this choice from others.
    """
    probability = mind.probability_of_a(prompt)
    if uniform(mind.seed, "choice", *words) < probability:
        return "A", probability
    return "B", 1 - probability


def _apparent_widths(prompt: Prompt) -> Values:
    """Ranges for a context that was never described: the larger of the two values."""
    return tuple(max(abs(a), abs(b)) or 1.0 for a, b in zip(prompt.a, prompt.b, strict=True))


def _mean_within_100(centre: float, noise: float) -> float:
    """Mean of a normal number that is moved to -100 or 100 where it lies beyond."""
    low, high = (-100 - centre) / noise, (100 - centre) / noise
    below = math.erfc(-low / math.sqrt(2)) / 2
    above = math.erfc(high / math.sqrt(2)) / 2
    density = (math.exp(-low * low / 2) - math.exp(-high * high / 2)) / math.sqrt(2 * math.pi)
    return 100 * (above - below) + centre * (1 - below - above) + noise * density
