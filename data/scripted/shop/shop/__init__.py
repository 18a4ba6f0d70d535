"""A small shop: the project that the scripted coding agent works on."""
