"""Measurements that the documentation cites, run by hand."""
