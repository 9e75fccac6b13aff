"""How hands are scored: errors and alignments, the data sets' protocols, submission files."""
