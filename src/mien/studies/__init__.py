"""Studies: recordings of participants under conditions, measured around events, compared, and told of in the words of a
paper."""
