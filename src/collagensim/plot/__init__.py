"""Figures: courses, layers, channels to scale, scans, stained sections, still and moving, and one sheet for a response.

Every function returns a matplotlib figure (``figure.savefig("out.png")``), `animate` a film (``film.save("out.gif")``);
those with one panel take ``ax``.
"""

from collagensim.plot.animate import animate
from collagensim.plot.biopsy import biopsy
from collagensim.plot.channels import injury
from collagensim.plot.courses import timeline
from collagensim.plot.depths import layers
from collagensim.plot.grids import scan
from collagensim.plot.sheets import overview

__all__ = ["timeline", "layers", "injury", "scan", "biopsy", "animate", "overview"]
