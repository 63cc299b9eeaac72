"""Random inputs for everything that comes from outside: files of every kind, and command lines."""
