/** Numbers for people. */

/** Three digits that matter, thousands with a separator; empty for what was not measured. */
export function inDigits(value: number): string {
  if (!Number.isFinite(value)) return '';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = Math.abs(value).toFixed(digits);
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${value < 0 && Number(text) !== 0 ? '-' : ''}${grouped}${fraction ? `.${fraction}` : ''}`;
}

/** `1.05 ×`; empty for what was not measured. */
export function asRatio(value: number): string {
  return Number.isFinite(value) ? `${inDigits(value)}×` : '';
}
