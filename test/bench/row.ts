/** One figure of a bench, as `npm run bench` prints it. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Bound that must hold, and the desired one: lower bounds for rates, upper bounds for all others. */
  readonly must?: number;
  readonly goal?: number;
  readonly note?: string;
}
