"use strict";
// A click on a heading sorts its table by that column: numbers by data-value, the rest by what is written there.
for (const heading of document.querySelectorAll("table.sortable thead th")) {
  heading.tabIndex = 0;
  const sort = () => {
    const table = heading.closest("table"), body = table.tBodies[0];
    const column = heading.cellIndex, down = heading.getAttribute("aria-sort") !== "descending";
    for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => {
      const cell = row.cells[column], told = cell.dataset.value;
      return told === undefined ? cell.textContent.trim() : told === "" ? -Infinity : told === "inf" ? Infinity : Number(told);
    };
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    [...body.rows].map((row) => [key(row), row]).sort((a, b) => compare(a[0], b[0])).forEach((pair) => body.append(pair[1]));
  };
  heading.addEventListener("click", sort);
  heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
