"""The tables of the two papers as data: every number with the table that it stands in.

The numbers are in `texts/paper_tables.yaml`, in the papers' units. No table of either paper has
an interval or a second training run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from handlib.course import texts


@dataclass(frozen=True)
class PaperTable:
    """One printed table.

    columns: unit by name; "mm" is better when small, "%" when large. rows: the values by method,
    in the columns' order. checked: False where the numbers come from a published summary and have
    not been compared with the paper.
    """

    id: str
    paper: str
    table: str
    data: str
    checked: bool
    columns: Mapping[str, str]
    rows: Mapping[str, tuple[float, ...]]

    @property
    def where(self) -> str:
        """How to cite it: "Deformer, Table 1"."""
        return f"{self.paper}, {self.table}"

    def column(self, name: str) -> dict[str, float]:
        """One column's value by method.

        Raises:
            KeyError: there is no such column; the message names those there are.
        """
        if name not in self.columns:
            raise KeyError(f"{self.where}: no column '{name}', there are {list(self.columns)}")
        place = list(self.columns).index(name)
        return {method: values[place] for method, values in self.rows.items()}


@cache
def paper_tables() -> dict[str, PaperTable]:
    """All tables by their id.

    Raises:
        ValueError: a row has not one value for each column.
    """
    tables = {entry["id"]: _table(entry) for entry in texts.load("paper_tables")}
    for table in tables.values():
        for method, values in table.rows.items():
            if len(values) != len(table.columns):
                raise ValueError(
                    f"paper_tables.yaml, {table.id}: '{method}' needs {len(table.columns)} "
                    f"values, found {len(values)}"
                )
    return tables


def _table(entry: dict) -> PaperTable:
    rows = {method: tuple(values) for method, values in entry["rows"].items()}
    return PaperTable(**{**entry, "rows": rows})
