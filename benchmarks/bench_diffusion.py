"""Diffusion of nine soluble fields: time of a step, and what cells see of its error, against splitting by axes.

The peer is the scheme of BioFVM (locally one-dimensional: an implicit Thomas sweep along each axis, sources before
them), written here with the lanes of a register for its fields, so that only the method is compared. Its grid has no
flux in x, where ours is periodic; each is held against the exact solution of its own grid, from a cosine or Fourier
transform in float64.

Ten thousand secreting cells in clusters, at rest with their field, double their secretion at once. They move every ten
minutes. Errors are relative root mean squares at the cells, the worst of all fields: of the field, and of its gradient
by central differences.
"""

import time

import numpy as np
import pytest
from long import load_average, write
from scipy import fft

from collagensim.kernels.numbers import flat, kept
from collagensim.kernels.packs import load, store, width
from collagensim.solver.tissue.diffusion import Diffuser

SLICE, SLICE_UM = (320, 1, 192), 10.0
BLOCK, BLOCK_UM = (64, 96, 96), 20.0
N_FIELDS = 9
DIFFUSION = np.geomspace(600, 6000, N_FIELDS)  # um2/min
LOSS = 0.02 * 5 ** np.linspace(0, 1, N_FIELDS)[[4, 0, 8, 2, 6, 1, 7, 3, 5]]  # 1/min, no order between the two
N_CELLS, N_CLUSTERS, SPREAD_UM, MOVE_UM = 10_000, 100, 40.0, 10.0
LANES = 16


def cells(random, moves):
    """Voxels (n_cells, 2) in z and x of clustered cells before each of the moves."""
    size = np.array([SLICE[0], SLICE[2]]) * SLICE_UM
    centres = random.uniform(0.1, 0.9, (N_CLUSTERS, 2)) * size
    places = np.repeat(centres, N_CELLS // N_CLUSTERS, axis=0) + SPREAD_UM * random.standard_normal(
        (N_CELLS, 2)
    )
    for _ in range(moves):
        # Within the grid's inside, where the gradient needs no rule for the edge.
        yield np.clip(places / SLICE_UM, 2, np.array([SLICE[0], SLICE[2]]) - 3).astype(np.int64)
        places = places + MOVE_UM * random.standard_normal(places.shape)


def secretion(where):
    """Source (nz, nx) of one unit per minute from every cell."""
    found = np.zeros((SLICE[0], SLICE[2]))
    np.add.at(found, tuple(where.T), 1.0)
    return found


class Exact:
    """The exact course on the grid while sources stand still, (n_fields, nz, nx)."""

    def __init__(self, periodic):
        nz, nx = SLICE[0], SLICE[2]
        along_x = 2 * np.cos(np.pi * np.arange(nx) * (2 if periodic else 1) / nx) - 2
        waves = (2 * np.cos(np.pi * np.arange(nz) / nz) - 2)[:, None] + along_x
        self.rates = DIFFUSION[:, None, None] / SLICE_UM**2 * waves - LOSS[:, None, None]
        self.periodic = periodic

    def _forward(self, field):
        spread = fft.dct(field, axis=-2)
        return fft.fft(spread, axis=-1) if self.periodic else fft.dct(spread, axis=-1)

    def _back(self, waves):
        spread = fft.ifft(waves, axis=-1).real if self.periodic else fft.idct(waves, axis=-1)
        return fft.idct(spread, axis=-2)

    def steady(self, source):
        return self._back(-self._forward(source) / self.rates)

    def later(self, field, source, minutes):
        rest = -self._forward(source) / self.rates
        return self._back(rest + np.exp(self.rates * minutes) * (self._forward(field) - rest))


def errors(found, exact, where):
    """The worst field's relative errors of field and gradient at the cells."""

    def seen(fields):
        z, x = where.T
        slopes = fields[:, z + 1, x] - fields[:, z - 1, x], fields[:, z, x + 1] - fields[:, z, x - 1]
        return fields[:, z, x], np.concatenate(slopes, axis=1)

    pairs = zip(seen(np.asarray(found, dtype=np.float64)), seen(exact), strict=True)
    return [float(np.max(np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1))) for a, b in pairs]


