"""Hook files in their folders, beside those of others."""
