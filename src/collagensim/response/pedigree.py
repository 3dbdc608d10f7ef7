"""What a result rests on, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def source_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each parameter, figure of skin and devices, and assumption: value, unit, status, source."""
    records = [
        dict(item) if isinstance(item, Mapping) else {"key": item} for item in provenance.get("sources", ())
    ]
    assumed = [
        {"quantity": text, "status": "assumed", "key": "assumed"}
        for text in provenance.get("assumptions", ())
    ]
    return pd.DataFrame([*records, *assumed])
