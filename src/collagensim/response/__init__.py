"""Labelled results: the course of every variable, with units and provenance, and its file."""

from .course import Course, as_dataset, course_of
from .files import load, replacing
from .result import Response

__all__ = ["Course", "Response", "as_dataset", "course_of", "load", "replacing"]
