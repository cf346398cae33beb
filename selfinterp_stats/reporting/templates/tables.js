(function () {
  "use strict";

  // Every table that was written whole can be sorted by its heads, group by group, and a long one
  // filtered. Without a script it is simply a table.
  var LONG = 12;

  function figure(text) {
    var plain = text.trim().replace(/\u2212/g, "-").replace(/,(?=\d{3})/g, "").replace(/^[<>\u2264\u2265[+ ]+/, "");
    var found = /^-?(\d+\.?\d*|\.\d+)/.exec(plain);
    return found ? Number(found[0]) : NaN;
  }
  function compare(a, b, numeric) {
    if (a === b) { return 0; }
    if (a === "") { return 1; }
    if (b === "") { return -1; }
    return numeric ? figure(a) - figure(b) : a.localeCompare(b, "en", { numeric: true });
  }
  function cellText(row, column) { return row.cells[column].textContent.trim(); }

  function enhance(table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    var groups = Array.prototype.map.call(table.tBodies, function (body) {
      return { body: body, rows: Array.prototype.filter.call(body.rows, function (row) { return !row.classList.contains("group"); }) };
    });
    var all = groups.reduce(function (rows, group) { return rows.concat(group.rows); }, []);
    var sorted = null, descending = false;

    function arrange() {
      var texts = sorted === null ? [] : all.map(function (row) { return cellText(row, sorted); }).filter(Boolean);
      var numeric = texts.length > 0 && !texts.some(function (text) { return isNaN(figure(text)); });
      groups.forEach(function (group) {
        var rows = group.rows.slice();
        if (sorted !== null) {
          rows.sort(function (a, b) {
            var x = cellText(a, sorted), y = cellText(b, sorted), order = compare(x, y, numeric);
            return descending && x !== "" && y !== "" ? -order : order;
          });
        }
        rows.forEach(function (row) { group.body.appendChild(row); });
      });
      heads.forEach(function (head, place) {
        if (place === sorted) { head.setAttribute("aria-sort", descending ? "descending" : "ascending"); }
        else { head.removeAttribute("aria-sort"); }
      });
    }
    heads.forEach(function (head, place) {
      if (head.textContent.trim() === "") { return; }
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        if (sorted === place && descending) { sorted = null; descending = false; }
        else if (sorted === place) { descending = true; }
        else { sorted = place; descending = false; }
        arrange();
      });
    });
    if (all.length > LONG) { addFilter(table, groups, all); }
  }

  function addFilter(table, groups, all) {
    var form = document.createElement("form"), label = document.createElement("label");
    var input = document.createElement("input"), count = document.createElement("p");
    var region = table.parentNode;
    form.className = "filters";
    form.setAttribute("role", "search");
    label.textContent = "Filter the rows ";
    input.type = "search";
    input.autocomplete = "off";
    input.spellcheck = false;
    count.className = "count";
    count.setAttribute("role", "status");
    label.appendChild(input); form.appendChild(label); form.appendChild(count);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
      groups.forEach(function (group) {
        // A row answers to its group's heading too.
        var heading = group.body.querySelector(".group"), above = heading ? heading.textContent : "", any = false;
        group.rows.forEach(function (row) {
          var text = (above + " " + row.textContent).toLowerCase();
          row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
          if (!row.hidden) { any = true; shown += 1; }
        });
        group.body.hidden = !any;
      });
      count.textContent = words.length ? shown + " of " + all.length + " rows" : "";
    });
    region.parentNode.insertBefore(form, region);
  }

  Array.prototype.forEach.call(document.querySelectorAll("table[data-sortable]"), enhance);
})();
