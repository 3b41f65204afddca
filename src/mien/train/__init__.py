"""From labelled faces to a network file: ``python -m mien.train --help``."""
