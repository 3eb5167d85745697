/** The messages between the engine and its worker children. */

/** What a child gets beside the engine's options. */
export interface WorkerTask {
  readonly index: number;
  /** Folder of a model's tokenizer.json; left out: the built-in one. */
  readonly tokenizer?: string;
}

/** Where a started worker listens. */
export interface WorkerReady {
  readonly port: number;
  readonly kvEventsPort: number;
  readonly replayPort: number;
}
