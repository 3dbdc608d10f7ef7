"""What `collagensim.kernels.fibres` does, with whole matrices and eigenvectors."""

import math

import numpy as np

from naive.cells import weigh

ROOT_3 = math.sqrt(3.0)


def matrix_of(parts):
    """The tensor over x, z in a slice, x, y, z in a block; its first eigenvalue is 1 for one direction."""
    if len(parts) == 2:
        along, aslant = parts
        return np.array([[along, aslant], [aslant, -along]])
    a, b, xy, xz, yz = parts
    diagonal = [a, -a / 2 + ROOT_3 / 2 * b, -a / 2 - ROOT_3 / 2 * b]
    beside = ROOT_3 / 2 * np.array([[0, xy, xz], [xy, 0, yz], [xz, yz, 0]])
    return np.diag(diagonal) + beside


def parts_of(matrix):
    if len(matrix) == 2:
        return np.array([matrix[0, 0], matrix[0, 1]])
    xx, yy, zz = np.diag(matrix)
    return np.array([xx, (yy - zz) / ROOT_3, *(2 / ROOT_3 * matrix[[0, 0, 1], [1, 2, 2]])])


def tensor_of(direction, n_parts):
    """n / (n - 1) (d d^T - 1/n) over the n axes of a slice or a block."""
    z, y, x = direction
    d = np.array([x, z]) if n_parts == 2 else np.array([x, y, z])
    n = len(d)
    return n / (n - 1) * (np.outer(d, d) / (d @ d) - np.eye(n) / n)


def axis_of(parts, sensitivity=1.0):
    """The first eigenvector as z, y, x, as long as its eigenvalue exceeds the second: 1 for one direction.

    With a sensitivity, as long as that of fibres evenly scattered about it when their <d d^T> is raised to this power.
    """
    values, vectors = np.linalg.eigh(matrix_of(parts))
    n = len(values)
    order = (n - 1) / n * (values[-1] - values[-2])
    spread = np.array([1 + (n - 1) * order, *[1 - order] * (n - 1)]) ** sensitivity
    vector = (spread[0] - spread[1]) / spread.sum() * vectors[:, -1]
    return np.array([vector[1], 0.0, vector[0]]) if n == 2 else vector[::-1]


def path_of(direction, fibre, strength, n_parts):
    """The direction of a cell's step among fibres."""
    step = np.array(direction) * ([1, 0, 1] if n_parts == 2 else [1, 1, 1])
    order = np.linalg.norm(fibre)
    if strength * order == 0.0:
        return step
    along = (fibre @ step) / order**2 * fibre
    n_axes, share = (2 if n_parts == 2 else 3), strength * order
    return math.sqrt(1 - share) * (step - along) + math.sqrt(1 - share + n_axes * share) * along


def paths_around(fibres, shape, kind, voxel, direction, weight, strength, sensitivity, weights):
    """Weighted sums (n_parts + 1, n_voxels) of the tensors of the paths around each voxel, then of the weights."""
    n_parts = len(fibres)
    sums = np.zeros((n_parts + 1, int(np.prod(shape))))
    for k, v, way in zip(kind, voxel, direction, strict=True):
        if weight[k] > 0.0:
            path = path_of(way, axis_of(fibres[:, v], sensitivity), strength[k], n_parts)
            share = weight[k] * np.linalg.norm(path)
            sums[:n_parts, v] += share * parts_of(tensor_of(path, n_parts))
            sums[n_parts, v] += share
    return weigh(sums.reshape(-1, *shape), weights).reshape(sums.shape)


def relax(level, gained, loss, dt):
    """Order after a step of d level / dt = gained - loss level."""
    x = dt * loss
    return (level + dt * gained * (1.0 + 0.5 * x)) / (1.0 + x + 0.5 * x * x)


def lay(fibres, level, net, loss, gain, paths, rest, dt):
    """Tensors and their sizes after a step, voxel by voxel."""
    after = fibres.copy()
    for v in range(len(level)):
        q, cells = matrix_of(fibres[:, v]), paths[-1, v]
        way = matrix_of(paths[:-1, v] / cells) if cells > 0.0 else np.zeros_like(q)
        otherwise = net[v] + loss[v] * level[v] - gain[v]
        rate = gain[v] * way + otherwise * matrix_of(rest) - loss[v] * q
        x = dt * max(loss[v], 0.0)
        after[:, v] = parts_of(q + dt * (1.0 + 0.5 * x) / (1.0 + x + 0.5 * x * x) * rate)
    return after, np.array([np.linalg.norm(parts) for parts in after.T])
