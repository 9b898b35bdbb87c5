"""The command line. Nothing here imports SymPy, NumPy or Rich before a command runs."""
