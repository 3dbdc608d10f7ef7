"""Solvers: any model from an initial state, and the mean-field course of a needling protocol."""

__all__ = ["Status"]

from collagensim.solver.status import Status
