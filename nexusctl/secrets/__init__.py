"""Reference -> value. A file per source behind one Protocol; nothing but an apply comes in here.

Libraries that only one source needs are extras of nexusctl and are imported when that source is asked.
"""
