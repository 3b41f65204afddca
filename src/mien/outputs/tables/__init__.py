"""Rows written as tables, and read back: JSON, JSON Lines, CSV and Parquet."""

from mien.core.csv_cells import Write as Write
from mien.outputs.tables.persons import person_row as person_row
from mien.outputs.tables.rows import FORMATS as FORMATS
from mien.outputs.tables.rows import TEXT_FORMATS as TEXT_FORMATS
from mien.outputs.tables.rows import format_of as format_of
from mien.outputs.tables.rows import open_persons as open_persons
from mien.outputs.tables.rows import open_table as open_table
from mien.outputs.tables.rows import row_writer as row_writer
from mien.outputs.tables.saved import is_table as is_table
from mien.outputs.tables.saved import read_videos as read_videos
