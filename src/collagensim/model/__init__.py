"""What a model is: species, parameters with pedigree, rate laws, reactions, inputs, jumps and transport."""

from collagensim.model.architecture import Architecture
from collagensim.model.declarations import (
    Basal,
    Derived,
    Input,
    Jump,
    Parameter,
    Reaction,
    Source,
    Species,
    Transport,
)  # fmt: skip
from collagensim.model.expression import Expression, Operand, evaluate, exp, log, sqrt
from collagensim.model.laws import hill, inhibition, saturation, smooth_positive
from collagensim.model.model import Model
from collagensim.model.motion import Motion
from collagensim.model.parameters import read_parameters

__all__ = [
    "Architecture", "Basal", "Derived", "Expression", "Input", "Jump", "Model", "Motion", "Operand", "Parameter",
    "Reaction", "Source", "Species", "Transport", "evaluate", "exp", "hill", "inhibition", "log", "read_parameters",
    "saturation", "smooth_positive", "sqrt",
]  # fmt: skip
