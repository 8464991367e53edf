"""The only ring that talks to git, to the file system and to other processes."""
