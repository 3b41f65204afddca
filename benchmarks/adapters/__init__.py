"""mien and its peers as subjects: one file for each package, run by the interpreter that has it."""
