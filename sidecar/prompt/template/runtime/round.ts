/** Exact decimal rounding of doubles, as Python's `round` and its number formats do it: half to even, on the exact value. */

const MANTISSA_BITS = 52n;

/** A finite double as mantissa × 2^exponent. */
const decompose = (value: number): { readonly mantissa: bigint; readonly exponent: bigint } => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = (bits >> MANTISSA_BITS) & 0x7ffn;
  const fraction = bits & ((1n << MANTISSA_BITS) - 1n);
  const mantissa = biased === 0n ? fraction : fraction | (1n << MANTISSA_BITS);
  const exponent = (biased === 0n ? 1n : biased) - 1075n;
  return { mantissa: value < 0 ? -mantissa : mantissa, exponent };
};

/** `numerator / denominator` to the nearest integer, ties to even. The denominator is positive. */
export const divideToEven = (numerator: bigint, denominator: bigint): bigint => {
  const size = numerator < 0n ? -numerator : numerator;
  const quotient = size / denominator;
  const twice = (size % denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  const rounded = isUp ? quotient + 1n : quotient;
  return numerator < 0n ? -rounded : rounded;
};

/** A finite double × 10^places, to the nearest integer, ties to even. */
const scale = (value: number, places: number): bigint => {
  const { mantissa, exponent } = decompose(value);
  const numerator = mantissa * 10n ** BigInt(Math.max(0, places)) * 2n ** (exponent > 0n ? exponent : 0n);
  const denominator = 10n ** BigInt(Math.max(0, -places)) * 2n ** (exponent < 0n ? -exponent : 0n);
  return divideToEven(numerator, denominator);
};

/** Python's `round(value, places)` of a float. */
export const roundFloat = (value: number, places: number): number => {
  if (!Number.isFinite(value) || places > 323) return value;
  if (places < -308) return value < 0 ? -0 : 0;
  const rounded = Number(`${scale(value, places)}e${-places}`);
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
};

/** A float with a fixed number of decimals, as Python's `%.2f`. */
export const toFixedDecimals = (value: number, places: number): string => {
  const scaled = scale(value, places);
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(places + 1, '0');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
};