def course(exact, advance, moves):
    """Errors after each move: ``advance(fields, source)`` takes float32 fields ten minutes onward."""
    reference = found = None
    for where in cells(np.random.default_rng(11), moves):
        source = secretion(where)
        if reference is None:
            reference = exact.steady(source)
            found = reference.astype(np.float32)
        reference = exact.later(reference, 2 * source, 10.0)
        found = advance(found, 2 * source)
        yield errors(found, reference, where)


def steps(minutes, cycles=None):
    """Steps of `Diffuser`: by waves, or by multigrid cycles."""
    diffuser = Diffuser(SLICE, SLICE_UM, 1440 * DIFFUSION, cycles=cycles)

    def advance(fields, source):
        size = (N_FIELDS, *SLICE)
        found = np.ascontiguousarray(fields.reshape(size), dtype=np.float32)
        made = np.broadcast_to((1440 * source).reshape(SLICE), size).astype(np.float32, order="C")
        lost = np.broadcast_to(1440 * LOSS[:, None, None, None], size).astype(np.float32, order="C")
        for _ in range(round(10 / minutes)):
            diffuser.step(found, made, lost, minutes / 1440)
        return found[:, :, 0]

    return advance


@kept
def sweep(field, source, forward, backward, first, n_lines, outer, n_inner, inner, at_once, has_source):
    """Solve along one axis for all fields; ``at_once`` lines side by side, so that none waits for its own last result.

    Lines begin ``outer`` voxels apart, a line's voxels ``inner``; a voxel is a pack of fields.
    """
    field_, source_, forward_, backward_ = flat(field), flat(source), flat(forward), flat(backward)
    n, off = width(field_), load(flat(first), 0)
    for begin in range(0, n_lines, at_once):
        for i in range(n_inner):
            inverse = load(forward_, i * n)
            for line in range(begin, begin + at_once):
                j = (line * outer + i * inner) * n
                here = load(field_, j)
                if has_source:
                    here = here + load(source_, j)
                if i > 0:
                    here = here + off * load(field_, j - inner * n)
                store(field_, j, here * inverse)
        for i in range(n_inner - 2, -1, -1):
            factor = load(backward_, i * n)
            for line in range(begin, begin + at_once):
                j = (line * outer + i * inner) * n
                store(field_, j, load(field_, j) + factor * load(field_, j + inner * n))


class Splitting:
    """The peer; its fields are (nz, nx, 16) float32, all lanes of a register in use."""

    def __init__(self, minutes):
        self.minutes = minutes
        rates = np.resize(DIFFUSION, LANES) * minutes / SLICE_UM**2
        losses = np.resize(LOSS, LANES) * minutes
        self.off = rates.astype(np.float32)
        self.factors = [self._factors(n, rates, losses) for n in (SLICE[2], SLICE[0])]

    @staticmethod
    def _factors(n, rates, losses):
        inverse, share = np.zeros((n, LANES)), np.zeros(LANES)
        for i in range(n):
            edges = 2 if 0 < i < n - 1 else 1
            inverse[i] = 1 / (1 + losses / 2 + edges * rates - rates * share)
            share = rates * inverse[i]
        return inverse.astype(np.float32), (inverse * rates).astype(np.float32)

    def step(self, fields, made):
        nz, nx = SLICE[0], SLICE[2]
        sweep(fields, made, *self.factors[0], self.off, nz, nx, nx, 1, 8, True)
        sweep(fields, made, *self.factors[1], self.off, nx, 1, nz, nx, nx, False)

    def advance(self, fields, source):
        found = np.ascontiguousarray(
            np.moveaxis(fields[np.arange(LANES) % N_FIELDS], 0, -1), dtype=np.float32
        )
        made = np.repeat((source * self.minutes)[..., None], LANES, axis=-1).astype(np.float32)
        for _ in range(round(10 / self.minutes)):
            self.step(found, made)
        return np.moveaxis(found[..., :N_FIELDS], -1, 0)


