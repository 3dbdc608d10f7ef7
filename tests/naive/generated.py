"""The generated text run by plain Python, on real or complex states."""

import numpy as np


class _Numpy:
    """numpy whose square root takes the analytic continuation that a complex step needs."""

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)


def run_text(bound, state):
    """Rates (n_blocks, m) and Jacobian nonzeros (n_blocks, n) of a state (n_blocks, m); states must be positive."""
    names = {"kernel": lambda f: f, "np": _Numpy, "abs": lambda z: z}
    exec(bound.compiled.source.text, names)  # noqa: S102 - our own generated text is what is tested
    n_blocks, m = state.shape
    y = state.ravel()
    rates = np.zeros(y.size, dtype=y.dtype)
    n = len(bound.compiled.source.lowered.pattern)
    slopes = np.zeros((n_blocks, n), dtype=y.dtype)
    rows = bound.u()
    for b in range(n_blocks):
        names["block_rates"](y, b * m, bound.p, rows[b], rates)
        names["block_jacobian"](y, b * m, bound.p, rows[b], slopes[b], 0)
    return rates.reshape(n_blocks, m), slopes
