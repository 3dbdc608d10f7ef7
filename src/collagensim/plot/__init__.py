"""Figures: courses, layers, channels to scale, scans, and one sheet that shows a whole response.

Every function returns a matplotlib figure (``figure.savefig("out.png")``); those with one panel take ``ax``.
"""

from .channels import injury
from .courses import timeline
from .depths import layers
from .grids import scan
from .sheets import overview

__all__ = ["timeline", "layers", "injury", "scan", "overview"]
