"""What every command of this repository does in the same way: its options, its bars, its JSON."""
