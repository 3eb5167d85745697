/**
 * The body of a streamed answer: text written now goes to the socket now, in one piece. Bun's direct
 * streams do that without a queue. A client that reads slowly makes Bun buffer, at most one answer.
 */

export class AnswerStream {
  readonly body: ReadableStream;
  #controller: ReadableStreamDirectController | undefined;
  /** Written before Bun began to read. */
  #early = "";
  #hasEnded = false;

  /** `onCancel`: the client disconnected before the end. */
  constructor(onCancel: () => void) {
    this.body = new ReadableStream({
      type: "direct",
      // Returning at once leaves the stream open until it is closed.
      pull: (controller: ReadableStreamDirectController): void => {
        this.#controller = controller;
        if (this.#early !== "") void controller.write(this.#early);
        if (this.#hasEnded) controller.close();
        else void controller.flush();
      },
      cancel: (): void => {
        if (!this.#hasEnded) onCancel();
      },
    });
  }

  write(text: string): void {
    if (this.#controller === undefined) {
      this.#early += text;
      return;
    }
    void this.#controller.write(text);
    void this.#controller.flush();
  }

  /** Writes the last text and closes. */
  end(text: string): void {
    this.#hasEnded = true;
    if (this.#controller === undefined) {
      this.#early += text;
      return;
    }
    void this.#controller.write(text);
    this.#controller.close();
  }
}
