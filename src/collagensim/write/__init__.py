"""One model in many languages: kernel source, LaTeX, tables."""

from collagensim.write.kernel import kernel
from collagensim.write.latex import latex
from collagensim.write.tables import parameter_table, reaction_table, species_table

__all__ = ["kernel", "latex", "parameter_table", "reaction_table", "species_table"]
