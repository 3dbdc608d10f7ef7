"""A member's rates and Jacobian as an engine's machine code finds them."""

import numpy as np


def rates_of(engine, states):
    """Rates of change (n_blocks, m) of states (n_blocks, m)."""
    y, out = engine.layout.place(states[None])[0], np.zeros(engine.layout.n)
    engine._compiled.rates_of(engine.table, y, engine.own[0], out)
    return engine.layout.blocks(out)


def jacobian_of(engine, states):
    """Dense Jacobian (n, n) at states (n_blocks, m), block after block."""
    row, column = engine.terms
    values, y = np.zeros(row.size), engine.layout.place(states[None])[0]
    engine._compiled.jacobian_of(engine.table, y, engine.own[0], values)
    dense = np.zeros((engine.layout.n, engine.layout.n))
    np.add.at(dense, (row, column), values)
    place = engine.layout.index(np.arange(states.size))
    return dense[np.ix_(place, place)]
