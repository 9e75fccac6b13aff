"""One file per claim: trains over seeds, scores on held-out images, writes a result file."""
