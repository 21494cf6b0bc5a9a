"""The schemas of our files, and the checks of a node against them."""
