"""One self-contained HTML page about a recording, and its charts as PNG."""

from mien.report.charts import write_charts as write_charts
from mien.report.page import Facts as Facts
from mien.report.page import Thumbnail as Thumbnail
from mien.report.page import write_report as write_report
