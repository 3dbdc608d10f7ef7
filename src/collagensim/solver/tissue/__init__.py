"""The tissue of single cells: grid, state, stages of a step, sessions, and the course of it all."""
