"""git's own things: repository, objects, refs, configuration, remotes."""
