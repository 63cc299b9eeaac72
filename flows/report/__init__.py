"""One page that shows a build: what it is, where its cycles, area and energy go, and how good its model is."""
