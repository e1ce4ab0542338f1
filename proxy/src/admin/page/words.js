// Numbers, times and verdicts in words.

/** What a verdict is called, in a badge. */
export const VERDICTS = {
  healthy: "Healthy", degraded: "Degraded", open: "Out of service", half_open: "Being tested",
  ramping: "Coming back", disabled: "Switched off",
};

/** How bad a verdict is; the worst first. */
const SEVERITY = ["open", "half_open", "disabled", "ramping", "degraded", "healthy"];

export const verdictWord = (verdict) => VERDICTS[verdict] ?? String(verdict ?? "unknown");
export const worse = (one, other) => SEVERITY.indexOf(one) - SEVERITY.indexOf(other);

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value) => (value < 100000 ? number.format(value) : compact.format(value));
export const calls = (value) => `${count(value)} ${value === 1 ? "call" : "calls"}`;

/** A ratio of 0 to 1. Small is not none: what is not 0 is never shown as 0. */
export function percent(ratio) {
  if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return "–";
  const value = ratio * 100;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  if (value < 100 && value > 99.9) return "> 99.9 %";
  return `${value >= 10 ? Math.round(value) : number.format(value)} %`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(value < 10000 ? 1 : 0)} s`;
}

/** A length of time: two units at most. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 10) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

export const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour12: false });

/** A time of day, with the day when it is another one than `now`'s. */
export function moment(at, now) {
  const then = new Date(at * 1000);
  const today = new Date(now * 1000).toDateString() === then.toDateString();
  return today ? clock(at) : `${then.toLocaleDateString([], { month: "short", day: "numeric" })} ${clock(at)}`;
}

/** `a`, `a and b`, `a, b and c`, `a, b and 3 more`. */
export function list(names) {
  if (names.length <= 1) return names[0] ?? "";
  const shown = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names;
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

export const plural = (names, one, many) => (names.length === 1 ? one : many);
