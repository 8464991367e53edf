"""What people and agents try, and how strongly each level answers."""
