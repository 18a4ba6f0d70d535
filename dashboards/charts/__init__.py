"""Rows -> charts, in one colour language; nothing here opens a file."""
