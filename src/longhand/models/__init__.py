"""One file per architecture, built from shared parts."""
