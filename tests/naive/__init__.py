"""Slow twins: the same mathematics written plainly, to hold the compiled code against."""
