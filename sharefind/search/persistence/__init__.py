"""The run folder: what is kept of a search, and how it is read again."""
