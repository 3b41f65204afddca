"""Rows written as tables, and read back: JSON, JSON Lines, CSV and Parquet."""

from mien.tables.cells import Write as Write
from mien.tables.people import person_row as person_row
from mien.tables.rows import FORMATS as FORMATS
from mien.tables.rows import TEXT_FORMATS as TEXT_FORMATS
from mien.tables.rows import format_of as format_of
from mien.tables.rows import open_people as open_people
from mien.tables.rows import open_table as open_table
from mien.tables.rows import row_writer as row_writer
from mien.tables.saved import read_recordings as read_recordings
