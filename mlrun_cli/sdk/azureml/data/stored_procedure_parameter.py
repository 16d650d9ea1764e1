"""Parameters of stored procedures, which scripts build before a database is asked."""

from enum import Enum


class StoredProcedureParameterType(Enum):
    """The type of a parameter."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"


class StoredProcedureParameter:
    """A parameter with its value."""

    def __init__(self, name: str, value: object, type: "StoredProcedureParameterType | None" = None) -> None:
        self.name = name
        self.value = value
        self.type = type
