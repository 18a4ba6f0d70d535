"""From a pattern set to what is shipped: pruned to a budget, held to an audience, with a twin that people can read."""
