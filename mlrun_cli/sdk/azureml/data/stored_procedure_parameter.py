"""Parameters of stored procedures, which scripts create for database queries."""

from enum import Enum


class StoredProcedureParameterType(Enum):
    """The SQL type of a stored procedure parameter."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"


class StoredProcedureParameter:
    """The name, value and type of a stored procedure parameter."""

    def __init__(self, name: str, value: object, type: "StoredProcedureParameterType | None" = None) -> None:
        self.name = name
        self.value = value
        self.type = type
