"""What every output says of itself."""

NOTICE = "Research and teaching model, uncalibrated; not medical advice."
