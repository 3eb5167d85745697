/** Numbers as text: three significant digits, separated thousands, units after a no-break space. */

const NBSP = "\u00a0";

/** `0.0123`, `1.23`, `12.3`, `1,234`: three significant digits below a thousand. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

export function formatMs(value: number): string {
  return `${formatNumber(value)}${NBSP}ms`;
}

/** `57 %`; one decimal below ten. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent.toFixed(percent < 10 ? 1 : 0)}${NBSP}%`;
}

/** `0.61×`; more than a hundredfold without decimals. */
export function formatRatio(ratio: number): string {
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toFixed(2)}×`;
}

/** `6.0k`, `14.2k`, `880`. */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens));
  if (tokens < 1e6) return `${(tokens / 1e3).toFixed(1)}k`;
  return `${(tokens / 1e6).toFixed(1)}M`;
}
