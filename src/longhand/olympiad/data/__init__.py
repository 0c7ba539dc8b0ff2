"""Word problems as chat turns: reading three schemas, converting, tokenising into a memory-mapped store."""
