(function () {
  "use strict";

  // Columns of a row of the data, as the page's Python lays them out.
  var MODEL = 0, SET = 1, SCENARIO = 2, NAME = 3, WEIGHT = 4, MEAN_PLACES = 5, MEAN = 6,
    END_PLACES = 7, LOW = 8, HIGH = 9, DIRECTION = 10, ROPE = 11, ESS = 12, RHAT = 13, FLAG = 14;
  var PER_PAGE = 50;
  var data = JSON.parse(document.getElementById("weights-data").textContent);
  var labels = {};
  labels[MODEL] = data.models; labels[SET] = data.sets; labels[SCENARIO] = data.scenarios;
  labels[NAME] = data.names; labels[FLAG] = data.flags;
  var byId = function (id) { return document.getElementById(id); };
  var text = byId("w-text"), model = byId("w-model"), set = byId("w-set"), flagged = byId("w-flag");
  var shown = data.rows, page = 0, sortKey = null, descending = false;
  var heads = Array.prototype.slice.call(document.querySelectorAll(".weights th[data-key]"));

  // The scale of the drawn intervals leaves out the farthest hundredth, so that one wide
  // interval does not flatten all others.
  function reach() {
    var ends = [];
    data.rows.forEach(function (row) {
      if (row[LOW] !== null) { ends.push(Math.abs(row[LOW]), Math.abs(row[HIGH])); }
    });
    ends.sort(function (a, b) { return a - b; });
    return ends.length ? ends[Math.floor(0.99 * (ends.length - 1))] || 1 : 1;
  }
  var scale = reach();
  function percent(value) { return Math.max(0, Math.min(100, 50 + 50 * value / scale)); }

  function minus(written) { return written.replace("-", "\u2212"); }
  function fixed(value, places) {
    if (value === null) { return ""; }
    var written = value.toFixed(places);
    return Number(written) === 0 ? written.replace("-", "") : minus(written);
  }
  function grouped(value) { return value === null ? "" : value.toLocaleString("en-US"); }

  function cell(row, content, className) {
    var td = document.createElement(className === "head" ? "th" : "td");
    if (className === "head") { td.scope = "row"; } else if (className) { td.className = className; }
    td.textContent = content;
    row.appendChild(td);
    return td;
  }
  function interval(row) {
    var td = document.createElement("td");
    td.className = "plot";
    if (row[LOW] !== null) {
      var box = document.createElement("span"), bar = document.createElement("i"), tick = document.createElement("b");
      box.className = "iv";
      box.setAttribute("aria-hidden", "true");
      bar.style.left = percent(row[LOW]) + "%";
      bar.style.width = percent(row[HIGH]) - percent(row[LOW]) + "%";
      tick.style.left = percent(row[MEAN]) + "%";
      box.appendChild(bar); box.appendChild(tick); td.appendChild(box);
    }
    return td;
  }
  function draw() {
    var pages = Math.max(1, Math.ceil(shown.length / PER_PAGE)), body = document.createDocumentFragment();
    page = Math.min(page, pages - 1);
    shown.slice(page * PER_PAGE, (page + 1) * PER_PAGE).forEach(function (row) {
      var tr = document.createElement("tr"), flag = data.flags[row[FLAG]];
      if (flag) { tr.className = "flagged"; }
      cell(tr, data.scenarios[row[SCENARIO]].replace(/_/g, " "), "head");
      cell(tr, data.names[row[NAME]].replace(/_/g, " "), "label");
      cell(tr, data.models[row[MODEL]], "label name");
      cell(tr, data.sets[row[SET]], "label");
      cell(tr, fixed(row[WEIGHT], 0), "strong");
      cell(tr, fixed(row[MEAN], row[MEAN_PLACES]));
      cell(tr, row[LOW] === null ? "" : "[" + fixed(row[LOW], row[END_PLACES]) + ", " + fixed(row[HIGH], row[END_PLACES]) + "]");
      tr.appendChild(interval(row));
      cell(tr, row[DIRECTION]);
      cell(tr, row[ROPE]);
      cell(tr, grouped(row[ESS]));
      cell(tr, fixed(row[RHAT], 3));
      cell(tr, flag, "label");
      body.appendChild(tr);
    });
    byId("w-rows").replaceChildren(body);
    byId("w-count").textContent = grouped(shown.length) + " of " + grouped(data.rows.length) + " weights";
    byId("w-page").textContent = "page " + (page + 1) + " of " + pages;
    byId("w-previous").disabled = page === 0;
    byId("w-next").disabled = page === pages - 1;
  }

  function sortable(row) {
    var value = row[sortKey];
    if (labels[sortKey]) { return labels[sortKey][value]; }
    if (typeof value === "string") {
      // "> 0.999" sorts above and "< 0.001" below the figure it names.
      var figure = Number(value.replace(/[<> ]/g, ""));
      return value === "" ? null : figure + (value[0] === ">" ? 1e-6 : value[0] === "<" ? -1e-6 : 0);
    }
    return value;
  }
  function compare(a, b) {
    var x = sortable(a), y = sortable(b);
    if (x === y) { return 0; }
    if (x === null || x === "") { return 1; }
    if (y === null || y === "") { return -1; }
    var order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return descending ? -order : order;
  }
  function update() {
    var words = text.value.toLowerCase().replace(/_/g, " ").split(/\s+/).filter(Boolean);
    shown = data.rows.filter(function (row) {
      if (model.value !== "" && row[MODEL] !== Number(model.value)) { return false; }
      if (set.value !== "" && row[SET] !== Number(set.value)) { return false; }
      if (flagged.checked && !data.flags[row[FLAG]]) { return false; }
      var searched = (data.scenarios[row[SCENARIO]] + " " + data.names[row[NAME]]).replace(/_/g, " ").toLowerCase();
      return words.every(function (word) { return searched.indexOf(word) >= 0; });
    });
    if (sortKey !== null) { shown.sort(compare); }
    page = 0;
    draw();
  }
  function choices(select, names) {
    names.forEach(function (name, place) {
      var option = document.createElement("option");
      option.value = String(place);
      option.textContent = name;
      select.appendChild(option);
    });
  }
  choices(model, data.models);
  choices(set, data.sets);
  text.addEventListener("input", update);
  [model, set, flagged].forEach(function (input) { input.addEventListener("change", update); });
  var form = document.querySelector(".filters");
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function () { setTimeout(update, 0); });
  byId("w-previous").addEventListener("click", function () { page -= 1; draw(); });
  byId("w-next").addEventListener("click", function () { page += 1; draw(); });
  heads.forEach(function (head) {
    head.querySelector("button").addEventListener("click", function () {
      var key = Number(head.getAttribute("data-key"));
      if (key === sortKey && descending) { sortKey = null; descending = false; }
      else if (key === sortKey) { descending = true; }
      else { sortKey = key; descending = false; }
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      if (sortKey !== null) { head.setAttribute("aria-sort", descending ? "descending" : "ascending"); }
      update();
    });
  });
  byId("weights-app").hidden = false;
  draw();
})();
