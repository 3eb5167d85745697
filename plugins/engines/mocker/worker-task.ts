/** What passes between the engine and its worker children. */

/** What a child is told beside the engine's options. */
export interface WorkerTask {
  readonly index: number;
}

/** Where a started worker listens. */
export interface WorkerReady {
  readonly port: number;
  readonly kvEventsPort: number;
  readonly replayPort: number;
}
