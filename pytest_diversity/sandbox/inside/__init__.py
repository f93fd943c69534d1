"""What runs on the other side of the wall: standard library alone, never the rest of the package.

The fork server imports this folder as a package of its own, so that neither pytest nor any
secret of its process is in the memory that a program can read.
"""
