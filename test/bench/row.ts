/** One figure of a bench, as `npm run bench` prints it. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Bound that must hold, and the one we want: from below for rates, from above for all else. */
  readonly must?: number;
  readonly goal?: number;
  readonly note?: string;
}
