"""Skin: site anatomy and the person, as inputs of a model."""

from collagensim.skin.anatomy import LAYERS, conditions, sites
from collagensim.skin.figures import Figure, read_figures
from collagensim.skin.risks import risks
from collagensim.skin.skin import Layer, Skin

__all__ = ["LAYERS", "Figure", "Layer", "Skin", "conditions", "read_figures", "risks", "sites"]
