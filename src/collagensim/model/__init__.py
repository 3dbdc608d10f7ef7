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
from collagensim.model.front import Front, Sheet
from collagensim.model.laws import hill, inhibition, saturation, smooth_positive
from collagensim.model.model import Model
from collagensim.model.motion import Motion
from collagensim.model.network import Network
from collagensim.model.orientation import Orientation
from collagensim.model.parameters import read_parameters
from collagensim.model.settled import Relaxation, Settled
from collagensim.model.space import as_cell, in_space

__all__ = [
    "Architecture", "Basal", "Derived", "Expression", "Front", "Input", "Jump", "Model", "Motion", "Network", "Operand",
    "Orientation", "Parameter", "Reaction", "Relaxation", "Settled", "Sheet", "Source", "Species", "Transport",
    "as_cell", "evaluate", "exp", "hill", "in_space", "inhibition", "log", "read_parameters", "saturation",
    "smooth_positive", "sqrt",
]  # fmt: skip
