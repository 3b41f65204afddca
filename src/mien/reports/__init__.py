"""One self-contained HTML page about a video."""

from mien.reports.video import Facts as Facts
from mien.reports.video import Thumbnail as Thumbnail
from mien.reports.video import write_report as write_report
