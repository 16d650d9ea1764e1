"""Azure's camel case, in which its SDK writes the names of keys and of data."""


def to_camel_case(name: str) -> str:
    """Return a name in camel case according to Azure's rules, such as `inPut` for `in_put`."""
    first, *others = name.split("_")
    return first[:1].lower() + first[1:] + "".join(word.title() for word in others) if first else name
