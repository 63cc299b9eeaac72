"""What every bit means. numpy only: neither torch nor Amaranth may be imported below this folder."""
