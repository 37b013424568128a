"""The way of the data: probes ask, host reads what bears on the answers, explain judges, a Report comes out."""
