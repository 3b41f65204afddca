"""What PyInstaller does not find by itself: modules that are imported by name, models, and templates of pages."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

_BY_NAME = (
    "core",
    "media",
    "inference",
    "tracking",
    "video",
)  # What `import mien` gives; the rest is imported as usual.

hiddenimports = ["onnxruntime", *(name for part in _BY_NAME for name in collect_submodules(f"mien.{part}"))]
datas = collect_data_files("mien", excludes=["__pyinstaller"])
