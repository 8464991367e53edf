"""The texts that doors are made of, and those of hook managers."""
