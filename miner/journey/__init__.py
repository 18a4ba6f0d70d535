"""The whole journey on one run folder: every step reads files and writes files, and does only what is new."""
