"use strict";
/* Bring the page to life: theme and colours, charts, tables. Without this script everything can still be read. */
((scales, charts) => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);

  function remember(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* private windows and sandboxed frames have no storage */ }
    return null;
  }

  function readData() {
    const bars = scales.readBars(data.bars), equity = scales.readColumn(data.run.equity);
    let highest = data.cash;
    const drawdown = equity.map((value) => {
      highest = Math.max(highest, value);
      return (value / highest - 1) * 100;
    });
    const row = scales.accumulate(scales.unpack(data.run.fills.row));
    const entry = scales.accumulate(scales.unpack(data.run.trades.entry)), held = scales.unpack(data.run.trades.length);
    const prices = [scales.readColumn(data.run.trades.entry_price), scales.readColumn(data.run.trades.exit_price)];
    const won = scales.unpack(data.run.trades.won);
    return { bars, equity, drawdown, length: data.length, incidents: data.incidents, decimals: data.run.equity.decimals,
      priceDecimals: data.bars.decimals, reasons: data.reasons, hold: holdLine(bars, data.hold),
      fills: { row, time: row.map((at) => bars.time[at]), buy: scales.unpack(data.run.fills.buy),
        price: scales.readColumn(data.run.fills.price), quantity: data.run.fills.quantity,
        reason: scales.unpack(data.run.fills.reason) },
      trades: Array.from(entry, (at, i) => ({ entry: at, exit: at + held[i], entryPrice: prices[0][i],
        exitPrice: prices[1][i], profit: won[i] ? 1 : -1 })) };
  }

  function holdLine(bars, hold) {
    if (!hold) return null;
    return bars.close.map((close, row) => row < hold.from ? hold.cash : close * hold.factor);
  }

  function controlTheme(stage) {
    const button = document.getElementById("theme"), select = document.getElementById("colours");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const asked = new URLSearchParams(location.search);
    const apply = () => {
      const isDark = (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
      button.textContent = isDark ? "Light theme" : "Dark theme";
      if (stage) { stage.recolour(); stage.redraw(); }
    };
    const theme = asked.get("theme") || remember("tallow-theme"), colours = asked.get("colours") || remember("tallow-colours");
    if (["light", "dark"].includes(theme)) root.dataset.theme = theme;
    if ([...select.options].some((option) => option.value === colours)) root.dataset.palette = select.value = colours;
    button.addEventListener("click", () => {
      const isDark = (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
      root.dataset.theme = isDark ? "light" : "dark";
      remember("tallow-theme", root.dataset.theme);
      apply();
    });
    select.addEventListener("change", () => {
      root.dataset.palette = select.value;
      remember("tallow-colours", select.value);
      apply();
    });
    dark.addEventListener("change", apply);
    apply();
  }

  const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "in", ArrowDown: "out", "+": "in", "=": "in", "-": "out",
    Home: "all", 0: "all" };

  function listen(stage, chart) {
    const canvas = chart.canvas, pointers = new Map();
    let grip = null, span = 0;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const hover = ({ x, y }) => {
      stage.at = x < chart.plot ? chart.time(x) : null;
      stage.over = chart;
      stage.y = y;
      stage.redraw();
    };
    const spread = () => {
      const [one, other] = [...pointers.values()];
      return { middle: (one.x + other.x) / 2, span: Math.max(12, Math.abs(one.x - other.x)) };
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, place(event));
      grip = chart.time(place(event).x);
      hover(place(event));
      if (pointers.size === 2) span = spread().span;
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = place(event);
      if (!pointers.has(event.pointerId)) return hover(at);
      pointers.set(event.pointerId, at);
      if (pointers.size === 2) {
        const now = spread();
        stage.show(scales.zoom(stage.view, span / now.span, chart.time(now.middle)));
        span = now.span;
      } else {
        const shift = grip - chart.time(at.x);
        stage.show({ from: stage.view.from + shift, to: stage.view.to + shift });
      }
    });
    const leave = (event) => {
      pointers.delete(event.pointerId);
      const [rest] = pointers.values();
      if (rest) grip = chart.time(rest.x);
    };
    canvas.addEventListener("pointerup", leave);
    canvas.addEventListener("pointercancel", leave);
    canvas.addEventListener("pointerleave", (event) => {
      // A finger that lifts leaves the values it pointed at on show.
      if (event.pointerType !== "mouse") return;
      stage.at = stage.over = null;
      stage.redraw();
    });
    canvas.addEventListener("dblclick", () => stage.act("all"));
    canvas.addEventListener("wheel", (event) => {
      // Plain scrolling past a chart must not be caught: the wheel zooms a focused chart, or with Ctrl.
      if (document.activeElement !== canvas && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const factor = Math.pow(1.0015, Math.max(-300, Math.min(300, event.deltaY)));
      stage.show(sideways ? scales.pan(stage.view, event.deltaX / chart.plot)
        : scales.zoom(stage.view, factor, chart.time(place(event).x)));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Escape") { stage.at = null; stage.redraw(); canvas.blur(); return; }
      if (event.shiftKey && event.key.startsWith("Arrow")) stage.step(event.key === "ArrowLeft" ? -1 : 1);
      else if (KEYS[event.key]) stage.act(KEYS[event.key]);
      else return;
      event.preventDefault();
    });
    for (const button of chart.box.parentElement.querySelectorAll("button[data-act]")) {
      button.addEventListener("click", () => stage.act(button.dataset.act));
    }
  }

  function pageTable(table) {
    const body = table.tBodies[0], size = Number(table.dataset.page), box = table.closest(".paged");
    const rows = [...body.rows], pager = box.querySelector(".pager"), status = pager.querySelector(".status");
    for (const cells of table.id === "trade-rows" ? data.more : []) rows.push(makeRow(cells));
    let page = 0;
    const pages = Math.max(1, Math.ceil(rows.length / size));
    const show = () => {
      body.replaceChildren(...rows.slice(page * size, (page + 1) * size));
      if (table.id === "trade-rows" && data.drawable) for (const row of body.rows) offerChart(row);
      status.textContent = `${(page * size + 1).toLocaleString("en")}–${Math.min(rows.length, (page + 1) * size).toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
      for (const button of pager.querySelectorAll("button")) {
        button.disabled = Number(button.dataset.turn) < 0 ? page === 0 : page === pages - 1;
      }
    };
    pager.hidden = pages < 2;
    pager.addEventListener("click", (event) => {
      const turn = Number(event.target.dataset && event.target.dataset.turn);
      if (!turn) return;
      page = Math.max(0, Math.min(pages - 1, page + turn));
      show();
    });
    sortable(table, rows, () => { page = 0; show(); });
    window.addEventListener("beforeprint", () => body.replaceChildren(...rows));
    window.addEventListener("afterprint", show);
    show();
  }

  /* Make the number of a trade a button that shows it on the chart. */
  function offerChart(row) {
    const cell = row.cells[0];
    if (cell.firstElementChild) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "go";
    button.textContent = cell.textContent;
    button.title = "Show on the chart";
    cell.replaceChildren(button);
  }

  function makeRow(cells) {
    const row = document.createElement("tr");
    for (const text of cells) row.insertCell().textContent = text;
    return row;
  }

  function sortable(table, rows, show) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.title = head.title;
      head.removeAttribute("title");
      head.append(button);
      button.addEventListener("click", () => {
        const rising = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        const keyed = rows.map((row) => [scales.sortValue(row.cells[column].textContent), row]);
        keyed.sort(([one], [other]) => rising ? scales.compare(one, other) : scales.compare(other, one));
        rows.splice(0, rows.length, ...keyed.map(([, row]) => row));
        show();
      });
    });
  }

  function linkTrades(stage, trades) {
    const table = document.getElementById("trade-rows");
    if (!table) return;
    const go = (row) => {
      const trade = trades[Number(row.cells[0].textContent.replace(/,/g, "")) - 1];
      if (!trade) return;
      const time = stage.data.bars.time, pad = Math.max(20, trade.exit - trade.entry) * stage.data.length;
      stage.at = time[trade.entry];
      stage.show({ from: time[trade.entry] - pad, to: time[trade.exit] + pad });
      document.getElementById("price").scrollIntoView();
    };
    table.tBodies[0].addEventListener("click", (event) => {
      if (event.target.closest("button")) go(event.target.closest("tr"));
    });
  }

  function copyable() {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      button.hidden = !navigator.clipboard;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
        button.textContent = "Copied";
      });
    }
  }

  root.classList.add("live");
  let stage = null;
  if (data.drawable) {
    const shown = readData();
    stage = new charts.Stage(shown);
    listen(stage, stage.add(charts.EquityChart, document.getElementById("equity-stage")));
    listen(stage, stage.add(charts.PriceChart, document.getElementById("price-stage")));
    new ResizeObserver(() => stage.redraw()).observe(document.getElementById("equity-stage"));
    linkTrades(stage, shown.trades);
  }
  controlTheme(stage);
  for (const table of document.querySelectorAll("table[data-page]")) pageTable(table);
  copyable();
  root.dataset.ready = "yes";
})(scales, charts);
