"""Is an answer good, and do two of them mean the same?"""
