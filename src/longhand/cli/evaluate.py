"""`longhand evaluate`: how often a model is right, and where it is wrong."""

from __future__ import annotations

_EPILOG = """\
suites: exhaustive   every problem of the model's domain
        test         problems of the domain that were neither trained nor validated on
        carries      long carry and borrow chains (99+1, 100-99, x9+1, x00-x99)
        FILE         a data file or folder of any of the known shapes

examples:
  longhand evaluate runs/demo --suite exhaustive --output-file report.json
  longhand evaluate runs/demo --suite data/poc/test.csv --samples samples.jsonl
"""


def add_parser(v):
    pass
