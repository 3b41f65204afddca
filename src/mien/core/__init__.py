"""What everything else is made of: labels, boxes, faces, a frame's result, errors, names, files."""
