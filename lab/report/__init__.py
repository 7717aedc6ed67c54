"""The report: a page that shows a run from inside, and its pictures as SVG (docs/report.md)."""
