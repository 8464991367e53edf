"""Git itself coordinates many coding agents on one repository."""

__version__ = "0.1.0"
