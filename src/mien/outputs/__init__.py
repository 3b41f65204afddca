"""Everything that a run writes: tables, subtitles, annotation files, copies, charts and reports."""

from mien.outputs.base import RunContext as RunContext
from mien.outputs.base import Writer as Writer
from mien.outputs.formats import EXTENSIONS as EXTENSIONS
from mien.outputs.run_info import run_facts as run_facts
from mien.outputs.run_info import run_settings as run_settings
from mien.outputs.spec import OutputSpec as OutputSpec
from mien.outputs.writer import RunWriter as RunWriter
