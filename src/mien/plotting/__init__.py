"""Charts as PNG: one style, one file for each kind; matplotlib is imported when the first one is drawn."""
