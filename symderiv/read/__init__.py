"""Reading: language text, problem files, SymPy expressions to words that know their place in the input."""
