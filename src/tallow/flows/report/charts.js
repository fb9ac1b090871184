"use strict";
/* Draw equity, drawdown and candles on canvases that share one view, one cursor and one set of controls. */
const charts = ((scales) => {
  const FONT = "11px system-ui, sans-serif", AXIS = 22, PAD = 8;

  /* The colours of the current theme. */
  function colours(element) {
    const style = getComputedStyle(element), found = {};
    for (const role of ["ink", "soft", "line", "edge", "accent", "mark", "card", "up", "down", "band", "warn"]) {
      found[role] = style.getPropertyValue("--" + role).trim();
    }
    return found;
  }

  /* One panel of a canvas: rows of pixels with a value axis at the right. */
  function panel(top, height, low, high) {
    if (!(high > low)) { const pad = Math.abs(low) * 0.01 || 1; low -= pad; high += pad; }
    return { top, height, low, high, y: (value) => top + height - (value - low) / (high - low) * height,
      value: (y) => low + (top + height - y) / height * (high - low) };
  }

  function range(columns, low, high) {
    for (const column of columns) {
      if (column.low < low) low = column.low;
      if (column.high > high) high = column.high;
    }
    return [low, high];
  }

  function padded(low, high, share) {
    const pad = (high - low) * share;
    return [low - pad, high + pad];
  }

  class Chart {
    constructor(stage, box, data) {
      this.stage = stage;
      this.box = box;
      this.data = data;
      this.canvas = box.querySelector("canvas");
      this.readout = box.parentElement.querySelector(".readout");
      this.gutter = 64;
    }

    x(time) { return (time - this.stage.view.from) / (this.stage.view.to - this.stage.view.from) * this.plot; }
    time(x) { return this.stage.view.from + x / this.plot * (this.stage.view.to - this.stage.view.from); }

    draw() {
      const ratio = window.devicePixelRatio || 1, canvas = this.canvas;
      const width = canvas.clientWidth, height = canvas.clientHeight;
      if (!width || !height) return;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      const pen = this.pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.font = FONT;
      this.width = width;
      this.height = height;
      this.plot = width - this.gutter;
      this.colours = this.stage.colours;
      this.panels = this.layout();
      const widest = this.panels.reduce((most, part) => Math.max(most, part.axis ? this.labelWidth(part) : 0), 0);
      if (Math.abs(widest + 14 - this.gutter) > 1) {
        this.gutter = widest + 14;
        this.plot = width - this.gutter;
        this.panels = this.layout();
      }
      this.grid();
      pen.save();
      pen.beginPath();
      pen.rect(0, 0, this.plot, height - AXIS);
      pen.clip();
      this.paint();
      pen.restore();
      this.cursor();
    }

    labels(part) {
      const { ticks, decimals } = scales.niceTicks(part.low, part.high, Math.max(2, Math.floor(part.height / 44)));
      part.fine = decimals || ticks.length > 1 && ticks[1] - ticks[0] < 10 ? decimals + 1 : 0;
    return ticks.map((value) => ({ value, text: scales.fixed(value, decimals) + (part.unit || "") }));
    }

    labelWidth(part) {
      return Math.max(...this.labels(part).map((label) => this.pen.measureText(label.text).width + (part.fine ? 7 : 0)), 24);
    }

    grid() {
      const pen = this.pen;
      pen.lineWidth = 1;
      pen.textBaseline = "middle";
      const shown = this.panels.filter((part) => part.axis), last = shown[shown.length - 1];
      for (const part of shown) {
        for (const label of this.labels(part)) {
          const y = Math.round(part.y(label.value)) + 0.5;
          this.stroke(this.colours.line, [[0, y], [this.plot, y]]);
          pen.fillStyle = this.colours.soft;
          pen.textAlign = "left";
          if (y > 6 && y < part.top + part.height - (part === last ? 3 : 10)) pen.fillText(label.text, this.plot + 8, y);
        }
      }
      const bottom = this.height - AXIS + 0.5;
      this.stroke(this.colours.edge, [[0, bottom], [this.plot, bottom]]);
      pen.textAlign = "center";
      let free = 0;
      for (const tick of scales.timeTicks(this.stage.view.from, this.stage.view.to, Math.max(2, this.plot / 64))) {
        const x = Math.round(this.x(tick.time)) + 0.5, half = pen.measureText(tick.label).width / 2;
        this.stroke(this.colours.line, [[x, 0], [x, bottom]]);
        if (x - half < free || x + half > this.plot) continue;
        pen.fillStyle = this.colours.soft;
        pen.fillText(tick.label, x, bottom + AXIS / 2);
        free = x + half + 10;
      }
    }

    stroke(colour, points, dash, width) {
      const pen = this.pen;
      pen.strokeStyle = colour;
      pen.lineWidth = width || 1;
      pen.setLineDash(dash || []);
      pen.beginPath();
      points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
      pen.stroke();
      pen.setLineDash([]);
    }

    /* A line through first, low, high and last of every pixel column. */
    line(columns, part, colour, dash, width) {
      const points = [];
      for (const { x, first, low, high, last } of columns) {
        points.push([x + 0.5, part.y(first)]);
        if (low !== high) points.push([x + 0.5, part.y(low)], [x + 0.5, part.y(high)], [x + 0.5, part.y(last)]);
      }
      if (points.length === 1) points.unshift([points[0][0] - 5, points[0][1]]);
      this.stroke(colour, points, dash, width || 1.5);
      return points;
    }

    columns(values) {
      const half = this.data.length / 2, view = this.stage.view;
      return scales.minMaxColumns(this.data.bars.time, values, { from: view.from - half, to: view.to - half }, this.plot);
    }

    cursor() {
      const row = this.stage.row(), pen = this.pen;
      this.read(row);
      if (this.stage.at === null) return;
      const x = Math.round(this.x(this.data.bars.time[row] + this.data.length / 2)) + 0.5;
      this.stroke(this.colours.mark, [[x, 0], [x, this.height - AXIS]], [3, 3]);
      const y = this.stage.over === this ? this.stage.y : null;
      const part = y === null ? null : this.panels.find((each) => each.axis && y >= each.top && y <= each.top + each.height);
      if (!part) return;
      this.stroke(this.colours.mark, [[0, Math.round(y) + 0.5], [this.plot, Math.round(y) + 0.5]], [3, 3]);
      const text = scales.fixed(part.value(y), part.fine) + (part.unit || "");
      pen.fillStyle = this.colours.ink;
      pen.fillRect(this.plot + 2, y - 9, this.gutter - 2, 18);
      pen.fillStyle = this.colours.card;
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(text, this.plot + 8, y + 0.5);
    }

    /* Write pairs of (name, text, class) above the canvas. */
    say(pairs) {
      const spans = pairs.map(([name, text, kind]) => {
        const span = document.createElement("span"), strong = document.createElement("b");
        strong.textContent = text;
        if (kind) strong.className = kind;
        if (name) span.append(name + " ");
        span.append(strong);
        return span;
      });
      this.readout.replaceChildren(...spans);
    }
  }

  class EquityChart extends Chart {
    layout() {
      const inner = this.height - AXIS - PAD * 3, tall = Math.round(inner * 0.7);
      const data = this.data;
      this.equity = this.columns(data.equity);
      this.hold = data.hold ? this.columns(data.hold) : [];
      this.under = this.columns(data.drawdown);
      const above = panel(PAD, tall, ...padded(...range(this.hold, ...range(this.equity, Infinity, -Infinity)), 0.04));
      const deepest = range(this.under, 0, 0)[0];
      const below = panel(PAD * 2 + tall, inner - tall, deepest * 1.05 || -1, 0);
      return [Object.assign(above, { axis: true, decimals: data.decimals }),
        Object.assign(below, { axis: true, decimals: 2, unit: " %" })];
    }

    paint() {
      const [above, below] = this.panels, pen = this.pen;
      if (this.hold.length) {
      // Dashes need a smooth path: only the last value of each pixel column.
      const smooth = this.hold.map(({ x, last }) => ({ x, first: last, low: last, high: last, last }));
      this.line(smooth, above, this.colours.mark, [5, 4], 1.25);
    }
      this.line(this.equity, above, this.colours.accent, [], 1.75);
      const points = this.line(this.under, below, this.colours.down, [], 1.25);
      if (!points.length) return;
      pen.fillStyle = this.colours.down;
      pen.globalAlpha = 0.16;
      pen.beginPath();
      pen.moveTo(points[0][0], below.y(0));
      points.forEach(([x, y]) => pen.lineTo(x, y));
      pen.lineTo(points[points.length - 1][0], below.y(0));
      pen.fill();
      pen.globalAlpha = 1;
    }

    read(row) {
      const data = this.data, under = data.drawdown[row];
      const pairs = [["", scales.moment(data.bars.time[row])], ["Equity", scales.fixed(data.equity[row], data.decimals)]];
      if (data.hold) pairs.push(["Buy & hold", scales.fixed(data.hold[row], data.decimals)]);
      pairs.push(["Drawdown", scales.fixed(under, 2) + " %", under < 0 ? "down" : ""]);
      this.say(pairs);
    }
  }

  class PriceChart extends Chart {
    layout() {
      const data = this.data, view = this.stage.view, inner = this.height - AXIS - PAD * 2;
      const first = Math.max(0, scales.lowerBound(data.bars.time, view.from - data.length));
      const last = Math.max(first + 1, scales.lowerBound(data.bars.time, view.to));
      const perPixel = (last - first) / this.plot;
      this.size = scales.candleSize(perPixel, 3);
      this.candles = scales.mergeCandles(data.bars, first, last, this.size);
      const [low, high] = range(this.candles, Infinity, -Infinity), tall = Math.round(inner * 0.8);
      const volume = this.candles.reduce((most, candle) => Math.max(most, candle.volume), 0);
      return [Object.assign(panel(PAD, tall, ...padded(low, high, 0.08)), { axis: true, decimals: data.priceDecimals }),
        panel(PAD + tall + 10, inner - tall - 10, 0, volume || 1)];
    }

    paint() {
      const [above, below] = this.panels, pen = this.pen, data = this.data;
      const step = (data.length * this.size) / (this.stage.view.to - this.stage.view.from) * this.plot;
      const body = Math.max(1, Math.min(step - 1, step * 0.72, 22));
      for (const candle of this.candles) {
        const from = data.bars.time[candle.row], to = data.bars.time[candle.end - 1] + data.length;
        const x = this.x((from + to) / 2), rises = candle.close >= candle.open;
        pen.fillStyle = pen.strokeStyle = rises ? this.colours.up : this.colours.down;
        pen.globalAlpha = 0.3;
        const top = below.y(candle.volume);
        pen.fillRect(x - body / 2, top, body, below.top + below.height - top);
        pen.globalAlpha = 1;
        pen.fillRect(Math.round(x) - 0.5, above.y(candle.high), 1, Math.max(1, above.y(candle.low) - above.y(candle.high)));
        const high = above.y(Math.max(candle.open, candle.close)), low = above.y(Math.min(candle.open, candle.close));
        // Rising bodies are hollow when there is room: direction does not hang on colour.
        if (rises && body >= 5 && low - high > 2) {
          pen.fillStyle = this.colours.card;
          pen.fillRect(x - body / 2, high, body, low - high);
          pen.lineWidth = 1;
          pen.strokeRect(Math.round(x - body / 2) + 0.5, Math.round(high) + 0.5, Math.round(body) - 1, low - high);
        } else {
          pen.fillRect(x - body / 2, high, body, Math.max(1, low - high));
        }
      }
      this.incidents();
    this.holdings(above);
      this.markers(above, Math.max(3.5, Math.min(6, step * 0.5)));
    }

    /* Bars on the time axis where the data has a gap or worse. */
    incidents() {
      const pen = this.pen;
      pen.fillStyle = this.colours.warn;
      for (const [from, to] of this.data.incidents) {
        const x = this.x(from), width = Math.max(3, this.x(to) - x);
        if (x + width > 0 && x < this.plot) pen.fillRect(x, this.height - AXIS - 5, width, 5);
      }
    }

    /* Join entry and exit of every trade that is in view. */
    holdings(part) {
      const { trades, bars, length } = this.data, view = this.stage.view;
      for (const trade of trades) {
        const from = bars.time[trade.entry] + length / 2, to = bars.time[trade.exit] + length / 2;
        if (to < view.from || from > view.to || this.x(to) - this.x(from) < 6) continue;
        const colour = trade.profit >= 0 ? this.colours.up : this.colours.down;
        this.stroke(colour, [[this.x(from), part.y(trade.entryPrice)], [this.x(to), part.y(trade.exitPrice)]], [2, 3]);
      }
    }

    /* A triangle pointing up below the low for buys, one pointing down above the high for sells; a cross: liquidation. */
    markers(part, size) {
      const { fills, bars, length } = this.data, seen = new Set();
      const start = scales.lowerBound(fills.time, this.stage.view.from - length);
      for (let i = start; i < fills.row.length && fills.time[i] <= this.stage.view.to; i++) {
        const x = this.x(fills.time[i] + length / 2), buys = fills.buy[i], place = Math.round(x / size) * 2 + buys;
        if (seen.has(place)) continue;
        seen.add(place);
        const candle = this.candles[Math.floor(fills.row[i] / this.size) - Math.floor(this.candles[0].row / this.size)];
        if (!candle) continue;
        const tip = buys ? part.y(candle.low) + 4 : part.y(candle.high) - 4, away = buys ? 1 : -1;
        if (fills.reason[i] === 4) this.cross(x, tip + away * size, size);
        this.triangle(x, tip, away * size, size, buys ? this.colours.up : this.colours.down);
      }
    }

    triangle(x, tip, height, half, colour) {
      const pen = this.pen;
      pen.beginPath();
      pen.moveTo(x, tip);
      pen.lineTo(x - half * 0.85, tip + height * 1.5);
      pen.lineTo(x + half * 0.85, tip + height * 1.5);
      pen.closePath();
      pen.fillStyle = colour;
      pen.strokeStyle = this.colours.card;
      pen.lineWidth = 1.5;
      pen.stroke();
      pen.fill();
    }

    cross(x, y, size) {
      const reach = size + 3;
      this.stroke(this.colours.ink, [[x - reach, y - reach], [x + reach, y + reach]], [], 2);
      this.stroke(this.colours.ink, [[x - reach, y + reach], [x + reach, y - reach]], [], 2);
    }

    read(row) {
      const { bars, priceDecimals, fills, reasons } = this.data;
      const start = row - (row % this.size), candle = scales.mergeCandles(bars, start, row + 1, this.size)[0];
      const words = this.size > 1 ? scales.moment(bars.time[start]) + " · " + (candle.end - candle.row) + " bars" : scales.moment(bars.time[row]);
      const pairs = [["", words]];
      for (const [name, key] of [["O", "open"], ["H", "high"], ["L", "low"], ["C", "close"]]) {
        pairs.push([name, scales.fixed(candle[key], priceDecimals)]);
      }
      pairs.push(["V", scales.short(candle.volume)]);
      const from = scales.lowerBound(fills.row, candle.row), to = scales.lowerBound(fills.row, candle.end);
      for (let i = from; i < Math.min(to, from + 2); i++) {
        const price = scales.fixed(fills.price[i], priceDecimals) + " (" + reasons[fills.reason[i]].replace("_", " ") + ")";
        pairs.push([fills.buy[i] ? "▲ buy" : "▼ sell", scales.short(fills.quantity[i]) + " @ " + price, fills.buy[i] ? "up" : "down"]);
      }
      if (to - from > 2) pairs.push(["", "+" + (to - from - 2) + " more"]);
      this.say(pairs);
    }
  }

  /* The view and the cursor that all charts share. */
  class Stage {
    constructor(data) {
      const time = data.bars.time;
      this.data = data;
      this.limits = { from: time[0], to: time[time.length - 1] + data.length };
      this.view = { ...this.limits };
      this.at = this.over = this.y = null;
      this.charts = [];
      this.queued = false;
      this.recolour();
    }

    add(kind, box) {
      const chart = new kind(this, box, this.data);
      this.charts.push(chart);
      return chart;
    }

    recolour() { this.colours = colours(document.documentElement); }

    row() {
      const time = this.data.bars.time, at = this.at === null ? Math.min(this.limits.to, this.view.to) - 1 : this.at;
      return Math.max(0, Math.min(time.length - 1, scales.lowerBound(time, at + 0.5) - 1));
    }

    show(view) {
      this.view = scales.clampView(view, this.limits, this.data.length * 12);
      this.redraw();
    }

    redraw() {
      if (this.queued) return;
      this.queued = true;
      requestAnimationFrame(() => {
        this.queued = false;
        for (const chart of this.charts) chart.draw();
      });
    }

    act(name) {
      const middle = this.at === null ? (this.view.from + this.view.to) / 2 : this.at;
      const actions = { in: () => scales.zoom(this.view, 0.6, middle), out: () => scales.zoom(this.view, 1 / 0.6, middle),
        left: () => scales.pan(this.view, -0.25), right: () => scales.pan(this.view, 0.25), all: () => this.limits };
      this.show(actions[name]());
    }

    step(count) {
      const time = this.data.bars.time, row = Math.max(0, Math.min(time.length - 1, this.row() + count));
      this.at = time[row];
      if (this.at < this.view.from) this.view = scales.clampView(scales.pan(this.view, -0.25), this.limits, 0);
      if (this.at >= this.view.to) this.view = scales.clampView(scales.pan(this.view, 0.25), this.limits, 0);
      this.redraw();
    }
  }

  return { Stage, EquityChart, PriceChart };
})(scales);
