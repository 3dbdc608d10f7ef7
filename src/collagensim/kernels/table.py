"""Where things stand in a model's table: all integers that the stepper needs, in one array.

The table begins with the entries below. Entries that begin with AT_ say where in a member's numbers something begins;
those that begin with LIST_ say where in the table itself a list does.
"""

from __future__ import annotations

# Addresses of the model's machine code: see `collagensim.kernels.FUNCTIONS`.
BLOCK_RATES, BLOCK_JACOBIAN, BLOCK_FACTORISE, BLOCK_FORWARD, BLOCK_BACKWARD, BLOCK_SOLVE = range(6)
# Lengths of y, p, u, link_rate, of the Jacobian's terms and of the factors.
N, N_P, N_U, N_LINKS, N_TERMS, N_FACTORS = range(6, 12)
# States of a block and blocks, without padding; y[i * STATE_STRIDE + b * BLOCK_STRIDE] is state i of block b; blocks
# that one call serves.
N_STATES, N_BLOCKS, STATE_STRIDE, BLOCK_STRIDE, AT_ONCE = range(12, 17)
# Length of a row of stages and scratch.
N_ROW = 17
# A member's own numbers: y at 0, then these; N_OWN in all. Where blocks alternate, AT_SPREAD has the link rates again,
# (N_JOINED, N_BLOCKS, 8): into the joined state of each block, padding included, from the one of a block.
AT_P, AT_U, AT_ATOL, AT_FLOOR, AT_SPREAD, AT_LINK_RATE, N_OWN = range(18, 25)
# What a step needs besides, and the length of it all.
AT_STAGES, AT_SCRATCH, AT_FACTORS, N_WORK, AT_TERMS = range(25, 30)
# Links, each (N_LINKS,); row and column of the Jacobian's terms, each (N_TERMS,).
LIST_TO, LIST_FROM, LIST_ROW, LIST_COLUMN = range(30, 34)
# Where blocks alternate, the states that links join; elsewhere none.
N_JOINED, LIST_JOINED = 34, 35
# How the matrix is eliminated: the kind, and where the lists of that kind begin.
ELIMINATION, LIST_ELIMINATION = 36, 37
WRITTEN_OUT, BY_BLOCKS, BY_LISTS = 0, 1, 2
# Calls of the blocks' machine code that serve all blocks, and how far the next one's y, u and Jacobian terms lie.
N_CALLS, STEP_Y, STEP_U, STEP_TERMS = 38, 39, 40, 41
N_ENTRIES = 42

# Rows of scratch, each (N_ROW,): those of a step, and those of its output. What eight lanes work with shall stay within
# the nearest cache. So the Jacobian's terms, which are forgotten once they are factorised, lie where the stages will
# be; ratios of errors, found before and after, lie where the factors are.
SLOPE, TRIAL, NEW, PULL, DENSE = 0, 1, 2, 3, 4
PLACED, TURNED = SLOPE, TRIAL
N_SCRATCH = 5
N_STAGES = 8
# A method's coefficients in one array: combine (8, 8), couple (8, 8), dense (3, 8), gamma, grown (8,).
AT_COUPLE, AT_DENSE, AT_GAMMA = N_STAGES**2, 2 * N_STAGES**2, 2 * N_STAGES**2 + 3 * N_STAGES
AT_GROWN = AT_GAMMA + 1

# How a span ends for a member; how a call of the stepper ends (DONE or MORE).
DONE, MORE, NOT_FINITE, STEP_TOO_SMALL, SINGULAR = 0, 1, 2, 3, 4
# A member's clock: time [unit of t]; next step, 0 = choose one; size of the last accepted step and what its error
# made of it, error^-0.2; end of the span.
TIME, STEP, LAST_FACTOR, LAST_STEP, UNTIL = 0, 1, 2, 3, 4
N_CLOCK = 5
# A member's counts: work done so far; next output row; state to blame for a failure; whether the last attempt was
# rejected; how the span ended (MORE while it has not).
STEPS, REJECTED, RATES, FACTORISATIONS, ROW, STATE, RETRY, STATUS = 0, 1, 2, 3, 4, 5, 6, 7
N_COUNTS = 8
# A lane's small numbers: the step being tried, its inverse, 1/(h gamma); mean square of the error, its power -1/10,
# lowest state above its floor, smallest pivot.
TRIED, INVERSE, SHIFT, ERROR, FACTOR, LOW, PIVOT = range(7)
# Whether the step is accepted, -1 or 1; the time then; the most that the next step may grow by; the time of the next
# output row; steps tried, accepted and rejected since they were last counted; from CLOCK on its member's clock.
ACCEPTED, REACHED, MAY_GROW, DUE, TRIES, TAKEN, MISSED, CLOCK = range(7, 15)
# Of an output row, eight of any lanes side by side: its time within the step, the step's size, the lane that it is of,
# where it is written.
AFTER, LENGTH, OF_LANE, TARGET = range(CLOCK + N_CLOCK, CLOCK + N_CLOCK + 4)
N_SMALL = TARGET + 1