def best_of(rounds, action):
    """The least processor time of an action [s]: whatever else runs only adds."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        action()
        found.append(time.process_time() - begun)
    return min(found)


def time_of_a_step(shape, edge, minutes, rounds, varies):
    """Seconds of a step of all nine fields, with a loss that is the same in every voxel, or ``varies``."""
    random, size = np.random.default_rng(5), (N_FIELDS, *shape)
    made = (1000.0 * (random.random(size) < 0.1)).astype(np.float32)
    factor = random.uniform(0.5, 5, size) if varies else np.ones(size)
    lost = (1440 * LOSS[:, None, None, None] * factor).astype(np.float32)
    fields, diffuser = np.zeros(size, np.float32), Diffuser(shape, edge, 1440 * DIFFUSION)
    return best_of(rounds, lambda: diffuser.step(fields, made, lost, minutes / 1440))


def time_of_splitting(rounds):
    """Seconds of a step of the peer for nine fields: its share of sixteen."""
    fields, peer = np.ones((SLICE[0], SLICE[2], LANES), np.float32), Splitting(0.01)
    made = np.zeros_like(fields)
    return best_of(rounds, lambda: peer.step(fields, made)) * N_FIELDS / LANES


def compare(rounds=100, ladder=(0.1, 0.01, 0.003, 0.001)):
    """All figures; errors in percent, of the field and its gradient, after 10 and (ours) 60 minutes."""
    figures = {"load": load_average()}
    for name, shape, edge, times in (
        ("slice", SLICE, SLICE_UM, rounds),
        ("block", BLOCK, BLOCK_UM, max(rounds // 10, 3)),
    ):
        figures[name] = {"shape": shape}
        for how, varies in (("waves", False), ("multigrid", True)):
            seconds = time_of_a_step(shape, edge, 5.0, times, varies)
            figures[name][f"{how}_ms"] = round(1e3 * seconds, 2)
            figures[name][f"{how}_ns_per_voxel_and_field"] = round(
                1e9 * seconds / N_FIELDS / np.prod(shape), 2
            )
    for how, cycles in (("waves", None), ("multigrid", 2)):
        for minutes in (5.0, 10.0):
            found = [percent(e) for e in course(Exact(periodic=True), steps(minutes, cycles), 6)]
            figures[f"{how}_{minutes:g}_min"] = {"after_10_min": found[0], "after_60_min": found[-1]}
    seconds = time_of_splitting(rounds)
    figures["splitting"] = {"ms": round(1e3 * seconds, 3)}
    target = figures["multigrid_5_min"]["after_10_min"][1]
    for minutes in ladder:
        found = percent(next(course(Exact(periodic=False), Splitting(minutes).advance, 1)))
        figures[f"splitting_{minutes:g}_min"] = {"after_10_min": found}
        if found[1] <= target:
            break
    for how in ("waves", "multigrid"):
        ours = figures["slice"][f"{how}_ms"] / 5.0
        figures[f"splitting_over_{how}"] = round(figures["splitting"]["ms"] / minutes / ours, 1)
    figures["at_equal_gradient_error"] = bool(found[1] <= target)
    return figures


def percent(pair):
    return [float(f"{100 * error:.3g}") for error in pair]


def check(figures):
    """What the method owes on any machine."""
    field, gradient = np.max(list(figures["multigrid_5_min"].values()), axis=0)
    # Of the field's, the worst at a loss of 0.1/min, 0.30 are the time step's and the rest the two cycles'.
    assert field <= 0.4
    assert gradient <= 1.0
    assert figures["splitting_over_multigrid"] > 10
    # Waves are exact in time: what is left is single precision.
    assert np.max(list(figures["waves_10_min"].values())) <= 0.01
    assert figures["splitting_over_waves"] > 10


@pytest.mark.timeout(300)
def test_diffusion(benchmark):
    figures = compare(rounds=5, ladder=(0.1, 0.01))
    benchmark.extra_info.update({name: str(value) for name, value in figures.items()})
    benchmark.pedantic(lambda: time_of_a_step(SLICE, SLICE_UM, 5.0, 1, False), rounds=3)
    print(f"\ndiffusion: {figures}")
    check(figures)


if __name__ == "__main__":
    write("diffusion", compare())
