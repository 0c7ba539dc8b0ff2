"""Problems as arrays, batches and files."""
