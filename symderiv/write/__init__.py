"""Printers: one per language (the input language, Unicode, LaTeX, Markdown, JSON)."""
