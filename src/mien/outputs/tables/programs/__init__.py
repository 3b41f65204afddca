"""Tables of other programs, read as rows: OpenFace, py-feat, FaceReader, iMotions."""

from mien.outputs.tables.programs.formats import open_program_table as open_program_table
