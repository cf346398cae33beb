"""The No-U-Turn sampler for many chains at once, none waiting for another.

The algorithm is that of Hoffman & Gelman (2014) with states chosen by multinomial weights
(Betancourt 2017, arXiv:1701.02434, appendix A) and with trees grown leaf by leaf (Phan, Pradhan
& Jankowiak 2019, arXiv:1912.11554, appendix A). Trees differ in size, and chains that advance
together would wait for the largest at every draw. Here the unit of work is one leapfrog step:
every chain takes one at each turn of a single loop, wherever in its tree it is, and a chain that
has completed a trajectory begins the next while others are still in theirs.

The mass matrix is the identity. Knows nothing of models and datasets: a lane is one chain on one
potential, and lanes never see each other. The lane is the last axis of every array; arrays of
shape (parameter, lane) are called vectors here, arrays of shape (lane,) scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from selfinterp_stats.inference.engines.lane_random import standard_normal, uniform
from selfinterp_stats.inference.engines.step_size import TARGET_ACCEPTANCE, StepSize, adapted, first

if TYPE_CHECKING:
    import jax

    Array = jax.Array
    Potential = Callable[[Array], tuple[Array, Array]]

# Trajectories that adapt the step size.
WARMUP = 100
# 255 steps: enough to carry a chain along the tails of posteriors that are far from normal.
MAX_TREE_DEPTH = 8
DIVERGENT = 1000.0


class Point(NamedTuple):
    """A position, the slope of the potential there (vectors) and the potential (scalar)."""

    z: Array
    slope: Array
    potential: Array


class End(NamedTuple):
    """From where a trajectory can be continued; vectors."""

    z: Array
    slope: Array
    momentum: Array


class Tree(NamedTuple):
    """What is kept of the states of a trajectory.

    Attributes
    ----------
    choice : Point
        One of the states, chosen by their weights exp(first energy - energy).
    energy : scalar
        Total energy of the chosen state.
    log_weight : scalar
        Log of the sum of the weights.
    momentum : vector
        Sum of the momenta.
    """

    choice: Point
    energy: Array
    log_weight: Array
    momentum: Array


class Lanes(NamedTuple):
    """All that a chain carries from one leapfrog step to the next.

    Attributes
    ----------
    frontier : End
        Where the next step starts.
    direction : scalar
        Of the next step in time, 1 or -1.
    new : Tree
        The half of the next doubling that is being built.
    size : scalar
        Its number of states.
    marks, sums : (level, parameter, lane) array
        Momentum at the first state of a part of `new` that is not complete, for parts of 2, 4,
        8, ... states, and the sum of the momenta from the start of `new` to there.
    whole : Tree
        What has been built before.
    left, right : End
        Of `whole`.
    depth : scalar
        Doublings of `whole`.
    first_energy : scalar
        Total energy where the trajectory began.
    acceptance : scalar
        Sum of the steps' probabilities to be accepted.
    steps : scalar
        Leapfrog steps of the trajectory.
    completed : scalar
        Trajectories.
    step_size : StepSize
    """

    frontier: End
    direction: Array
    new: Tree
    size: Array
    marks: Array
    sums: Array
    whole: Tree
    left: End
    right: End
    depth: Array
    first_energy: Array
    acceptance: Array
    steps: Array
    completed: Array
    step_size: StepSize


def sample(
    potential: Potential,
    keys: Array,
    start: Array,
    *,
    draws: int,
    thinning: int = 1,
    target: Array | float = TARGET_ACCEPTANCE,
) -> tuple[Array, dict[str, Array]]:
    """Draw from exp(-potential).

    Parameters
    ----------
    potential : callable
        ``z -> (potential, slope)``: (parameter, lane) to (lane,) and (parameter, lane).
    keys : (2, lane) uint32 array
        Random keys; a lane's draws depend on its own alone.
    start : (parameter, lane) array
        Where the lanes begin; its dtype is that of all computations.
    draws : int
        Per lane, after `WARMUP` trajectories that are dropped.
    thinning : int
        Every how many-th trajectory gives a draw (and its statistics).
    target : (lane,) array or float
        Acceptance that each lane's step size is adapted to.

    Returns
    -------
    z : (lane, draw, parameter) array
    statistics : dict of str to (lane, draw) array
        ``energy``, ``n_steps``, ``acceptance_rate``, ``diverging``, ``reached_max_treedepth``.
    """
    import jax
    import jax.numpy as jnp

    size, lanes = start.shape

    def unfinished(carried: Any) -> Array:
        return (carried[0].completed < WARMUP + draws * thinning).any()

    def turn(carried: Any) -> Any:
        state, record, count = carried
        random = uniform(keys, count, size + 3, start.dtype)
        state, ended, drawn = _advance(state, potential, random, target)
        # A lane writes where its own count says; before the first draw and past the last, nowhere.
        row, left_over = jnp.divmod(state.completed - WARMUP, thinning)
        written = ended & (row > 0) & (left_over == 0)
        row = jnp.where(written, row - 1, draws)
        record = record.at[jnp.arange(lanes), row].set(drawn.T, mode="drop", unique_indices=True)
        return state, record, count + 1

    record = jnp.zeros((lanes, draws, size + 5), start.dtype)
    _, record, _ = jax.lax.while_loop(unfinished, turn, (_before(start), record, jnp.uint32(0)))
    energy, steps, rate, diverging, deepest = jnp.moveaxis(record[..., size:], -1, 0)
    return record[..., :size], {
        "energy": energy,
        "n_steps": steps.astype(int),
        "acceptance_rate": rate,
        "diverging": diverging > 0,
        "reached_max_treedepth": deepest > 0,
    }


def _before(z: Array) -> Lanes:
    """The state of lanes of which nothing but the position is known.

    It is that of a trajectory whose next step, of length zero, has no energy to fall short of:
    the step finds potential and slope, ends the trajectory, and the first true one begins. So
    the potential is compiled at one place only.
    """
    import jax.numpy as jnp

    lanes, nothing = z.shape[1:], jnp.zeros_like(z)
    zero, none = jnp.zeros(lanes, z.dtype), jnp.zeros(lanes, int)
    end = End(z, nothing, nothing)
    # A lane that starts where there is no density takes the first state that has some.
    energy = zero + jnp.finfo(z.dtype).max / 2
    tree = Tree(Point(z, nothing, energy), energy, zero - jnp.inf, nothing)
    marks = jnp.zeros((MAX_TREE_DEPTH - 1, *z.shape), z.dtype)
    return Lanes(
        frontier=end,
        direction=zero,
        new=tree,
        size=none,
        marks=marks,
        sums=marks,
        whole=tree,
        left=end,
        right=end,
        depth=none,
        first_energy=energy,
        acceptance=zero,
        steps=none,
        completed=none - 1,
        step_size=first(zero),
    )


def _advance(
    state: Lanes, potential: Potential, random: Array, target: Array | float
) -> tuple[Lanes, Array, Array]:
    """Take one leapfrog step and do what follows from it.

    Returns
    -------
    state : Lanes
    ended : (lane,) array of bool
        Where the step completed a trajectory.
    drawn : (parameter + 5, lane) array
        The state it chose, and the statistics as they are laid out by `sample`.
    """
    import jax.numpy as jnp

    pick_leaf, pick_half, pick_direction = random[:3]
    frontier, point = _leapfrog(state, potential)
    energy = point.potential + _dot(frontier.momentum, frontier.momentum) / 2
    log_weight = state.first_energy - energy
    log_weight = jnp.where(jnp.isnan(log_weight), -jnp.inf, log_weight)
    diverging = log_weight < -DIVERGENT
    acceptance = state.acceptance + jnp.exp(jnp.minimum(log_weight, 0))
    steps = state.steps + 1

    leaf = Tree(point, energy, log_weight, frontier.momentum)
    # Within the new half every state has the chance that its weight gives it.
    total = jnp.logaddexp(state.new.log_weight, log_weight)
    new = _joined(state.new, leaf, jnp.log(pick_leaf) < log_weight - total, total)
    turned, marks, sums = _turned_within(state, new.momentum, frontier.momentum)
    broken = turned | diverging
    doubled = ~broken & (state.size + 1 == 1 << state.depth)

    # Between the halves the new one is favoured, which carries the chain away from its start.
    favoured = jnp.log(pick_half) < new.log_weight - state.whole.log_weight
    total = jnp.logaddexp(state.whole.log_weight, new.log_weight)
    whole = _where(doubled, _joined(state.whole, new, favoured, total), state.whole)
    right = _where(doubled & (state.direction > 0), frontier, state.right)
    left = _where(doubled & (state.direction <= 0), frontier, state.left)
    depth = state.depth + doubled
    deepest = depth == MAX_TREE_DEPTH
    turned = _turned(left.momentum, right.momentum, whole.momentum)
    ended = broken | (doubled & (deepest | turned))

    rate = acceptance / steps
    statistics = [whole.energy, steps, rate, diverging, deepest]
    drawn = jnp.stack([*whole.choice.z, *(one.astype(energy.dtype) for one in statistics)])

    # The next trajectory starts from the state that was chosen, with a momentum of its own.
    momentum = standard_normal(random[3:])
    start = End(whole.choice.z, whole.choice.slope, momentum)
    first_energy = whole.choice.potential + _dot(momentum, momentum) / 2
    started = Tree(whole.choice, first_energy, jnp.zeros_like(energy), momentum)
    halted = ended | doubled
    direction = jnp.where(halted, jnp.where(pick_direction < 0.5, -1.0, 1.0), state.direction)
    left, right = _where(ended, (start, start), (left, right))
    frontier = _where(halted, _where(direction > 0, right, left), frontier)
    advanced = Lanes(
        frontier=frontier,
        direction=direction.astype(energy.dtype),
        new=new._replace(
            log_weight=jnp.where(halted, -jnp.inf, new.log_weight),
            momentum=jnp.where(halted, 0, new.momentum),
        ),
        size=jnp.where(halted, 0, state.size + 1),
        marks=marks,
        sums=sums,
        whole=_where(ended, started, whole),
        left=left,
        right=right,
        depth=jnp.where(ended, 0, depth),
        first_energy=jnp.where(ended, first_energy, state.first_energy),
        acceptance=jnp.where(ended, 0, acceptance),
        steps=jnp.where(ended, 0, steps),
        completed=state.completed + ended,
        step_size=adapted(state.step_size, state.completed, ended, rate, WARMUP, target),
    )
    return advanced, ended, drawn


def _leapfrog(state: Lanes, potential: Potential) -> tuple[End, Point]:
    import jax.numpy as jnp

    step = jnp.exp(state.step_size.log_step) * state.direction
    halfway = state.frontier.momentum - step / 2 * state.frontier.slope
    z = state.frontier.z + step * halfway
    energy, slope = potential(z)
    return End(z, slope, halfway - step / 2 * slope), Point(z, slope, energy)


def _joined(first: Tree, second: Tree, take_second: Array, log_weight: Array) -> Tree:
    choice, energy = _where(
        take_second, (second.choice, second.energy), (first.choice, first.energy)
    )
    return Tree(choice, energy, log_weight, first.momentum + second.momentum)


def _turned(first: Array, last: Array, total: Array) -> Array:
    """Whether a trajectory with these momenta at its ends and in sum would come back.

    The ends count half: the trapezoidal rule for the distance travelled.
    """
    travelled = total - (first + last) / 2
    return (_dot(travelled, first) <= 0) | (_dot(travelled, last) <= 0)


def _turned_within(state: Lanes, total: Array, last: Array) -> tuple[Array, Array, Array]:
    """Whether a balanced part of the new half that ends with its newest state made a U-turn.

    A state at an odd place ends one such part for every 1 at the end of its place's binary form.
    A state at an even place begins parts; it is kept on the level that equals the number of its
    other 1s, and one level is never needed by two at a time.

    Returns
    -------
    (turned, marks, sums)
    """
    import jax
    import jax.numpy as jnp

    place = state.size
    top = jax.lax.population_count(place >> 1)
    ends = jax.lax.population_count(place ^ (place + 1)) - 1
    level = jnp.arange(len(state.marks))[:, None]
    begins = ((level == top) & (place % 2 == 0))[:, None]
    marks = jnp.where(begins, last, state.marks)
    sums = jnp.where(begins, total, state.sums)
    turned = _turned(marks, last, total - sums + marks)
    return (turned & (level <= top) & (level > top - ends)).any(axis=0), marks, sums


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-2)


def _where(condition: Array, yes: Any, no: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
