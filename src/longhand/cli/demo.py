"""x"""


def add_parser(v):
    pass
