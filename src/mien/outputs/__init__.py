"""Everything that a run writes: tables, subtitles, annotation files, copies, charts and reports."""
