"use strict";
/* Pure functions of the charts: unpacking, down-sampling, ticks, zoom. No page is touched here. */
const scales = (() => {
  const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  /* Read what columns.pack wrote: base64 of zigzag integers in groups of seven bits. */
  function unpack(text) {
    const bytes = atob(text);
    const values = new Float64Array(bytes.length);
    let count = 0, value = 0, weight = 1;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes.charCodeAt(i);
      value += (byte & 127) * weight;
      if (byte & 128) {
        weight *= 128;
      } else {
        values[count++] = value % 2 ? -(value + 1) / 2 : value / 2;
        value = 0;
        weight = 1;
      }
    }
    return values.slice(0, count);
  }

  function accumulate(deltas) {
    const sums = new Float64Array(deltas.length);
    let sum = 0;
    for (let i = 0; i < deltas.length; i++) sums[i] = sum += deltas[i];
    return sums;
  }

  function readColumn(packed) {
    const unit = Math.pow(10, packed.decimals);
    return accumulate(unpack(packed.deltas)).map((value) => value / unit);
  }

  /* Times in milliseconds; prices in quote units; the inverse of columns.pack_bars. */
  function readBars(packed) {
    const time = accumulate(accumulate(unpack(packed.times))), count = time.length, unit = Math.pow(10, packed.decimals);
    const open = unpack(packed.open), high = unpack(packed.high), low = unpack(packed.low);
    const close = unpack(packed.close), volume = unpack(packed.volume.values);
    let before = 0;
    for (let i = 0; i < count; i++) {
      const opened = before + open[i], closed = opened + close[i];
      high[i] = (Math.max(opened, closed) + high[i]) / unit;
      low[i] = (Math.min(opened, closed) - low[i]) / unit;
      open[i] = opened / unit;
      close[i] = closed / unit;
      volume[i] *= packed.volume.step;
      before = closed;
    }
    return { time, open, high, low, close, volume };
  }

  /* First index whose value is not below `wanted`; the length when there is none. */
  function lowerBound(sorted, wanted) {
    let low = 0, high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < wanted) low = middle + 1; else high = middle;
    }
    return low;
  }

  /* Bars merged into one candle so that it is at least `pixels` wide: 1, 2, 3, 4, 6, 8, 12, 24, 48 ... */
  function candleSize(barsPerPixel, pixels) {
    const wanted = barsPerPixel * pixels;
    let size = [1, 2, 3, 4, 6, 8, 12, 24].find((step) => step >= wanted) || 24;
    while (size < wanted) size *= 2;
    return size;
  }

  /* Merge rows [from, to) into candles of `size` rows; the groups begin at multiples of `size` and stay when panned. */
  function mergeCandles(bars, from, to, size) {
    const merged = [];
    for (let start = from - (from % size); start < to; start += size) {
      const end = Math.min(start + size, bars.time.length);
      let high = -Infinity, low = Infinity, volume = 0;
      for (let i = start; i < end; i++) {
        if (bars.high[i] > high) high = bars.high[i];
        if (bars.low[i] < low) low = bars.low[i];
        volume += bars.volume[i];
      }
      merged.push({ row: start, end, open: bars.open[start], high, low, close: bars.close[end - 1], volume });
    }
    return merged;
  }

  /* The first, lowest, highest and last value of each pixel column: nothing that sticks out is lost. */
  function minMaxColumns(time, values, view, width) {
    const from = Math.max(0, lowerBound(time, view.from) - 1);
    const to = Math.min(time.length, lowerBound(time, view.to) + 1);
    const perPixel = (view.to - view.from) / width, columns = [];
    let current = null;
    for (let i = from; i < to; i++) {
      const x = Math.floor((time[i] - view.from) / perPixel), value = values[i];
      if (!current || current.x !== x) {
        current = { x, first: value, low: value, high: value, last: value };
        columns.push(current);
      } else {
        if (value < current.low) current.low = value;
        if (value > current.high) current.high = value;
        current.last = value;
      }
    }
    return columns;
  }

  function onGrid(step, places) {
    const scaled = step * Math.pow(10, places);
    return Math.abs(scaled - Math.round(scaled)) < 1e-6 * Math.max(1, scaled) && scaled >= 0.5;
  }

  /* Round values between low and high, about `count` of them, and the decimals to write them with. */
  function niceTicks(low, high, count) {
    const span = high - low;
    if (!(span > 0) || !isFinite(span)) return { ticks: [low], decimals: 2 };
    const power = Math.pow(10, Math.floor(Math.log10(span / count)));
    const step = [1, 2, 2.5, 5].map((factor) => factor * power).find((size) => span / size <= count * 1.3) || 10 * power;
    const decimals = [0, 1, 2, 3, 4, 5, 6, 7, 8].find((places) => onGrid(step, places)) ?? 9, ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step);
    return { ticks, decimals };
  }

  const STEPS = [SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
    3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];

  /* Moments at round UTC times, at most `count`, with labels that name the day or the year where it begins. */
  function timeTicks(from, to, count) {
    const step = STEPS.find((size) => (to - from) / size <= count);
    const ticks = [];
    if (step) {
      const origin = step >= 7 * DAY ? 4 * DAY : 0;
      for (let time = Math.ceil((from - origin) / step) * step + origin; time <= to; time += step) {
        ticks.push({ time, label: dayLabel(time, step) });
      }
      return ticks;
    }
    const months = MONTH_STEPS.find((size) => (to - from) / (size * 30.4 * DAY) <= count) || 240;
    const start = new Date(from);
    let month = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
    for (; ; month += months) {
      const time = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (time > to) return ticks;
      const year = String(Math.floor(month / 12));
      if (time >= from) ticks.push({ time, label: month % 12 ? MONTHS[month % 12] : year });
    }
  }

  function dayLabel(time, step) {
    const moment = new Date(time), midnight = time % DAY === 0;
    if (midnight && moment.getUTCDate() === 1 && moment.getUTCMonth() === 0) return String(moment.getUTCFullYear());
    if (midnight) return moment.getUTCDate() + " " + MONTHS[moment.getUTCMonth()];
    return moment.toISOString().slice(11, step < MINUTE ? 19 : 16);
  }

  /* 1234567.891 -> "1,234,567.89"; a true minus; what is not finite is a dash. */
  function fixed(value, decimals, signed) {
    if (value === null || !isFinite(value)) return "–";
    const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
    const text = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") + (rest ? "." + rest : "");
    if (!/[1-9]/.test(text)) return text;
    return (value < 0 ? "−" : signed ? "+" : "") + text;
  }

  /* 1234567 -> "1.23M": for volumes. */
  function short(value) {
    if (!isFinite(value)) return "–";
    const unit = [[1e9, "G"], [1e6, "M"], [1e3, "k"]].find(([size]) => Math.abs(value) >= size) || [1, ""];
    return String(Number((value / unit[0]).toPrecision(3))) + unit[1];
  }

  function moment(time) {
    const text = new Date(time).toISOString();
    return text.slice(0, 10) + " " + text.slice(11, time % MINUTE ? 19 : 16);
  }

  /* Keep a view inside the limits and not narrower than `narrowest`. */
  function clampView(view, limits, narrowest) {
    const whole = limits.to - limits.from;
    const width = Math.min(whole, Math.max(view.to - view.from, Math.min(narrowest, whole)));
    const middle = (view.from + view.to) / 2;
    const from = Math.min(Math.max(middle - width / 2, limits.from), limits.to - width);
    return { from, to: from + width };
  }

  /* Make the view `factor` times as wide, with the moment `anchor` staying where it is. */
  function zoom(view, factor, anchor) {
    return { from: anchor - (anchor - view.from) * factor, to: anchor + (view.to - anchor) * factor };
  }

  function pan(view, share) {
    const distance = (view.to - view.from) * share;
    return { from: view.from + distance, to: view.to + distance };
  }

  /* The worth of the text of a table cell: a number, or the text itself. */
  function sortValue(text) {
    const plain = text.replace(/−/g, "-").replace(/[,\u00a0%+]/g, "").trim();
    if (plain === "–" || plain === "") return -Infinity;
    return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : plain;
  }

  /* Order two sort values: undefined ones first, numbers before text. */
  function compare(one, other) {
    if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
    return typeof one === "number" ? -1 : 1;
  }

  return { unpack, accumulate, readColumn, readBars, lowerBound, candleSize, mergeCandles, minMaxColumns, niceTicks,
    timeTicks, fixed, short, moment, clampView, zoom, pan, sortValue, compare };
})();
if (typeof module !== "undefined") module.exports = scales;
