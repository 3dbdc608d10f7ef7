"""One model in many languages: kernel source, LaTeX, tables, SBML and Antimony."""

from collagensim.write.antimony import antimony
from collagensim.write.kernel import kernel
from collagensim.write.latex import latex
from collagensim.write.sbml import sbml
from collagensim.write.tables import parameter_table, reaction_table, species_table

__all__ = ["antimony", "kernel", "latex", "parameter_table", "reaction_table", "sbml", "species_table"]
