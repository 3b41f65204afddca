"""``mien mcp``: tools of the Model Context Protocol that read images, folders and videos of this machine, over
standard input and output."""
