"""A member's rates and Jacobian as an engine's machine code finds them."""

import numpy as np

from collagensim.kernels import stepper


def _own(engine):
    """What the stepper reads of the first member: y, p, u, link_rate, atol, floor."""
    lengths = engine.sizes[[stepper.N, stepper.N_P, stepper.N_U, stepper.N_LINKS, stepper.N]]
    return np.split(engine.own[0], np.cumsum(lengths))


def rates_of(engine, states):
    """Rates of change (n_blocks, m) of states (n_blocks, m)."""
    _, p, u, link_rate, _, _ = _own(engine)
    y, out = engine.layout.place(states[None])[0], np.zeros(engine.layout.n)
    engine._compiled.rates_of(engine.functions, y, p, u, engine.links, link_rate, engine.sizes, out)
    return engine.layout.blocks(out)


def jacobian_of(engine, states):
    """Dense Jacobian (n, n) at states (n_blocks, m), block after block."""
    _, p, u, link_rate, _, _ = _own(engine)
    row, column = engine.terms
    values, y = np.zeros(row.size), engine.layout.place(states[None])[0]
    engine._compiled.jacobian_of(engine.functions, y, p, u, link_rate, engine.sizes, values)
    dense = np.zeros((engine.layout.n, engine.layout.n))
    np.add.at(dense, (row, column), values)
    place = engine.layout.index(np.arange(states.size))
    return dense[np.ix_(place, place)]
