"""Parts of the builder of the shipped hand; `tools/build_hand.py` runs them in order."""
