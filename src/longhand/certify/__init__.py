"""Proofs about models: every window a layout can show, what has to follow it, and whether the network says so."""
