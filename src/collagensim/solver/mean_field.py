"""The mean-field course of a protocol: layers, each with a zone around the channels and the tissue between them.

New channels fall where chance puts them, so what a session hits is the layer's mean, and then jumps. The new zone is
what was hit, and of the old zone as much as the new one is smaller than it: an equal or larger session divides the
layer anew, a vanishing one leaves it as it was. Soluble species pass between compartments and layers at rates that
follow from diffusion and clearance (`exchange`); cells stay.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from collagensim.errors import CollagensimError, SolveError, SolveInterrupted
from collagensim.model import Model
from collagensim.solver.engine import Integers, Limits, make_engine
from collagensim.solver.resting import MEMORY, SPACE, ZONE, Resting, at_rest, one_at_rest
from collagensim.solver.status import Status
from collagensim.solver.strike import Division, Weigh, strike
from collagensim.solver.system import Bound
from collagensim.treatment import Injury

Array: TypeAlias = npt.NDArray[Any]  # of floats; complex where a parameter carries a derivative


@dataclass(frozen=True)
class Happening:
    """Something done on a day: an injury, or a change of inputs that lasts until the next."""

    day: float
    injury: Injury | None
    inputs: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Wound:
    """An injury (kept, so that its identity stays its own), what it sets by name (n_blocks,), and the share it hits."""

    injury: Injury
    rows: Mapping[str, Array]
    hit_share: Array
    layout: str


@dataclass(frozen=True, eq=False)
class Record:
    """What courses left behind; stage k of a member ends with its k-th happening.

    Attributes
    ----------
    time : (n, n_times), filled up with inf where a member has fewer.
    rows : (n, 1 + n_times, layer, compartment, m) the resting state and the states at those times; NaN where there is
        no time, and after a failure.
    stage : (n, 1 + n_times) the stage that wrote each row.
    shares : (n_stages, n, layer) the zone's share of each layer.
    inputs : of each stage, name -> (n, n_blocks).
    """

    time: Array
    rows: Array
    stage: Integers
    shares: Array
    inputs: tuple[Mapping[str, Array], ...]

    @property
    def states(self) -> Array:
        """States at the times (n, n_times, layer, compartment, m)."""
        return self.rows[:, 1:]


class _Zone(dict[str, Array]):
    """Inputs in the zone, (n, layer, 1), each laid out when it is first read."""

    def __init__(self, inputs: Mapping[str, Array]) -> None:
        super().__init__()
        self.inputs = inputs

    def __missing__(self, name: str) -> Array:
        self[name] = MeanField.blocks(self.inputs[name])[..., ZONE, None]
        return self[name]


class MeanField:
    """Courses in progress, one a member.

    Members that cannot be bound are laid aside: every array below holds the others alone, numbered in
    ``bound.numbers``; why, and what stopped others later, is told in ``bound.failures``.

    Parameters
    ----------
    model : Model
    skin : mapping or sequence of mappings
        Inputs that set the resting state, once for all members or one mapping for each.
    limits : Limits
    method : str
    drive : mapping, optional
        Inputs set after the resting state is solved, which move it (ageing).

    Attributes
    ----------
    share : (n, layer) the zone's share of each layer's volume.
    thickness : (n, layer) [mm].
    radius_um : (n,) of the zone around one channel.
    """

    def __init__(
        self,
        model: Model,
        skin: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        limits: Limits,
        method: str = "rodas5p",
        drive: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(skin, Mapping):
            rest = one_at_rest(model, skin, drive)
        else:
            rest = at_rest(model, skin, drive)
        self._start(rest, limits, method, 1)

    @classmethod
    def of(cls, rest: Resting, limits: Limits, method: str = "rodas5p", threads: int = 1) -> MeanField:
        """Start courses from members at rest, which stay as they are and may start others."""
        field = cls.__new__(cls)
        field._start(rest, limits, method, threads)
        return field

    def _start(self, rest: Resting, limits: Limits, method: str, threads: int) -> None:
        self.bound, self.rest = rest.bound.copied(), rest
        # Its own: a state of rest may be that of other courses too, and a study may try another radius.
        self.thickness, self.radius_um = rest.thickness.copy(), rest.radius_um.copy()
        self.share = np.zeros((self.bound.n, SPACE.n_layers))
        self.layout = np.full((self.bound.n, SPACE.n_layers), "random", dtype="<U8")
        self._wounds: dict[int, _Wound] = {}
        links = (rest.link_to, rest.link_from, self.link_rates())
        self.engine = make_engine(method, self.bound, links, limits, threads)

    def link_rates(self, who: Integers | slice = slice(None)) -> Array:
        """Rates (n, n_links) of the members in ``who`` [1/day]."""
        return MEMORY.rates(
            self.share[who], self.thickness[who], self.rest.diffusion[who], self.rest.decay[who],
            layouts=self.layout[who], radius_um=self.radius_um[who],
        )  # fmt: skip

    def happen(self, happenings: Mapping[int, Happening]) -> None:
        """Apply to members, given by their place, an injury or a change of inputs at their current time."""
        known, who = self.bound.model.inputs, np.array(list(happenings), dtype=np.int64)
        changes = [{name: v for name, v in h.inputs.items() if name in known} for h in happenings.values()]
        self.bound.set_inputs(changes, who)
        hurt = {
            place: wound
            for place, h in happenings.items()
            if h.injury is not None and np.any((wound := self._laid(h.injury)).hit_share > 0)
        }
        if hurt:
            struck, wounds = np.array(list(hurt), dtype=np.int64), list(hurt.values())
            hit_share = _joined([wound.hit_share for wound in wounds])
            rows = {name: _joined([w.rows[name] for w in wounds]) for name in wounds[0].rows}
            self.bound.set_rows(self._lasting(rows, struck, hit_share), struck)
            layouts = np.array([[wound.layout] for wound in wounds])
            self._strike(struck, hit_share, layouts)
        self.bound.renew(who)
        if who.size == self.bound.n:
            self.engine.restart(self.link_rates())
            return
        rate = np.zeros((self.bound.n, self.rest.link_to.size))
        rate[who] = self.link_rates(who)
        self.engine.restart(rate, np.isin(np.arange(self.bound.n), who))

    def _laid(self, injury: Injury) -> _Wound:
        """An injury as rows of inputs. Members share few injuries: each is read once."""
        if id(injury) not in self._wounds:
            given, known = injury.inputs(), self.bound.model.inputs
            rows = {
                name: SPACE.spread(v, name, known[name].place) for name, v in given.items() if name in known
            }
            hit_share = np.asarray(given["injury.zone_fraction"], dtype=np.float64)
            self._wounds[id(injury)] = _Wound(injury, rows, hit_share, injury.layout)
        return self._wounds[id(injury)]

    def _lasting(self, rows: dict[str, Array], who: Integers, hit_share: Array) -> dict[str, Array]:
        """Rows of inputs (n, n_blocks) with those of a layer that no jump reads as means over the new zone.

        They tell of the zone for as long as it lasts: what it keeps of the old one has its old value.
        """
        bound, division = self.bound, Division.of(self.share[who], hit_share)
        older = np.divide(division.stays, division.share, out=np.ones_like(hit_share), where=hit_share > 0)
        older = np.repeat(older, SPACE.n_compartments, axis=1)
        for name in rows.keys() - bound.outline.jump_inputs:
            if bound.model.inputs[name].place == "layer":
                rows[name] = (1.0 - older) * rows[name] + older * bound.rows(name)[who]
        return rows

    def _strike(self, who: Integers, hit_share: Array, layout: npt.NDArray[np.str_]) -> None:
        """Divide each layer that is hit into its new zone and the tissue between."""
        some = self.bound if who.size == self.bound.n else self.bound.only(who)
        old, before = self.share[who], self.blocks(self.engine.state[who])
        if some.dtype != np.float64:
            # Inputs of a layer hold for both its compartments: those of the zone are taken.
            in_zone = _Zone(some.inputs)
            after = strike(
                before, old, hit_share, weighing(some, in_zone),
                lambda mean: self._jumped(some, mean, in_zone, who),
            )  # fmt: skip
            share = Division.of(old, hit_share).share
        else:
            after, share, new = some.compiled.strike(before, old, hit_share, some.parameters, some.inputs)
            self._check(new, who)
        self.engine.state[who] = after.reshape(who.size, SPACE.n_blocks, -1)
        anew = (hit_share > 0) & (hit_share >= old)
        self.layout[who] = np.where(anew, layout, self.layout[who])
        self.share[who] = share

    def _jumped(self, bound: Bound, mean: Array, inputs: Mapping[str, Array], who: Integers) -> Array:
        """State (n, layer, m) of tissue that was at ``mean`` and is hit; every jump reads the old state."""
        # The formulas see a last axis of one compartment.
        found = bound.compiled.formulas.jumps(bound.parameters_for(3), inputs, mean[..., None, :])
        laid = np.empty((*mean.shape[:-1], 1, len(found)), mean.dtype)
        for k, value in enumerate(found):
            laid[..., k] = value
        new = laid[..., 0, :]
        place, on_top = bound.outline.jump_place, bound.outline.jump_on_top
        self._check(new, who)
        hit = mean.copy()
        hit[..., place] = new
        hit[:, 1:, place[on_top]] = mean[:, 1:, place[on_top]]
        return hit

    def _check(self, new: Array, who: Integers) -> None:
        """Stop the members for which a jump leads to no valid state: ``new`` is (n, layer, n_jumps)."""
        outline = self.bound.outline
        wrong = ~np.isfinite(new) | ((new.real < 0) & ~outline.signed[outline.jump_place])
        if np.any(wrong):
            self._refuse(new, wrong, who)

    def _refuse(self, new: Array, wrong: Array, who: Integers) -> None:
        """Stop the members with something ``wrong`` in what jumps made, both (n, layer, n_jumps)."""
        for place in np.flatnonzero(np.any(wrong, axis=(1, 2))):
            k = int(np.argmax(np.any(wrong[place], axis=0)))
            species, day = self.bound.model.jumps[k].species, self.engine.time[who[place]]
            message = (
                f"the session on day {day:g} would set {species.name} to {new[place, :, k].tolist()} "
                f"{species.unit}: look at its jump"
            )
            self.stop(int(who[place]), SolveError(message, Status.NOT_FINITE))

    def stop(self, place: int, error: CollagensimError, status: Status = Status.NOT_FINITE) -> None:
        """End the course of the member at a place; raise when it is the only one."""
        self.bound.fail(place, error)
        self.engine.status[place] = status

    @staticmethod
    def blocks(values: Array) -> Array:
        """View of values (n, n_blocks, ...) as (n, layer, compartment, ...)."""
        return values.reshape(-1, SPACE.n_layers, SPACE.n_compartments, *values.shape[2:])

    def run(self, until: Array, times: Array, rows: Array, sessions: Integers) -> None:
        """Integrate to ``until`` (n,); fill ``rows`` (n, n_times, n_blocks * m) at ``times``, filled up with inf.

        Rows lie as the engine's layout has them.

        ``sessions`` (n,) had so far: an error says so.
        """
        try:
            self.engine.run(until, times, rows)
        except SolveError as error:
            raise SolveError(f"after session {sessions[0]}: {error}", error.status) from None
        for place, status in enumerate(self.engine.status):
            if status is not Status.COMPLETED and int(self.bound.numbers[place]) not in self.bound.failures:
                message = f"after session {sessions[place]}: {self.engine.messages[place]}"
                self.bound.fail(place, SolveError(message, status))


def run_course(
    field: MeanField,
    happenings: Sequence[Happening] | Sequence[Sequence[Happening]],
    days: float | Array,
    times: Array | Sequence[Array],
) -> Record:
    """Run the courses of all members and return what they left behind.

    Parameters
    ----------
    field : MeanField
    happenings : of all members, or one sequence for each number
    days : length of the courses, one or (N,) by number
    times : (n_times,) when to report, or one array for each number

    Raises
    ------
    SolveError
        When the only member ends before its time; its ``finished`` is the record of the times reached.
    """
    numbers = field.bound.numbers.tolist()
    shared = not happenings or isinstance(happenings[0], Happening)
    plans = [sorted(happenings if shared else happenings[i], key=lambda h: h.day) for i in numbers]
    grids = [times if isinstance(times, np.ndarray) else times[i] for i in numbers]
    last = np.broadcast_to(np.asarray(days, dtype=np.float64), (max(numbers, default=0) + 1,))[numbers]
    n_stages = max((len(plan) for plan in plans), default=0) + 1
    ends = np.repeat(last[:, None], n_stages, axis=1)
    for row, plan in zip(ends, plans, strict=True):
        row[: len(plan)] = [happening.day for happening in plan]
    return _record(field, plans, np.maximum.accumulate(ends, axis=1), grids)


def _record(field: MeanField, plans: list[list[Happening]], ends: Array, grids: list[Array]) -> Record:
    n, n_stages = ends.shape
    time = np.full((n, max((grid.size for grid in grids), default=0)), np.inf)
    stops = np.zeros((n, n_stages), dtype=np.int64)
    for i, grid in enumerate(grids):
        time[i, : grid.size] = grid
        stops[i] = np.searchsorted(grid, ends[i], side="right")
    layout = field.engine.layout
    rows = np.empty((n, 1 + time.shape[1], layout.n), dtype=field.bound.dtype)
    rows[:, 0] = layout.place(field.bound.baseline)
    # Of several members every row up to the last stop is written; a lone one may end before: its first state tells.
    for own, stop in zip(rows, stops[:, -1], strict=True):
        own[1 + stop :] = np.nan
    if n == 1:
        rows[0, 1:, 0] = np.nan
    stage = np.zeros(rows.shape[:2], dtype=np.int64)
    shares: list[Array] = []
    inputs: list[Mapping[str, Array]] = []
    by_block = layout.blocks(rows)
    blocks = by_block.reshape(*rows.shape[:2], SPACE.n_layers, SPACE.n_compartments, by_block.shape[-1])
    sessions, starts = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    try:
        for k in range(n_stages):
            shares.append(field.share.copy())
            inputs.append(dict(field.bound.inputs))
            for i in range(n):
                stage[i, 1 + starts[i] : 1 + stops[i, k]] = k
            _fill(field, ends[:, k], time, rows[:, 1:], starts, stops[:, k], sessions)
            starts = stops[:, k]
            going = [status is Status.COMPLETED for status in field.engine.status]
            due = {i: plan[k] for i, plan in enumerate(plans) if k < len(plan) and going[i]}
            if due:
                field.happen(due)
                sessions[[i for i, happening in due.items() if happening.injury is not None]] += 1
    except (SolveError, KeyboardInterrupt) as error:
        reached = int(np.sum(np.isfinite(rows[0, :, 0])))
        finished = Record(
            time[:, : reached - 1], blocks[:, :reached], stage[:, :reached], np.array(shares), tuple(inputs)
        )
        if isinstance(error, SolveError):
            error.finished = finished
        elif n == 1:
            raise SolveInterrupted(Status.INTERRUPTED, finished) from None
        raise
    return Record(time, blocks, stage, np.array(shares), tuple(inputs))


def _fill(
    field: MeanField,
    until: Array,
    time: Array,
    states: Array,
    starts: Integers,
    stops: Integers,
    sessions: Integers,
) -> None:
    """Integrate to ``until`` and fill each member's rows from ``starts`` to ``stops``."""
    if starts.size == 1:
        here = slice(int(starts[0]), int(stops[0]))
        field.run(until, time[:, here], states[:, here], sessions)
        return
    width = int(np.max(stops - starts, initial=0))
    own = np.full((time.shape[0], width), np.inf)
    rows = np.full((*own.shape, states.shape[2]), np.nan, dtype=states.dtype)
    spans = list(zip(starts.tolist(), stops.tolist(), strict=True))
    for i, (start, stop) in enumerate(spans):
        own[i, : stop - start] = time[i, start:stop]
    field.run(until, own, rows, sessions)
    for i, (start, stop) in enumerate(spans):
        states[i, start:stop] = rows[i, : stop - start]


def weighing(bound: Bound, inputs: Mapping[str, Array]) -> dict[int, Weigh]:
    """What `blend` weighs intensive states by: position -> weights (..., part) of states (..., part, m).

    ``inputs`` are name -> (n, ..., layer, 1 or compartment), with as many axes as the states have without their last.
    """
    found: list[tuple[Array, list[Array]]] = []  # the last states and their weights

    def weigh(k: int, states: Array) -> Array:
        # All weights come from one formula, and every state is asked for those of the same states.
        if not found or found[0][0] is not states:
            parameters = bound.parameters_for(states.ndim - 1)
            found[:] = [(states, bound.compiled.formulas.weights(parameters, inputs, states))]
        return np.asarray(found[0][1][k])

    return {i: functools.partial(weigh, k) for k, i in enumerate(bound.outline.weighted)}


def _joined(rows: list[Array]) -> Array:
    """Rows of members as one array; one row for all when they are the same object."""
    first = rows[0]
    if all(row is first for row in rows):
        return first[None].repeat(len(rows), axis=0)
    return np.array(rows)
