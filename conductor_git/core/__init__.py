"""The rule book: values in, values out. No clock, no environment, no git, no terminal."""
