"""From labelled faces to a network file: ``mien train --help``."""
