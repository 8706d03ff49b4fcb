"""In which order a kernel adds what a graph sums: written down as data from a proof, and followed by an evaluation."""
