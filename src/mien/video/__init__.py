"""Videos, folders and live sources from the first frame to their results."""
