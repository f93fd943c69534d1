"""Between pytest and the rest; the only room that imports pytest."""
