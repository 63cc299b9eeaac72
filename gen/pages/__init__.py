"""The parts of a page that show what a build does. Slow to import (matplotlib), so import it where one is written."""
