"""Labelled results: the course of every variable, with units and provenance, and its file."""

from collagensim.response.biopsy import Biopsy, Track
from collagensim.response.course import Course, as_dataset, course_of
from collagensim.response.ensemble import Ensemble
from collagensim.response.files import load, replacing
from collagensim.response.replicates import Replicates
from collagensim.response.result import Response
from collagensim.response.tissue import Snapshot, Tissue

__all__ = [
    "Biopsy", "Course", "Ensemble", "Replicates", "Response", "Snapshot", "Tissue", "Track", "as_dataset",
    "course_of", "load", "replacing",
]  # fmt: skip
