"""Models behind an HTTP interface: batched, bounded, observable, replaceable while they serve."""
