"""The generated text run by plain Python, on real or complex states."""

import numpy as np


class _Numpy:
    """numpy's functions that the text calls, on complex numbers too."""

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)


def _root(z):
    """The analytic continuation of sqrt(|x|), as a complex step needs it."""
    return np.sqrt(-z if z.real < 0 else z)


def functions(text):
    """Functions that a generated text defines, by name."""
    names = {"np": _Numpy, "root": _root, "smaller": min}
    exec(text, names)  # noqa: S102 - our own generated text is what is tested
    return names


def run_text(bound, state):
    """Rates (n_blocks, m) and Jacobian nonzeros (n_blocks, n) of a state (n_blocks, m); states must be positive."""
    made = functions(bound.compiled.source.text)
    n_blocks, _ = state.shape
    rates = np.zeros_like(state)
    slopes = np.zeros((n_blocks, len(bound.compiled.source.lowered.pattern)), dtype=state.dtype)
    p, rows = bound.p[0], bound.u[0]
    for b in range(n_blocks):
        made["block_rates"](state[b], p, rows[b], rates[b])
        made["block_jacobian"](state[b], p, rows[b], slopes[b])
    return rates, slopes
