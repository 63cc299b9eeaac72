"""One image's arithmetic: activation memory, PE array, accumulator, requantizers, pool maxima."""
