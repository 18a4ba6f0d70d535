"""Events -> pattern set: sequences, signatures, argument rules, probabilities."""
