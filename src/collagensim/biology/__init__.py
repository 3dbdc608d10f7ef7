"""Skin wound healing, written once: the model of dermal healing and small models for teaching."""

from collagensim.biology.architecture import dermal_architecture
from collagensim.biology.dermal_healing import dermal_healing
from collagensim.biology.small import adler_2020, reynolds_2006, robertson, waugh_sherratt_2006

__all__ = [
    "adler_2020",
    "dermal_healing",
    "dermal_architecture",
    "reynolds_2006",
    "robertson",
    "waugh_sherratt_2006",
]
