// One response's body on its way through a compressor, which works on Node's thread pool, one piece at a time. What was given
// meanwhile goes with the next piece; when nothing more is there, the compressor gives all it holds: so what the application
// flushes reaches the client as soon as the machine can, and a long body is not cut by needless flushes. Bytes.

import type { Codec, CodecStream } from "./codecs.ts";

export interface CompressorOwner {
  onCompressed(bytes: Buffer): void;
  /** `bytes` of those that were given are with the client, as far as the compressor does not hold on to some. */
  onTaken(bytes: number): void;
  onCompressorEnd(): void;
  onCompressorFailed(reason: string): void;
}

/** When the client has taken so much of the output, so much of the input is done with. */
interface Mark {
  readonly output: number;
  readonly input: number;
}

/**
 *   idle ──write──► working ──(done, nothing waits)──► flushing ──► idle
 *     └──end────────────┴──(done)──► ending ──► closed ◄── destroy, from everywhere
 */
type State = "idle" | "working" | "flushing" | "ending" | "closed";

export class Compressor {
  readonly #codec: Codec;
  readonly #stream: CodecStream;
  readonly #owner: CompressorOwner;
  #state: State = "idle";
  #isLast = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #inputBytes = 0;
  #outputBytes = 0;
  #drainedBytes = 0;
  #takenBytes = 0;
  readonly #marks: Mark[] = [];

  constructor(codec: Codec, owner: CompressorOwner) {
    this.#codec = codec;
    this.#owner = owner;
    this.#stream = codec.open();
    this.#stream.on("data", (bytes) => this.#onOutput(bytes));
    this.#stream.on("end", () => this.#onEnd());
    this.#stream.on("error", (error) => this.#onError(error));
  }

  /** `bytes` are not changed later. */
  write(bytes: Uint8Array): void {
    if (this.#state === "closed" || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#workIfIdle();
  }

  end(): void {
    this.#isLast = true;
    this.#workIfIdle();
  }

  /** The client took so much of the output. */
  drained(bytes: number): void {
    this.#drainedBytes += bytes;
    this.#settle();
  }

  /** Frees its memory. Harmless when repeated. */
  destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#waiting = [];
    this.#stream.destroy();
  }

  #work(): void {
    if (this.#state === "closed") return;
    if (this.#waitingBytes === 0) {
      this.#state = "ending";
      this.#stream.end();
      return;
    }
    const [first] = this.#waiting;
    const isOne = this.#waiting.length === 1 && first !== undefined;
    const piece = isOne ? first : Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#state = "working";
    this.#stream.write(piece, () => this.#onWorked(piece.length));
  }

  #onWorked(bytes: number): void {
    if (this.#state === "closed") return;
    this.#inputBytes += bytes;
    if (this.#waitingBytes === 0 && !this.#isLast) {
      this.#flush();
      return;
    }
    this.#mark(); // what the compressor holds on to is less than its window
    this.#work();
  }

  #flush(): void {
    this.#state = "flushing";
    this.#stream.flush(this.#codec.flushKind, () => {
      if (this.#state === "closed") return;
      this.#state = "idle";
      this.#mark();
      this.#workIfIdle();
    });
  }

  /** Whoever was told of credit may have begun, or ended all. */
  #workIfIdle(): void {
    if (this.#state === "idle" && (this.#waitingBytes > 0 || this.#isLast)) this.#work();
  }

  #onOutput(bytes: Buffer): void {
    if (this.#state === "closed") return;
    this.#outputBytes += bytes.length;
    this.#owner.onCompressed(bytes);
  }

  #onEnd(): void {
    if (this.#state === "closed") return;
    this.destroy();
    this.#owner.onCompressorEnd();
  }

  #onError(error: Error): void {
    if (this.#state === "closed") return;
    this.destroy();
    this.#owner.onCompressorFailed(error.message);
  }

  #mark(): void {
    this.#marks.push({ output: this.#outputBytes, input: this.#inputBytes });
    this.#settle();
  }

  #settle(): void {
    let input = this.#takenBytes;
    while (this.#marks.length > 0) {
      const mark = this.#marks[0] as Mark; // there is one
      if (mark.output > this.#drainedBytes) break;
      input = mark.input;
      this.#marks.shift();
    }
    const bytes = input - this.#takenBytes;
    this.#takenBytes = input;
    if (bytes > 0) this.#owner.onTaken(bytes);
  }
}
