"""Front ends: the command line, the guide, and its two faces (web and terminal)."""
