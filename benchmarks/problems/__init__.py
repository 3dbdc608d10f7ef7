"""Problems that benchmarks run, each stated once for collagensim, NumPy and other simulators."""
