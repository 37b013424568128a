"""One file per command: parse, call, hand the Report to report/."""
