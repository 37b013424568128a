"""The body of each command's page: `body(report, style, layout)` yields lines."""
