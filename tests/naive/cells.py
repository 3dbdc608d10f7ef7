"""What `collagensim.kernels.cells` does, one cell after the other and each sum written out."""

import itertools
import math

import numpy as np

from naive.draws import four_normals


def voxel_of(place, voxel_um, shape):
    index = [min(max(math.floor(x / h), 0), n - 1) for x, h, n in zip(place, voxel_um, shape, strict=True)]
    return np.ravel_multi_index(index, shape)


def extended(field, width):
    """A field (nz, ny, nx) with ``width`` more voxels on every side: mirrored in z, repeated in y and x."""
    sides = (width, width)
    field = np.pad(field, ((0, 0), sides, sides), mode="wrap")
    return np.pad(field, (sides, (0, 0), (0, 0)), mode="symmetric")


def sense(counts, weights):
    """Every voxel's weighted mean over the others in a cube of neighbours, a square in a slice."""
    own = np.zeros(counts.shape[1:])
    for place in np.ndindex(own.shape):
        alone = np.zeros((1, *own.shape))
        alone[(0, *place)] = 1.0
        own[place] = weigh(alone, weights)[(0, *place)]
    return (
        weigh(counts, weights)
        if own.max() > 1.0 - 1e-12
        else (weigh(counts, weights) - own * counts) / (1.0 - own)
    )


def weigh(counts, weights):
    """Every voxel's weighted mean over a cube of neighbours, a square in a slice."""
    reach = len(weights) - 1
    out = np.zeros_like(counts)
    for k, field in enumerate(counts):
        wide = extended(field, reach)
        nz, ny, nx = field.shape
        across = range(-reach, reach + 1)
        for a, b, c in itertools.product(across, [0] if ny == 1 else across, across):
            share = weights[abs(a)] * weights[abs(c)] * (1.0 if ny == 1 else weights[abs(b)])
            y = 0 if ny == 1 else reach + b
            wide_y = wide[:, reach : reach + 1] if ny == 1 else wide[:, y : y + ny]
            out[k] += share * wide_y[reach + a : reach + a + nz, :, reach + c : reach + c + nx]
    return out


def gradient(field, place, voxel_um):
    """Central differences at the eight voxels around a place, each weighted by how near it is."""
    wide = extended(field, 3)
    slopes = [
        (np.roll(wide, -1, axis) - np.roll(wide, 1, axis)) / (2.0 * voxel_um[axis]) for axis in range(3)
    ]
    steps = np.asarray(place) / voxel_um - 0.5
    below = np.floor(steps).astype(int)
    found = np.zeros(3)
    for corner in itertools.product((0, 1), repeat=3):
        share = np.prod(np.where(corner, steps - below, 1.0 - (steps - below)))
        at = tuple(below + corner + 3)
        found += share * np.array([slope[at] for slope in slopes])
    return found


def move(cell, tissue, dt, seed, event, tick):
    """Place and direction of one cell after a step; ``cell`` and ``tissue`` have the arrays' names as attributes."""
    shape, n_axes = tissue.room.shape, 2 if tissue.room.shape[1] == 1 else 3
    axes = [0, 2] if n_axes == 2 else [0, 1, 2]
    k, place, direction = cell.kind, np.array(cell.position), np.array(cell.direction)
    if tissue.speed[k] == 0.0:
        return place, direction
    bias = tissue.attraction_strength[k] * gradient(tissue.attraction[k], place, tissue.voxel_um)
    aim = bias / math.sqrt(1.0 + bias @ bias)
    first = four_normals(seed, event, tick, cell.identity, 0)
    second = four_normals(seed, event, tick, cell.identity, 1)
    noise = {0: first[0:2], 2: first[2:4], 1: second[0:2]}

    # The joint law of direction and path over a step: variances and covariance of an Ornstein-Uhlenbeck process.
    persistence, tau = tissue.persistence[k], dt / tissue.persistence[k]
    forgets = math.exp(-tau)
    direction_variance = (1.0 - forgets**2) / n_axes
    path_variance = persistence**2 * (2.0 * tau - 3.0 + 4.0 * forgets - forgets**2) / n_axes
    covariance = persistence * (1.0 - forgets) ** 2 / n_axes
    factor = np.linalg.cholesky([[direction_variance, covariance], [covariance, path_variance]])
    step = np.zeros(3)
    for axis in axes:
        kick = factor @ noise[axis]
        off = direction[axis] - aim[axis]
        step[axis] = aim[axis] * dt + persistence * (1.0 - forgets) * off + kick[1]
        direction[axis] = aim[axis] + forgets * off + kick[0]

    voxel = np.unravel_index(voxel_of(place, tissue.voxel_um, shape), shape)
    if tissue.guidance.size:
        fibre = np.array([tissue.guidance[voxel][axis] if axis in axes else 0.0 for axis in range(3)])
        order = math.sqrt(fibre @ fibre)
        if order > 0.0:
            share, axis_along = tissue.guidance_strength[k] * order, fibre / order
            along = (axis_along @ step) * axis_along
            step = math.sqrt(1 - share) * (step - along) + math.sqrt(1 - share + n_axes * share) * along
    place = place + tissue.speed[k] * tissue.room[voxel] * step
    return put_back(place, direction, np.array(shape) * tissue.voxel_um)


def put_back(place, direction, size):
    """Bounce between top and bottom as often as it takes; around the sides."""
    place, direction = place.copy(), direction.copy()
    while not 0.0 <= place[0] <= size[0]:
        place[0] = -place[0] if place[0] < 0.0 else 2.0 * size[0] - place[0]
        direction[0] = -direction[0]
    place[1:] %= size[1:]
    return place, direction


def repel(position, radius_um, strength, max_step_um, voxel_um, shape):
    """Every pair of cells, at their nearest images around the sides."""
    size = np.array(voxel_um) * shape
    out = np.zeros_like(position)
    for i, here in enumerate(position):
        for there in position:
            apart = here - there
            apart[1:] -= size[1:] * np.round(apart[1:] / size[1:])
            distance = math.sqrt(apart @ apart)
            if 0.0 < distance < 2.0 * radius_um:
                out[i] += 0.5 * strength * (2.0 * radius_um - distance) * apart / distance
        length = math.sqrt(out[i] @ out[i])
        if length > max_step_um:
            out[i] *= max_step_um / length
    if shape[1] == 1:
        out[:, 1] = 0.0
    return out
