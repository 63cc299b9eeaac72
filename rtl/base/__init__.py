"""What every wing uses: memories, counters, the command's fields."""
