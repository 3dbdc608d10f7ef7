"""What cells see of the error of a step of the signals, just after a session."""

import numpy as np
from scipy import fft

import collagensim as cs
from collagensim.biology import dermal_architecture
from collagensim.solver.tissue.space import block_of
from collagensim.solver.tissue.stages import diffuse, new_senses, secrete, sense, step
from collagensim.solver.tissue.world import TICKS, resting_state, world_of
from collagensim.solver.tissue.wound import wound
from collagensim.treatment import injure

SKIN = cs.Skin()
SESSION = cs.Session(device="pen", depth_mm=1.0, density_per_cm2=2000)


def exact(field, source, loss, rate, days):
    """The field after a while (nz, nx), by cosine and Fourier transforms of SciPy, in double precision."""
    (nz, nx), both = field.shape, np.stack([field, source]).astype(np.float64)
    along = 2 * np.cos(2 * np.pi * np.arange(nx) / nx) - 2
    waves = rate * ((2 * np.cos(np.pi * np.arange(nz) / nz) - 2)[:, None] + along) - loss
    before, made = fft.fft(fft.dct(both, axis=-2), axis=-1)
    after = np.exp(waves * days) * before + np.expm1(waves * days) / waves * made
    return fft.idct(fft.ifft(after, axis=-1).real, axis=-2)


def gradients(field, voxel):
    """Differences along z and x at the inner voxels among some (2, n)."""
    nz, nx = field.shape
    z, x = np.divmod(voxel, nx)
    inner = (z > 0) & (z < nz - 1)
    z, x = z[inner], x[inner]
    return np.stack([field[z + 1, x] - field[z - 1, x], field[z, (x + 1) % nx] - field[z, x - 1]])


def test_cells_see_gradients_as_they_are_from_the_first_step_after_a_session_on():
    block = block_of(SKIN, width_mm=0.6, depth_mm=0.6, slab_um=600.0)
    world = world_of(cs.dermal_healing(), SKIN, block, dermal_architecture(), 1)
    state, senses, days = resting_state(world), new_senses(world), 1.0 / TICKS
    assert len(wound(world, state, injure(SKIN, SESSION), 0))
    nz, _, nx = block.shape
    for _ in range(4):
        seen = state.copy()
        sense(world, seen, senses, days)
        assert senses.voxel.size > 50
        secrete(world, seen, senses, days)
        before, made, lost = (
            a.reshape(-1, nz, nx).copy() for a in (seen.soluble, senses.source, senses.drain)
        )
        diffuse(world, seen, senses, days)
        for k in world.spreading:
            assert np.ptp(lost[k]) == 0.0  # no signal is lost faster here than there
            rate = world.diffuser.diffusion[k] / block.voxel_um**2
            expected = gradients(exact(before[k], made[k], float(lost[k, 0, 0]), rate, days), senses.voxel)
            found = gradients(seen.soluble[k, :, 0].astype(np.float64), senses.voxel)
            # The field is rounded to 6e-8, and changes from voxel to voxel by a thousandth and more of itself.
            assert np.linalg.norm(found - expected) <= 1e-3 * np.linalg.norm(expected)
        step(world, state, senses, 1)
