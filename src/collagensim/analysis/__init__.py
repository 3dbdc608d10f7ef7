"""What to make of a response: endpoints, contrasts, scans over protocols."""
