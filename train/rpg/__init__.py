"""Recurrent Parameter Generators (RPG): large networks whose weights are drawn from a short ring of free values.

Ref: Wang et al., Compact and Optimal Deep Learning with Recurrent Parameter Generators, arXiv:2107.07110.
"""
