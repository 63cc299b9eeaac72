"""Pages that people read: what all of them share. Slow to import (matplotlib), so import it where one is written."""
