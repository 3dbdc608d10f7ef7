"""One model in many languages: kernel source, LaTeX, tables."""

from collagensim.write.kernel import kernel

__all__ = ["kernel"]
